import type * as pulumi from "@pulumi/pulumi";

import { CARRIERS } from "../config/defaults";

import { CarriedFiles, type CarriedFile } from "./carried-files";

export const SERVER_SECRETS_TYPE = "mcp:inner:ServerSecrets";

export interface ServerSecretsArgs {
    /** Name of the server. */
    readonly server: string;
    /** Any image that is there already; nothing of it runs. */
    readonly image: pulumi.Input<string>;
    readonly labels: Readonly<Record<string, string>>;
    readonly files: readonly CarriedFile[];
}

/** The secrets of one server as files on a volume, mounted read-only at /run/secrets. */
export class ServerSecrets extends CarriedFiles {
    constructor(name: string, args: ServerSecretsArgs, opts?: pulumi.ComponentResourceOptions) {
        const { server, ...rest } = args;
        const carried = { ...rest, owner: server, component: CARRIERS.inner };
        super(SERVER_SECRETS_TYPE, name, carried, opts);
    }
}
