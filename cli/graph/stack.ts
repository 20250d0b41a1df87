import { existsSync } from "node:fs";
import * as path from "node:path";

import { RunError } from "@pulumi/pulumi";

import { CliError } from "../errors";
import type { Project } from "../project";

import { runStack, type Ran } from "./program";

/**
 * Runs a stack's program in mocks, for a command: what the program refuses to start with is said as the program says
 * it. Once a process.
 */
export async function recordStack({ dir, stack, settingsFile }: Project): Promise<Ran> {
    if (!existsSync(settingsFile)) {
        throw new CliError(
            `${path.basename(settingsFile)}: there is no such file, so there is no stack ${stack}`,
            "choose another --stack, or let ./mcp up write the settings of a new one",
        );
    }
    try {
        return await runStack(stack, dir);
    } catch (error) {
        if (RunError.isInstance(error)) throw new CliError(error.message);
        throw error;
    }
}
