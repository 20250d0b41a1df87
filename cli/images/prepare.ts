import { mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import * as path from "node:path";

import type Docker from "dockerode";

import { readMachineFacts, writeMachineFacts, type LocalImage } from "../../config/machine";
import { INNER_IMAGES, innerImageTag, type InnerImageSpec } from "../../images/catalog";

import { BASES, baseKey, baseTag, buildBase, type BaseSpec } from "./bases";
import { buildImage, hasImage, importBase, pruneBuildLeftovers } from "./build";
import { exportContext } from "./context";

/** Where what is built once is kept, relative to the project. */
export const CACHE = ".mcp/images";

/** Age below which nothing is swept away, in milliseconds. */
const YOUNG_MS = 3_600_000;

/** Called with one line per slow step that really happens. */
export type Progress = (line: string) => void;

async function prepareBase(
    docker: Docker,
    projectDir: string,
    spec: BaseSpec,
    say: Progress,
): Promise<void> {
    const tag = baseTag(projectDir, spec);
    if (await hasImage(docker, tag)) return;
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
}

async function prepareInner(
    docker: Docker,
    projectDir: string,
    spec: InnerImageSpec,
    base: { readonly tag: string; readonly key: string },
    say: Progress,
): Promise<LocalImage> {
    const tag = innerImageTag(projectDir, spec.name, base.key);
    const parentTag = spec.parent ? innerImageTag(projectDir, spec.parent, base.key) : undefined;
    if (!(await hasImage(docker, tag))) {
        say(`building image ${tag} (once)`);
        await buildImage(docker, projectDir, {
            tag,
            dockerfile: `images/${spec.name}/Dockerfile`,
            folders: ["images", "services"],
            buildArgs: { [spec.parentArg]: parentTag ?? base.tag },
        });
    }
    const context = `${CACHE}/${tag.replace("/", "-").replace(":", "-")}-zstd`;
    await exportContext(
        docker,
        { tag, parentTag, parentArg: spec.parentArg },
        path.join(projectDir, context),
    );
    return { tag, imageId: (await docker.getImage(tag).inspect()).Id, context };
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
    for (const spec of BASES) {
        await prepareBase(docker, projectDir, spec, say);
        if (spec.name === "node") continue;
        const tag = baseTag(projectDir, spec);
        images[spec.name] = { tag, imageId: (await docker.getImage(tag).inspect()).Id };
    }
    const node = BASES.find((spec) => spec.name === "node");
    if (!node) throw new Error("images: the node base is missing from BASES");
    const base = { tag: baseTag(projectDir, node), key: baseKey(projectDir, node) };
    for (const spec of INNER_IMAGES) {
        images[spec.name] = await prepareInner(docker, projectDir, spec, base, say);
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
