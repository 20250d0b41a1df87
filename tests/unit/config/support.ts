import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import type { ConfigSource } from "../../../config/settings";

/** The smallest manifest; the tests count on these line numbers (from 1). */
export const SMALLEST: readonly string[] = [
    "apiVersion: mcp/v1", // 1
    "kind: MCPContainer", // 2
    "metadata:", // 3
    "  name: files-mcp", // 4
    "spec:", // 5
    "  build: bridge", // 6
    '  command: ["node", "server.mjs"]', // 7
    "  port: 13002", // 8
];

/** The smallest manifest with some lines (by number) replaced, or left out (""), and others added at the end. */
export function manifestText(edits: Readonly<Record<number, string>>, ...more: string[]): string {
    const lines = SMALLEST.map((line, index) => edits[index + 1] ?? line);
    return `${[...lines, ...more].join("\n")}\n`;
}

/** A manifest that differs in name and port. */
export function named(name: string, port: number): string {
    return manifestText({ 4: `  name: ${name}`, 8: `  port: ${port}` });
}

/** Runs with a fresh folder of that name, holding the files in the order given. */
export function inFolder<T>(
    files: Readonly<Record<string, string | Uint8Array>>,
    run: (folder: string) => T,
    name = "manifests",
): T {
    const parent = fs.mkdtempSync(path.join(os.tmpdir(), "config-test-"));
    try {
        const folder = path.join(parent, name);
        fs.mkdirSync(folder);
        for (const [file, content] of Object.entries(files)) {
            fs.writeFileSync(path.join(folder, file), content);
        }
        return run(folder);
    } finally {
        fs.rmSync(parent, { recursive: true, force: true });
    }
}

/** What the function throws. */
export function thrown(run: () => unknown): Error {
    try {
        run();
    } catch (error) {
        return error as Error;
    }
    throw new Error("nothing was thrown");
}

/** A config source over plain values. */
export function source(values: Readonly<Record<string, string>>): ConfigSource {
    return { get: (key) => (Object.hasOwn(values, key) ? values[key] : undefined) };
}
