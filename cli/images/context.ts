import { execFile } from "node:child_process";
import {
    createReadStream,
    createWriteStream,
    existsSync,
    mkdirSync,
    mkdtempSync,
    readFileSync,
    renameSync,
    rmSync,
    writeFileSync,
} from "node:fs";
import * as path from "node:path";
import { pipeline } from "node:stream/promises";
import { promisify } from "node:util";
import { createZstdCompress } from "node:zlib";

import type Docker from "dockerode";
import tar from "tar-fs";

import { CliError } from "../errors";

const run = promisify(execFile);

interface SavedManifest {
    readonly Config: string;
    readonly Layers: readonly string[];
}
interface SavedConfig {
    readonly config?: {
        readonly Env?: readonly string[];
        readonly User?: string;
        readonly WorkingDir?: string;
        readonly Entrypoint?: readonly string[];
        readonly Cmd?: readonly string[];
    };
    readonly rootfs: { readonly diff_ids: readonly string[] };
}

async function save(
    docker: Docker,
    tag: string,
    folder: string,
): Promise<{ manifest: SavedManifest; config: SavedConfig }> {
    mkdirSync(folder, { recursive: true });
    const archive = path.join(folder, "image.tar");
    await pipeline(await docker.getImage(tag).get(), createWriteStream(archive));
    await pipeline(createReadStream(archive), tar.extract(folder));
    rmSync(archive);
    const manifest = (
        JSON.parse(readFileSync(path.join(folder, "manifest.json"), "utf8")) as SavedManifest[]
    )[0];
    if (!manifest) throw new CliError(`image ${tag}: the daemon saved no manifest`);
    const config = JSON.parse(
        readFileSync(path.join(folder, manifest.Config), "utf8"),
    ) as SavedConfig;
    return { manifest, config };
}

/**
 * Writes an image of the host's daemon as a build context that needs no network: its layers above `parent` as tar
 * files, and a Dockerfile that adds them. This is how an image reaches the inner daemon where there is no registry:
 * the docker provider has no `load`, and its build speaks to any daemon.
 * The folder appears at `target` only when whole.
 */
export async function exportContext(
    docker: Docker,
    image: { readonly tag: string; readonly parentTag?: string; readonly parentArg: string },
    target: string,
): Promise<void> {
    if (existsSync(target)) return;
    // Another run may be at the same: each works in a folder of its own, and the first that is done has made it.
    const work = mkdtempSync(`${target}.work-`);
    try {
        const saved = await save(docker, image.tag, path.join(work, "saved"));
        const parent = image.parentTag
            ? await docker.getImage(image.parentTag).inspect()
            : undefined;
        const below = parent?.RootFS.Layers?.length ?? 0;
        const context = path.join(work, "context");
        mkdirSync(context, { recursive: true });
        const layers: string[] = [];
        for (const [index, layer] of saved.manifest.Layers.entries()) {
            if (index < below) continue;
            const source = path.join(work, "saved", layer);
            await refuseWhiteouts(source, image.tag);
            const name = `layer-${String(index)}.tar.zst`;
            // Compressed once here: the provider squeezes every context on its way, and what is small stays cheap.
            await pipeline(
                createReadStream(source),
                createZstdCompress(),
                createWriteStream(path.join(context, name)),
            );
            layers.push(name);
        }
        // The classic builder makes a container for every line: as few as will do.
        const lines = [
            ...(image.parentTag
                ? [`ARG ${image.parentArg}`, `FROM \${${image.parentArg}}`]
                : ["FROM scratch"]),
            `ADD ${layers.join(" ")} /`,
            ...settings(saved.config, parent?.Config.Env ?? []),
        ];
        writeFileSync(path.join(context, "Dockerfile"), `${lines.join("\n")}\n`);
        if (!existsSync(target)) renameSync(context, target);
    } finally {
        rmSync(work, { recursive: true, force: true });
    }
}

/** A layer that removes files of its parent does so by marker files, which ADD would only copy. */
async function refuseWhiteouts(layer: string, tag: string): Promise<void> {
    const { stdout } = await run("tar", ["-tf", layer], { maxBuffer: 256 * 1024 * 1024 });
    const marker = stdout.split("\n").find((entry) => /(^|\/)\.wh\./.test(entry));
    if (marker === undefined) return;
    throw new CliError(
        `image ${tag}: its own layer removes ${marker.replace(".wh.", "")} of its parent`,
        "let its Dockerfile only add files: build in one stage, COPY the result in the last",
    );
}

/** The image's configuration as Dockerfile lines; variables the parent has already are left out. */
function settings({ config = {} }: SavedConfig, inherited: readonly string[]): string[] {
    const variables = (config.Env ?? [])
        .filter((pair) => !inherited.includes(pair))
        .map((pair) => {
            const split = pair.indexOf("=");
            return `${pair.slice(0, split)}=${JSON.stringify(pair.slice(split + 1))}`;
        });
    return [
        ...(variables.length > 0 ? [`ENV ${variables.join(" ")}`] : []),
        ...(config.User ? [`USER ${config.User}`] : []),
        ...(config.WorkingDir ? [`WORKDIR ${config.WorkingDir}`] : []),
        ...(config.Entrypoint?.length ? [`ENTRYPOINT ${JSON.stringify(config.Entrypoint)}`] : []),
        ...(config.Cmd?.length ? [`CMD ${JSON.stringify(config.Cmd)}`] : []),
    ];
}
