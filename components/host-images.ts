import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";

import type { MachineFacts } from "../config/machine";
import { UPSTREAM } from "../images/catalog";

import type { StackContext } from "./stack-context";

/** Images of host-level containers: content ids. */
export interface HostImages {
    readonly orchestrator: pulumi.Input<string>;
    readonly postgres: pulumi.Input<string>;
}

/**
 * The images of host-level containers. `registry` pulls them by digest; `local` takes the ones built on this
 * machine by content id. They stay on the host at destroy: an image may serve other stacks, and is a cache.
 */
export function hostImages(
    { settings }: StackContext,
    machine: MachineFacts,
    opts: pulumi.CustomResourceOptions,
): HostImages {
    if (settings.imageSource === "local") {
        const local = (name: "orchestrator" | "postgres"): string => {
            const image = machine.images?.[name];
            if (image) return image.imageId;
            throw new pulumi.RunError(
                `image ${name}: not built on this machine yet (imageSource is local); run ./mcp build, then again`,
            );
        };
        return { orchestrator: local("orchestrator"), postgres: local("postgres") };
    }
    const pulled = (name: string, ref: string): pulumi.Output<string> =>
        new docker.RemoteImage(`image-${name}`, { name: ref, keepLocally: true }, opts).imageId;
    return {
        orchestrator: pulled("orchestrator", settings.orchestrator.image ?? UPSTREAM.orchestrator),
        postgres: pulled("postgres", UPSTREAM.postgres),
    };
}
