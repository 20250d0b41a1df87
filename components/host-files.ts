import type * as pulumi from "@pulumi/pulumi";

import { CARRIERS } from "../config/defaults";

import { CarriedFiles, type CarriedFilesArgs } from "./carried-files";

export const HOST_FILES_TYPE = "mcp:host:Files";

/** The files of a container on the host's daemon whose root is read-only. */
export class HostFiles extends CarriedFiles {
    constructor(
        name: string,
        args: Omit<CarriedFilesArgs, "component" | "command">,
        opts?: pulumi.ComponentResourceOptions,
    ) {
        const carried = { ...args, component: CARRIERS.host, command: ["true"] };
        super(HOST_FILES_TYPE, name, carried, opts);
    }
}
