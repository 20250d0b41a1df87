import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

import { PROJECT, runProgram, type Ran } from "../../cli/graph/program";

/** A manifest: name and `spec`. */
export interface Server {
    readonly name: string;
    readonly spec: Readonly<Record<string, unknown>>;
}

const folders: string[] = [];

/**
 * Runs the whole program on these manifests, as often as a test likes: each run has a module registry of its own
 * (jest only; `shareModules` makes it fast).
 */
export async function isolatedProgram(
    servers: readonly Server[],
    config: Readonly<Record<string, string>> = {},
    secretKeys: readonly string[] = [],
): Promise<Ran> {
    const manifestsDir = fs.mkdtempSync(path.join(os.tmpdir(), "program-"));
    folders.push(manifestsDir);
    for (const { name, spec } of servers) {
        const document = { apiVersion: "mcp/v1", kind: "MCPContainer", metadata: { name }, spec };
        fs.writeFileSync(path.join(manifestsDir, `${name}.yml`), JSON.stringify(document));
    }
    const runs: Ran[] = [];
    await jest.isolateModulesAsync(async () => {
        const all = { imageSource: "registry", manifestsDir, ...config };
        runs.push(await runProgram("isolated", all, secretKeys));
    });
    const [ran] = runs;
    if (ran === undefined) throw new Error("the program did not run");
    return ran;
}

/** What index.ts imports keeps no state of a program: loaded once, so that a run evaluates index.ts alone. */
export function shareModules(): void {
    const text = fs.readFileSync(path.join(PROJECT, "index.ts"), "utf8");
    for (const [, name = ""] of text.matchAll(/ from "([^"]+)";$/gm)) {
        const where = name.startsWith(".") ? path.join(PROJECT, name) : name;
        const loaded: unknown = jest.requireActual(where);
        jest.doMock(where, () => loaded);
    }
}

/** Removes the manifests of all runs. */
export function removeFolders(): void {
    for (const folder of folders) fs.rmSync(folder, { recursive: true, force: true });
}
