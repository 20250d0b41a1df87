import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";

import type { MachineFacts } from "../config/machine";
import { innerImage } from "../images/catalog";

import type { StackContext } from "./stack-context";
import { upstreamBuild } from "./upstream-build";

export const INNER_IMAGES_TYPE = "mcp:inner:Images";

export interface InnerImagesArgs {
    readonly context: StackContext;
    readonly machine: MachineFacts;
    /** Images the manifests name; their parents are added. */
    readonly names: readonly string[];
    /** Project folder, for content hashes. */
    readonly projectDir: string;
}

/**
 * The images servers run on, built inside the inner daemon and named by content. `imageSource: registry` builds
 * from images/<name>/Dockerfile; `local` adds layers built beforehand on the host, without network.
 */
export class InnerImages extends pulumi.ComponentResource {
    private readonly images = new Map<string, docker.RemoteImage>();

    constructor(
        private readonly prefix: string,
        private readonly args: InnerImagesArgs,
        opts?: pulumi.ComponentResourceOptions,
    ) {
        super(INNER_IMAGES_TYPE, prefix, {}, opts);
        for (const name of [...new Set(args.names)].sort()) this.add(name);
        this.registerOutputs({});
    }

    /** Content id of a built image (`sha256:…`). */
    public id(name: string): pulumi.Output<string> {
        return this.add(name).imageId;
    }

    private add(name: string): docker.RemoteImage {
        const known = this.images.get(name);
        if (known) return known;
        const spec = innerImage(name);
        const parent = spec.parent === undefined ? undefined : this.add(spec.parent);
        const local = this.args.context.settings.imageSource === "local";
        const image = new docker.RemoteImage(
            `${this.prefix}-${name}`,
            local
                ? this.localBuild(name, spec.parentArg, parent)
                : upstreamBuild(this.args.projectDir, spec, parent),
            { parent: this, customTimeouts: { create: "30m" } },
        );
        this.images.set(name, image);
        return image;
    }

    private localBuild(
        name: string,
        parentArg: string,
        parent: docker.RemoteImage | undefined,
    ): docker.RemoteImageArgs {
        const built = this.args.machine.images?.[name];
        if (built?.context === undefined) {
            throw new pulumi.RunError(
                `images/${name}: not built on this machine yet (imageSource is local); run ./mcp build, then again`,
            );
        }
        return {
            name: built.tag,
            build: {
                context: built.context,
                useLegacyBuilder: true,
                ...(parent ? { buildArgs: { [parentArg]: parent.name } } : {}),
            },
            // The data volume goes as a whole; removing an image that a container uses would only fail.
            keepLocally: true,
        };
    }
}
