import { spawn } from "node:child_process";
import * as path from "node:path";
import type { z } from "zod";

import { scrubbedEnvironment } from "../../../cli/environment";

/** Folder of Pulumi.yaml. */
export const PROJECT_DIR = path.resolve(__dirname, "../../..");

/** How a command ended. `code` is -1 when it had to be killed. */
export interface Outcome {
    readonly code: number;
    readonly stdout: string;
    readonly stderr: string;
}

/** Options of {@link mcp}. */
export interface McpOptions {
    /** Variables beside (or instead of) those of this process. */
    readonly env?: Readonly<Record<string, string>>;
    /** Seconds after which the command is killed. @default 60 */
    readonly seconds?: number;
}

/** Runs the operator's command on a stack, in a process of its own, as people do. */
export function mcp(
    stack: string,
    args: readonly string[],
    { env = {}, seconds = 60 }: McpOptions = {},
): Promise<Outcome> {
    const entry = path.join(PROJECT_DIR, "cli", "main.ts");
    const child = spawn(process.execPath, ["--import", "tsx", entry, "--stack", stack, ...args], {
        cwd: PROJECT_DIR,
        stdio: ["ignore", "pipe", "pipe"],
        env: { ...scrubbedEnvironment(), NO_COLOR: "1", FORCE_COLOR: undefined, ...env },
    });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => stderr.push(chunk));
    const timer = setTimeout(() => child.kill("SIGKILL"), seconds * 1000);
    return new Promise((resolve, reject) => {
        child.once("error", reject).once("close", (code) => {
            clearTimeout(timer);
            resolve({
                code: code ?? -1,
                stdout: Buffer.concat(stdout).toString(),
                stderr: Buffer.concat(stderr).toString(),
            });
        });
    });
}

/** The result of a command that ended well and was asked for JSON, checked against a schema. */
export function resultOf<T>(outcome: Outcome, schema: z.ZodType<T>): T {
    if (outcome.code !== 0) {
        throw new Error(`the command ended with code ${outcome.code}:\n${outcome.stderr}`);
    }
    return schema.parse(JSON.parse(outcome.stdout));
}
