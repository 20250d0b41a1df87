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
    /** The last line that is open source. */
    kong: "kong:3.9.1@sha256:76c14b93e989f7f4418039f7f9789ca32564016211c86ac1a18022f4788e7b9c",
    caddy: "caddy:2.10.2@sha256:c3d7ee5d2b11f9dc54f947f68a734c84e9c9666c92c88a7f30b9cba5da182adb",
    /** Carries the fixes for CVE-2025-11374, -11375 and -11392. */
    consul: "hashicorp/consul:1.22.0@sha256:117f1fdd7cd6d84069fa0f69a0c0804b5b3bf9a30450d2143d5817b78ce757b6",
} as const;

/** One of the images built from images/<name>/Dockerfile. */
export interface BuiltImageSpec {
    /** Folder below images/; the image is called mcp/<name>. */
    readonly name: string;
    /** Whose daemon containers of it run on: the orchestrator's or the host's. */
    readonly daemon: "inner" | "host";
    /** A part of the system: no manifest may name it. */
    readonly system?: true;
    /** Name of the build argument that carries the parent image. */
    readonly parentArg: "NODE_BASE" | "RUNTIME";
    /** The built image it stands on; none: it stands on the Node base. */
    readonly parent?: string;
    /** Files and folders, relative to the project, whose content decides the tag. */
    readonly inputs: readonly string[];
}

/** Every image built here from Node's, parents before children. */
export const BUILT_IMAGES: readonly BuiltImageSpec[] = [
    { name: "runtime", daemon: "inner", parentArg: "NODE_BASE", inputs: ["images/runtime"] },
    {
        name: "bridge",
        daemon: "inner",
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
    {
        name: "dbhub",
        daemon: "inner",
        parentArg: "RUNTIME",
        parent: "runtime",
        inputs: ["images/dbhub"],
    },
    {
        name: "manager",
        daemon: "inner",
        system: true,
        parentArg: "RUNTIME",
        parent: "runtime",
        inputs: [
            "images/manager",
            "services/manager/package.json",
            "services/manager/package-lock.json",
            "services/manager/tsconfig.json",
            "services/manager/scripts",
            "services/manager/src",
            "services/manager/dashboard",
            "services/manager/api-docs",
            // Bundled into it: one loader of manifests, one description of a server's container, one MCP probe.
            "config",
            "images/catalog.ts",
            "manifests/schema.json",
            "services/reporter/src",
        ],
    },
    {
        name: "gateway",
        daemon: "inner",
        system: true,
        parentArg: "RUNTIME",
        parent: "runtime",
        inputs: [
            "images/gateway",
            "services/gateway/package.json",
            "services/gateway/package-lock.json",
            "services/gateway/tsconfig.json",
            "services/gateway/scripts",
            "services/gateway/src",
        ],
    },
    {
        name: "egress",
        daemon: "inner",
        system: true,
        parentArg: "RUNTIME",
        parent: "runtime",
        inputs: ["images/egress"],
    },
    {
        name: "reporter",
        daemon: "host",
        parentArg: "RUNTIME",
        parent: "runtime",
        inputs: [
            "images/reporter",
            "services/reporter/package.json",
            "services/reporter/package-lock.json",
            "services/reporter/tsconfig.json",
            "services/reporter/scripts",
            "services/reporter/src",
        ],
    },
];

/** Every image of the inner daemon, parents before children. */
export const INNER_IMAGES: readonly BuiltImageSpec[] = BUILT_IMAGES.filter(
    ({ daemon }) => daemon === "inner",
);

/** Every image that servers can name under `spec.build`. */
export const SERVER_IMAGES: readonly BuiltImageSpec[] = INNER_IMAGES.filter(
    ({ system }) => system !== true,
);

/** Where a host-level container's image comes from in `registry` mode. */
export type HostImageSource =
    | { readonly from: "upstream"; readonly ref: string }
    /** Upstream's with a change: images/<name>/Dockerfile, whose argument `UPSTREAM_IMAGE` is the reference. */
    | { readonly from: "changed"; readonly ref: string; readonly dockerfile: string }
    | { readonly from: "build"; readonly image: BuiltImageSpec };

/** The images of host-level containers, by the name that `images` of .mcp/machine.json has for the local ones. */
export const HOST_IMAGES = {
    orchestrator: { from: "upstream", ref: UPSTREAM.orchestrator },
    postgres: { from: "upstream", ref: UPSTREAM.postgres },
    consul: { from: "upstream", ref: UPSTREAM.consul },
    kong: { from: "upstream", ref: UPSTREAM.kong },
    caddy: { from: "changed", ref: UPSTREAM.caddy, dockerfile: "images/caddy/Dockerfile" },
    reporter: { from: "build", image: builtImage("reporter") },
} as const satisfies Readonly<Record<string, HostImageSource>>;

/** The spec of a built image; an unknown name is an error that lists the known ones. */
export function builtImage(name: string): BuiltImageSpec {
    return pick(BUILT_IMAGES, name);
}

/** The spec of an inner image; an unknown name is an error that lists the known ones. */
export function innerImage(name: string): BuiltImageSpec {
    return pick(INNER_IMAGES, name);
}

function pick(specs: readonly BuiltImageSpec[], name: string): BuiltImageSpec {
    const spec = specs.find((candidate) => candidate.name === name);
    if (!spec) {
        const known = specs
            .filter(({ system }) => system !== true)
            .map((candidate) => candidate.name)
            .join(", ");
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
 * The tag of a built image by content: a changed file, parent or base gives another tag, and only that replaces
 * the image. `base` names what the chain stands on (upstream digest or the local base's content hash).
 */
export function builtImageTag(projectDir: string, name: string, base: string): string {
    const spec = builtImage(name);
    const below = spec.parent ? builtImageTag(projectDir, spec.parent, base) : base;
    return `mcp/${name}:${contentHash(projectDir, spec.inputs, below).slice(0, 12)}`;
}

/** `builtImageTag` of an image that runs inside the orchestrator. */
export function innerImageTag(projectDir: string, name: string, base: string): string {
    return builtImageTag(projectDir, innerImage(name).name, base);
}
