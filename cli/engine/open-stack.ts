import * as path from "node:path";

import * as automation from "@pulumi/pulumi/automation";

import { scrubbedEnvironment } from "../environment";
import { messageOf } from "../errors";
import type { Project } from "../project";

import { liveRun } from "./local-backend";

/** How often a state that another run is just writing is read again, and how long to wait before, in milliseconds. */
const READS = 10;
const READ_PAUSE_MS = 300;

/** The stack, made where there is none. The local backend writes in place: beside a run, a file may be half there. */
export async function openStack(project: Project): Promise<automation.Stack> {
    for (let left = READS; ; left -= 1) {
        try {
            return await automation.LocalWorkspace.createOrSelectStack(
                { stackName: project.stack, workDir: project.dir },
                { envVars: pulumiEnvironment(project) },
            );
        } catch (error) {
            const halfWritten = /failed to load checkpoint/.test(messageOf(error));
            const beside = liveRun(project.stateDir(), project.stack) !== undefined;
            if (!halfWritten || !beside || left === 0) throw error;
            await new Promise((resolve) => setTimeout(resolve, READ_PAUSE_MS));
        }
    }
}

/** Environment of the engine: own backend and passphrase unless the user has chosen others. */
export function pulumiEnvironment(project: Project): Record<string, string> {
    const environment = scrubbedEnvironment();
    const chosen =
        environment.PULUMI_CONFIG_PASSPHRASE ?? environment.PULUMI_CONFIG_PASSPHRASE_FILE;
    return {
        ...environment,
        PULUMI_BACKEND_URL: environment.PULUMI_BACKEND_URL ?? `file://${project.stateDir()}`,
        ...(chosen === undefined
            ? { PULUMI_CONFIG_PASSPHRASE_FILE: project.passphraseFile() }
            : {}),
        PULUMI_SKIP_UPDATE_CHECK: "true",
        // The program is compiled at every run; keeping the result saves a third of a second each.
        NODE_COMPILE_CACHE: path.join(project.cacheDir, "compile-cache"),
    };
}
