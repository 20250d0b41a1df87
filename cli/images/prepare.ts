import { mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import * as path from "node:path";

import type Docker from "dockerode";

import { readMachineFacts, writeMachineFacts, type LocalImage } from "../../config/machine";
import { BUILT_IMAGES, builtImageTag, type BuiltImageSpec } from "../../images/catalog";

import { BASES, baseKey, baseSpec, baseTag } from "./bases";
import { buildImage, hasImage, pruneBuildLeftovers } from "./build";
import { prepareConsul } from "./consul";
import { exportContext } from "./context";
import { CACHE, prepareBase, type Progress } from "./rootfs";

/** Age below which nothing is swept away, in milliseconds. */
const YOUNG_MS = 3_600_000;

async function prepareBuilt(
    docker: Docker,
    projectDir: string,
    spec: BuiltImageSpec,
    base: { readonly tag: string; readonly key: string },
    say: Progress,
): Promise<LocalImage> {
    const tag = builtImageTag(projectDir, spec.name, base.key);
    const parentTag = spec.parent ? builtImageTag(projectDir, spec.parent, base.key) : undefined;
    if (!(await hasImage(docker, tag))) {
        say(`building image ${tag} (once)`);
        await buildImage(docker, projectDir, {
            tag,
            dockerfile: `images/${spec.name}/Dockerfile`,
            folders: ["config", "images", "manifests", "services"],
            buildArgs: { [spec.parentArg]: parentTag ?? base.tag },
        });
    }
    const built = { tag, imageId: (await docker.getImage(tag).inspect()).Id };
    if (spec.daemon === "host") return built;
    const context = `${CACHE}/${tag.replace("/", "-").replace(":", "-")}-zstd`;
    await exportContext(
        docker,
        { tag, parentTag, parentArg: spec.parentArg },
        path.join(projectDir, context),
    );
    return { ...built, context };
}

/**
 * Makes every image of `imageSource: local` and records them in .mcp/machine.json for the program to read.
 * What exists by content is used as it is; what no longer belongs to any image is removed from the cache folder.
 */
export async function prepareLocalImages(
    docker: Docker,
    projectDir: string,
    say: Progress,
): Promise<void> {
    mkdirSync(path.join(projectDir, CACHE), { recursive: true });
    const images: Record<string, LocalImage> = {};
    // One after the other: unpacking packages saturates a small machine, two at a time take longer than in turn.
    const node = baseSpec("node");
    const base = {
        tag: await prepareBase(docker, projectDir, node, say),
        key: baseKey(projectDir, node),
    };
    for (const name of ["orchestrator", "postgres", "caddy"] as const) {
        const tag = await prepareBase(docker, projectDir, baseSpec(name), say);
        images[name] = { tag, imageId: (await docker.getImage(tag).inspect()).Id };
    }
    images.consul = await prepareConsul(docker, projectDir, say);
    for (const spec of BUILT_IMAGES) {
        images[spec.name] = await prepareBuilt(docker, projectDir, spec, base, say);
    }
    writeMachineFacts(projectDir, { ...readMachineFacts(projectDir), images });
    sweep(projectDir, images);
    await pruneBuildLeftovers(docker);
}

/** Removes every local image and context of this project, and forgets that the machine has them. */
export async function removeLocalImages(docker: Docker, projectDir: string): Promise<number> {
    const { images = {}, ...facts } = readMachineFacts(projectDir);
    const tags = [
        ...Object.values(images).map((image) => image.tag),
        ...BASES.map((spec) => baseTag(projectDir, spec)),
    ];
    let removed = 0;
    for (const tag of [...new Set(tags)]) {
        if (!(await hasImage(docker, tag))) continue;
        // One that another stack's container uses stays.
        const gone = await docker
            .getImage(tag)
            .remove({ force: true })
            .then(
                () => true,
                () => false,
            );
        if (gone) removed += 1;
    }
    rmSync(path.join(projectDir, CACHE), { recursive: true, force: true });
    writeMachineFacts(projectDir, facts);
    return removed;
}

/** Removes contexts and half-made files that no current image uses. */
function sweep(projectDir: string, images: Readonly<Record<string, LocalImage>>): void {
    const keep = new Set(
        Object.values(images).flatMap((image) =>
            image.context ? [path.basename(image.context)] : [],
        ),
    );
    for (const entry of readdirSync(path.join(projectDir, CACHE))) {
        const full = path.join(projectDir, CACHE, entry);
        // What is young may be another run's work under way.
        const young = Date.now() - statSync(full).mtimeMs < YOUNG_MS;
        if (!keep.has(entry) && !young) rmSync(full, { recursive: true, force: true });
    }
}
