import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";

import type { MachineFacts } from "../config/machine";
import {
    HOST_IMAGES,
    builtImage,
    contentHash,
    type BuiltImageSpec,
    type HostImageSource,
} from "../images/catalog";

import type { StackContext } from "./stack-context";
import { upstreamBuild } from "./upstream-build";

/** Name of an image of a host-level container. */
export type HostImageName = keyof typeof HOST_IMAGES;

export interface HostImagesArgs {
    readonly context: StackContext;
    readonly machine: MachineFacts;
    /** Project folder, for content hashes. */
    readonly projectDir: string;
}

/**
 * The images of host-level containers, by content id. `registry` pulls or builds one when it is asked for; `local`
 * takes those built on this machine. They stay on the host at destroy: an image may serve other stacks, and is a cache.
 */
export class HostImages {
    private readonly built = new Map<string, docker.RemoteImage>();

    constructor(
        private readonly args: HostImagesArgs,
        private readonly opts: pulumi.CustomResourceOptions,
    ) {}

    /** Content id (`sha256:…`) of the image; where it is not there, this brings it in. */
    public id(name: HostImageName): pulumi.Input<string> {
        const { settings } = this.args.context;
        if (settings.imageSource === "local") {
            const image = this.args.machine.images?.[name];
            if (image) return image.imageId;
            throw new pulumi.RunError(
                `image ${name}: not built on this machine yet (imageSource is local); run ./mcp build, then again`,
            );
        }
        const source = HOST_IMAGES[name];
        if (source.from === "build") return this.build(source.image).imageId;
        if (source.from === "changed") return this.changed(name, source).imageId;
        const own = name === "orchestrator" ? settings.orchestrator.image : undefined;
        return new docker.RemoteImage(
            `image-${name}`,
            { name: own ?? source.ref, keepLocally: true },
            this.opts,
        ).imageId;
    }

    private changed(
        name: string,
        { ref, dockerfile }: Extract<HostImageSource, { from: "changed" }>,
    ): docker.RemoteImage {
        const { projectDir } = this.args;
        return new docker.RemoteImage(
            `image-${name}`,
            {
                name: `mcp/${name}:${contentHash(projectDir, [dockerfile], ref).slice(0, 12)}`,
                build: {
                    context: ".",
                    dockerfile,
                    useLegacyBuilder: true,
                    buildArgs: { UPSTREAM_IMAGE: ref },
                },
                keepLocally: true,
            },
            { ...this.opts, customTimeouts: { create: "30m" } },
        );
    }

    private build(spec: BuiltImageSpec): docker.RemoteImage {
        const known = this.built.get(spec.name);
        if (known) return known;
        const parent = spec.parent === undefined ? undefined : this.build(builtImage(spec.parent));
        const image = new docker.RemoteImage(
            `image-${spec.name}`,
            upstreamBuild(this.args.projectDir, spec, parent),
            { ...this.opts, customTimeouts: { create: "30m" } },
        );
        this.built.set(spec.name, image);
        return image;
    }
}
