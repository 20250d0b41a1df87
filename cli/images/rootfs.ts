import { execFile } from "node:child_process";
import {
    chmodSync,
    copyFileSync,
    cpSync,
    existsSync,
    mkdirSync,
    readdirSync,
    renameSync,
    rmSync,
    writeFileSync,
} from "node:fs";
import * as path from "node:path";
import { promisify } from "node:util";

import type Docker from "dockerode";

import { CliError } from "../errors";

import { NODE_PACKAGE, NPM_PACKAGE, SUITE, baseKey, baseTag, type BaseSpec } from "./bases";
import { hasImage, importBase } from "./build";

/** Where what is built once is kept, relative to the project. */
export const CACHE = ".mcp/images";

/** Called with one line per slow step that really happens. */
export type Progress = (line: string) => void;

const run = promisify(execFile);

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
async function buildBase(projectDir: string, spec: BaseSpec, target: string): Promise<void> {
    const work = `${target}.work`;
    const overlay = path.join(work, "overlay");
    rmSync(work, { recursive: true, force: true });
    mkdirSync(overlay, { recursive: true });
    try {
        await makeOverlay(projectDir, spec, overlay);
        const args = [
            `--variant=${spec.variant ?? "apt"}`,
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

/**
 * Makes a base unless the daemon has it, and answers its tag.
 * @throws CliError when mmdebstrap or the daemon's import fails.
 */
export async function prepareBase(
    docker: Docker,
    projectDir: string,
    spec: BaseSpec,
    say: Progress,
): Promise<string> {
    const tag = baseTag(projectDir, spec);
    if (await hasImage(docker, tag)) return tag;
    const rootfs = path.join(
        projectDir,
        CACHE,
        `base-${spec.name}-${baseKey(projectDir, spec)}.tar`,
    );
    say(`building the ${spec.name} base from the distribution's packages (about a minute, once)`);
    await buildBase(projectDir, spec, rootfs);
    await importBase(docker, rootfs, tag, [
        "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "ENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt",
        ...(spec.withNode ? ["ENV NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt"] : []),
    ]);
    // The daemon has it now; a second copy would only take space.
    rmSync(rootfs);
    return tag;
}
