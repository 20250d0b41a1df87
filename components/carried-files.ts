import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";

import { LABELS, PATHS, SERVER_USER } from "../config/defaults";

import { labelList } from "./stack-context";

export interface CarriedFilesArgs {
    /** Whose files they are: decides the names of volume and carrier. */
    readonly owner: string;
    /** Any image that is there already; nothing of it runs. */
    readonly image: pulumi.Input<string>;
    readonly labels: Readonly<Record<string, string>>;
    /** Value of the carrier's own `mcp.component`. */
    readonly component: string;
    readonly files: readonly CarriedFile[];
    /** What the carrier would run; a daemon creates none for an image that names no program itself. */
    readonly command?: readonly string[];
}

/** A file on the volume. */
export interface CarriedFile {
    readonly name: string;
    readonly content: pulumi.Input<string>;
}

/**
 * Files on a volume, for a container that mounts it read-only.
 *
 * A container with a read-only root takes no upload (measured: docs/decisions/0003), and an environment variable
 * would show in every inspection. So a second container, created and never started, carries the files onto the
 * volume: an upload into a created container writes through its mounts.
 */
export abstract class CarriedFiles extends pulumi.ComponentResource {
    /** Known once the files are there; unknown while they are about to change. */
    public readonly volumeName: pulumi.Output<string>;
    /** The volume, for a program that reads changed files by itself. */
    public readonly volume: docker.Volume;
    /** What a change of files replaces. */
    public readonly carrier: docker.Container;

    protected constructor(
        type: string,
        name: string,
        args: CarriedFilesArgs,
        opts?: pulumi.ComponentResourceOptions,
    ) {
        super(type, name, {}, opts);
        const child = { parent: this, deleteBeforeReplace: true };
        // A dot, which no server's name has: a server called "x-secrets" must not meet the secrets of "x".
        const physicalName = `${args.owner}.secrets`;
        this.volume = new docker.Volume(
            `${name}-volume`,
            { name: physicalName, driver: "local", labels: labelList(args.labels) },
            child,
        );
        this.carrier = new docker.Container(
            `${name}-carrier`,
            {
                name: physicalName,
                image: args.image,
                command: args.command && [...args.command],
                start: false,
                mustRun: false,
                user: SERVER_USER,
                networkMode: "none",
                capabilities: { drops: ["ALL"] },
                securityOpts: ["no-new-privileges"],
                restart: "no",
                memory: 64,
                memorySwap: 64,
                volumes: [{ volumeName: this.volume.name, containerPath: PATHS.secrets }],
                uploads: pulumi.secret(
                    args.files.map((file) => ({
                        file: `${PATHS.secrets}/${file.name}`,
                        content: file.content,
                        permissions: "0444",
                    })),
                ),
                labels: labelList({ ...args.labels, [LABELS.component]: args.component }),
            },
            { ...child, replaceOnChanges: ["#initerror"] },
        );
        // Through the carrier: the files must be there before anything mounts the volume.
        this.volumeName = pulumi
            .all([this.volume.name, this.carrier.id])
            .apply(([volumeName]) => volumeName);
        this.registerOutputs({ volumeName: this.volumeName });
    }
}
