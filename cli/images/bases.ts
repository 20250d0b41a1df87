import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import * as path from "node:path";

/** Debian release all local bases are made of; its Docker is 26, its PostgreSQL 17. */
export const SUITE = "trixie";
/** Node for containers, as the npm registry carries it: a static-enough glibc build of the official binary. */
export const NODE_PACKAGE = `node-linux-${process.arch}@22.23.3`;
export const NPM_PACKAGE = "npm@11.6.2";

/**
 * A base image made from the distribution's packages: the local stand-in for one upstream image, or what such a
 * stand-in is built with.
 */
export interface BaseSpec {
    readonly name: "node" | "orchestrator" | "postgres" | "caddy" | "slim" | "go";
    /** What the packages are added to; none: a system that can install more of them (`apt`). */
    readonly variant?: "essential";
    readonly packages: readonly string[];
    /** Shell commands run before packages are installed; `$1` is the root. */
    readonly essentialHooks?: readonly string[];
    /** Shell commands run after everything is installed; `$1` is the root. */
    readonly customizeHooks?: readonly string[];
    /** Files of the project copied into the root. */
    readonly files: readonly {
        readonly from: string;
        readonly to: string;
        readonly mode: number;
    }[];
    readonly withNode: boolean;
}

export const BASES: readonly BaseSpec[] = [
    {
        name: "node",
        packages: ["ca-certificates", "curl", "passwd", "python3"],
        files: [],
        withNode: true,
    },
    {
        name: "orchestrator",
        packages: [
            "ca-certificates",
            "docker.io",
            "docker-cli",
            "iptables",
            "openssl",
            "tini",
            "procps",
            "socat",
        ],
        files: [
            {
                from: "images/base/dockerd-entrypoint.sh",
                to: "usr/local/bin/dockerd-entrypoint.sh",
                mode: 0o755,
            },
        ],
        withNode: false,
    },
    {
        name: "postgres",
        packages: ["ca-certificates", "postgresql"],
        // The upstream image runs as 999; the same id here keeps one setting for both.
        essentialHooks: [
            `echo "postgres:x:999:" >> "$1/etc/group"`,
            `echo "postgres:x:999:999::/var/lib/postgresql:/usr/sbin/nologin" >> "$1/etc/passwd"`,
        ],
        // The data folder is the volume's: a new volume takes its owner. The package's own cluster is not wanted.
        customizeHooks: [
            'rm -rf "$1"/var/lib/postgresql/*',
            'install -d -o 999 -g 999 -m 0700 "$1/var/lib/postgresql/data"',
        ],
        files: [],
        withNode: false,
    },
    {
        // wget is what the upstream image has for a health check.
        name: "caddy",
        variant: "essential",
        packages: ["ca-certificates", "caddy", "wget"],
        files: [],
        withNode: false,
    },
    {
        // What Consul runs on.
        name: "slim",
        variant: "essential",
        packages: ["ca-certificates", "curl"],
        // User and data folder of the upstream image: a new volume takes the folder's owner.
        essentialHooks: [
            `echo "consul:x:1000:" >> "$1/etc/group"`,
            `echo "consul:x:100:1000::/consul:/usr/sbin/nologin" >> "$1/etc/passwd"`,
        ],
        customizeHooks: ['install -d -o 100 -g 1000 "$1/consul" "$1/consul/data"'],
        files: [],
        withNode: false,
    },
    {
        // What Consul is compiled with; gone again once it is.
        name: "go",
        packages: ["ca-certificates", "golang-go"],
        files: [],
        withNode: false,
    },
];

/** The spec of a base. */
export function baseSpec(name: BaseSpec["name"]): BaseSpec {
    const spec = BASES.find((candidate) => candidate.name === name);
    if (!spec) throw new Error(`images: the ${name} base is missing from BASES`);
    return spec;
}

/** Content key of a base: what it is made of, not the day it was made. */
export function baseKey(projectDir: string, spec: BaseSpec): string {
    const hash = createHash("sha256").update(JSON.stringify({ ...spec, SUITE }));
    if (spec.withNode) hash.update(NODE_PACKAGE + NPM_PACKAGE);
    for (const file of spec.files) hash.update(readFileSync(path.join(projectDir, file.from)));
    return hash.digest("hex").slice(0, 12);
}

/** The tag a base has on the host's daemon. */
export function baseTag(projectDir: string, spec: BaseSpec): string {
    return `mcp-base/${spec.name}:${baseKey(projectDir, spec)}`;
}
