import { readdirSync, readFileSync } from "node:fs";
import * as path from "node:path";

import { lineage } from "../../policy/core/graph";
import type { ResourceRecord, StackGraph } from "../../policy/core/model";

/** A place in the project. */
export interface Location {
    /** Relative to the project, with slashes. */
    readonly file: string;
    /** From 1. */
    readonly line: number;
}

/**
 * Where a resource comes from: the manifest of the server it belongs to, else the component nearest above it that
 * has a file, else index.ts.
 */
export function locate(projectDir: string, graph: StackGraph, urn: string): Location {
    const record = graph.byUrn(urn);
    if (record === undefined) return { file: "index.ts", line: 1 };
    const above = lineage(graph, record);
    for (const one of above) {
        const manifest = manifestFile(one);
        if (manifest !== undefined) return { file: manifest, line: 1 };
    }
    for (const { type } of above) {
        const component = type.startsWith("mcp:") ? tokens(projectDir).get(type) : undefined;
        if (component !== undefined) return component;
    }
    return { file: "index.ts", line: lineOf(projectDir, "index.ts", `"${record.name}"`) };
}

function manifestFile({ props }: ResourceRecord): string | undefined {
    const { manifest } = props;
    if (typeof manifest !== "object" || manifest === null || !("file" in manifest))
        return undefined;
    return typeof manifest.file === "string" ? manifest.file : undefined;
}

const known = new Map<string, ReadonlyMap<string, Location>>();

/** Where each component's type token stands. */
function tokens(projectDir: string): ReadonlyMap<string, Location> {
    const before = known.get(projectDir);
    if (before !== undefined) return before;
    const folder = path.join(projectDir, "components");
    const found = new Map<string, Location>();
    for (const name of readdirSync(folder).sort()) {
        if (!name.endsWith(".ts")) continue;
        const lines = readFileSync(path.join(folder, name), "utf8").split("\n");
        for (const [index, text] of lines.entries()) {
            const token = /_TYPE = "(mcp:[^"]+)"/.exec(text)?.[1];
            if (token !== undefined)
                found.set(token, { file: `components/${name}`, line: index + 1 });
        }
    }
    known.set(projectDir, found);
    return found;
}

function lineOf(projectDir: string, file: string, text: string): number {
    const lines = readFileSync(path.join(projectDir, file), "utf8").split("\n");
    return Math.max(1, lines.findIndex((line) => line.includes(text)) + 1);
}
