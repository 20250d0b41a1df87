import { readFileSync } from "node:fs";
import * as path from "node:path";

import { parse } from "yaml";
import { z } from "zod";

import { REDIRECTING_VARIABLES } from "../../config/environment";

import { startMocks, type Recorder } from "./mocks";

/** Folder of the project. */
export const PROJECT = path.resolve(__dirname, "..", "..");

const stackFile = z.object({ config: z.record(z.string(), z.unknown()).default({}) });
const encrypted = z.object({ secure: z.string() });

/** What a program that ran in mocks has registered and exported. */
export interface Ran {
    readonly recorder: Recorder;
    readonly exports: Readonly<Record<string, unknown>>;
}

/**
 * Runs the whole program in mocks with the config of a stack file, images from registries: what this machine
 * has built or set in its environment does not count. A process (or jest test file) can run one program.
 */
export async function runStack(stack: string, projectDir = PROJECT): Promise<Ran> {
    const { values, secretKeys } = readStackFile(stack, projectDir);
    return runProgram(stack, { ...values, imageSource: "registry" }, secretKeys, projectDir);
}

/** Runs index.ts in mocks with that config. */
export async function runProgram(
    stack: string,
    config: Readonly<Record<string, string>>,
    secretKeys: readonly string[] = [],
    projectDir = PROJECT,
): Promise<Ran> {
    for (const variable of REDIRECTING_VARIABLES) delete process.env[variable];
    const recorder = await startMocks(stack, config, secretKeys);
    // Not `import`: the program must get the SDK that the mocks were set in.
    // eslint-disable-next-line @typescript-eslint/no-require-imports
    const exports = require(path.join(projectDir, "index.ts")) as Readonly<Record<string, unknown>>;
    await recorder.settle();
    return { recorder, exports };
}

/** Config of Pulumi.<stack>.yaml without the project's namespace; a secret, which only its owner can read, by a stand-in. */
function readStackFile(
    stack: string,
    projectDir: string,
): { values: Record<string, string>; secretKeys: string[] } {
    const text = readFileSync(path.join(projectDir, `Pulumi.${stack}.yaml`), "utf8");
    const { config } = stackFile.parse(parse(text));
    const secretKeys = Object.keys(config).filter(
        (key) => encrypted.safeParse(config[key]).success,
    );
    const values = Object.entries(config).map(([key, value]): [string, string] => {
        if (secretKeys.includes(key)) return [bare(key), `stand-in-for-${bare(key)}`];
        return [bare(key), typeof value === "string" ? value : JSON.stringify(value)];
    });
    return { values: Object.fromEntries(values), secretKeys: secretKeys.map(bare) };
}

function bare(key: string): string {
    return key.replace(/^sutazai-mcp:/, "");
}
