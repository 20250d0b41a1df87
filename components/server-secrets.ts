import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";

import { LABELS, PATHS, SERVER_USER } from "../config/defaults";

import { labelList } from "./stack-context";

export const SERVER_SECRETS_TYPE = "mcp:inner:ServerSecrets";

export interface ServerSecretsArgs {
    /** Name of the server. */
    readonly server: string;
    /** Any image that is there already; nothing of it runs. */
    readonly image: pulumi.Input<string>;
    readonly labels: Readonly<Record<string, string>>;
    readonly files: readonly { readonly name: string; readonly content: pulumi.Input<string> }[];
}

/**
 * The secrets of one server as files on a volume, mounted read-only at /run/secrets.
 *
 * A container with a read-only root takes no upload (measured: docs/decisions/0003), and an environment variable
 * would show in every inspection. So a second container, created and never started, carries the files onto the
 * volume: an upload into a created container writes through its mounts.
 */
export class ServerSecrets extends pulumi.ComponentResource {
    /** Known once the files are there; unknown while they are about to change. */
    public readonly volumeName: pulumi.Output<string>;
    /** The volume, for a program that reads changed files by itself. */
    public readonly volume: docker.Volume;
    /** What a change of secrets replaces. */
    public readonly carrier: docker.Container;

    constructor(name: string, args: ServerSecretsArgs, opts?: pulumi.ComponentResourceOptions) {
        super(SERVER_SECRETS_TYPE, name, {}, opts);
        const child = { parent: this, deleteBeforeReplace: true };
        // A dot, which no server's name has: a server called "x-secrets" must not meet the secrets of "x".
        const physicalName = `${args.server}.secrets`;
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
                labels: labelList({ ...args.labels, [LABELS.component]: "server-secrets" }),
            },
            { ...child, replaceOnChanges: ["#initerror"] },
        );
        // Through the carrier: the files must be there before the server mounts the volume.
        this.volumeName = pulumi
            .all([this.volume.name, this.carrier.id])
            .apply(([volumeName]) => volumeName);
        this.registerOutputs({ volumeName: this.volumeName });
    }
}
