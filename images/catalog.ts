import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import * as path from "node:path";

/**
 * Upstream images, pinned by digest. `imageSource: local` builds an equivalent of each from the distribution's
 * packages instead (cli/images/bases.ts). The digests were read in public repositories that pin the same tags;
 * a machine that can pull them proves them at its first `up`, because a digest cannot resolve to anything else.
 */
export const UPSTREAM = {
    /** Carries runc 1.3.3, the first with the fixes for CVE-2025-31133, -52565 and -52881. */
    orchestrator:
        "docker:28.5.2-dind@sha256:2a232a42256f70d78e3cc5d2b5d6b3276710a0de0596c145f627ecfae90282ac",
    postgres:
        "postgres:17-trixie@sha256:d74eeac9a635390a49bc21bd49fccd973de707e2a53a76ac49b552b8712ec46f",
    node: "node:22-trixie-slim@sha256:b26b04c123d9ff8ab646ceb18b9d75a1173acf64b9a401094b906d27b29338d4",
} as const;

/** One of the images built from images/<name>/Dockerfile and run inside the orchestrator. */
export interface InnerImageSpec {
    /** Folder below images/; the image is called mcp/<name>. */
    readonly name: string;
    /** Name of the build argument that carries the parent image. */
    readonly parentArg: "NODE_BASE" | "RUNTIME";
    /** The inner image it builds on; none: it stands on the Node base. */
    readonly parent?: string;
    /** Files and folders, relative to the project, whose content decides the tag. */
    readonly inputs: readonly string[];
}

/** Every image that servers can name under `spec.build`, parents before children. */
export const INNER_IMAGES: readonly InnerImageSpec[] = [
    { name: "runtime", parentArg: "NODE_BASE", inputs: ["images/runtime"] },
    {
        name: "bridge",
        parentArg: "RUNTIME",
        parent: "runtime",
        inputs: [
            "images/bridge",
            "services/bridge/package.json",
            "services/bridge/package-lock.json",
            "services/bridge/tsconfig.json",
            "services/bridge/stubs",
            "services/bridge/scripts",
            "services/bridge/src",
        ],
    },
    { name: "dbhub", parentArg: "RUNTIME", parent: "runtime", inputs: ["images/dbhub"] },
];

/** The spec of an inner image; an unknown name is an error that lists the known ones. */
export function innerImage(name: string): InnerImageSpec {
    const spec = INNER_IMAGES.find((candidate) => candidate.name === name);
    if (!spec) {
        const known = INNER_IMAGES.map((candidate) => candidate.name).join(", ");
        throw new Error(`images/${name}: no such image; build is one of: ${known}`);
    }
    return spec;
}

/** Files below `relative`, sorted, without node_modules. */
function filesBelow(projectDir: string, relative: string): string[] {
    const full = path.join(projectDir, relative);
    if (!statSync(full).isDirectory()) return [relative];
    return readdirSync(full)
        .filter((entry) => entry !== "node_modules" && entry !== "tests")
        .sort()
        .flatMap((entry) => filesBelow(projectDir, path.posix.join(relative, entry)));
}

/** SHA-256 (hex) over names and contents of files, stable over machines. */
export function contentHash(projectDir: string, inputs: readonly string[], salt: string): string {
    const hash = createHash("sha256").update(salt);
    for (const file of inputs.flatMap((input) => filesBelow(projectDir, input))) {
        hash.update(`\0${file}\0`).update(readFileSync(path.join(projectDir, file)));
    }
    return hash.digest("hex");
}

/**
 * The tag of an inner image by content: a changed file, parent or base gives another tag, and only that replaces
 * the image. `base` names what the chain stands on (upstream digest or the local base's content hash).
 */
export function innerImageTag(projectDir: string, name: string, base: string): string {
    const spec = innerImage(name);
    const below = spec.parent ? innerImageTag(projectDir, spec.parent, base) : base;
    return `mcp/${name}:${contentHash(projectDir, spec.inputs, below).slice(0, 12)}`;
}

/** Asks a Streamable HTTP server for its tools, as a client would. */
function toolsListTest(port: number, path: string): readonly string[] {
    const request = '{"jsonrpc":"2.0","id":1,"method":"tools/list"}';
    return [
        "CMD-SHELL",
        `curl -fsS -m 5 -H 'content-type: application/json' -H 'accept: application/json, text/event-stream' ` +
            `-d '${request}' http://127.0.0.1:${String(port)}${path} | grep -q '"tools":\\['`,
    ];
}

/**
 * The health check of a server: always an answer to a real `tools/list`, never that a process exists. Behind the
 * bridge /healthz asks the child; a native server is asked directly.
 */
export function healthTest(server: {
    readonly source:
        { readonly kind: "build"; readonly image: string } | { readonly kind: "image" };
    readonly transport: { readonly path: string; readonly containerPort: number };
}): readonly string[] {
    const { containerPort, path: urlPath } = server.transport;
    if (server.source.kind === "build" && server.source.image === "bridge") {
        return [
            "CMD",
            "curl",
            "-fsS",
            "-m",
            "5",
            `http://127.0.0.1:${String(containerPort)}/healthz`,
        ];
    }
    return toolsListTest(containerPort, urlPath);
}
