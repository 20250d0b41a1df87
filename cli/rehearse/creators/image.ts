import { existsSync, readFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import dockerignore from "@balena/dockerignore";
import type * as docker from "@pulumi/docker";
import type { Unwrap } from "@pulumi/pulumi";
import type Docker from "dockerode";
import * as tar from "tar-fs";
import { orNone, refuseUnknown, type Creator, type Daemon, type Run } from "../run";

type ImageInputs = Unwrap<docker.RemoteImageArgs>;
type Build = NonNullable<ImageInputs["build"]>;

const KNOWN = [
    "build",
    "forceRemove",
    "keepLocally",
    "name",
    "platform",
    "pullTriggers",
    "triggers",
];
const KNOWN_BUILD = [
    ...["buildArgs", "context", "dockerfile", "forceRemove", "label", "labels", "networkMode"],
    ...["noCache", "platform", "pullParent", "remove", "tags", "target", "useLegacyBuilder"],
];

/** An image: built from a context by the classic builder, found on the daemon, or pulled. */
export const createRemoteImage: Creator = async (request, run) => {
    refuseUnknown(request.type, request.inputs, KNOWN);
    const { build, keepLocally, name, platform } = request.inputs as unknown as ImageInputs;
    const daemon = run.daemonOf(request);
    if (build) {
        refuseUnknown("an image's build", build, KNOWN_BUILD);
        await buildImage(run, daemon, build, [name, ...(build.tags ?? [])], keepLocally);
    } else {
        await ensureImage(run, daemon, name, keepLocally, platform);
    }
    const image = await daemon.client.getImage(name).inspect();
    const repository = name.replace(/(:[^:/@]+)?(@.*)?$/, "");
    const digests = image.RepoDigests ?? [];
    const repoDigest =
        digests.find((digest) => digest.startsWith(`${repository}@`)) ?? digests[0] ?? "";
    return { id: image.Id + name, state: { imageId: image.Id, repoDigest } };
};

/** Pulls an image that the daemon does not have. */
export async function ensureImage(
    run: Run,
    daemon: Daemon,
    name: string,
    keepLocally = false,
    platform?: string,
): Promise<void> {
    const image = daemon.client.getImage(name);
    if ((await orNone(image.inspect())) !== undefined) {
        return;
    }
    const pull = async () => {
        const options = { abortSignal: run.signal, ...(platform && { platform }) };
        await follow(await daemon.client.pull(name, options));
        return (await image.inspect()).Id;
    };
    await (keepLocally ? pull() : run.make(daemon, { kind: "image", name }, pull));
}

async function buildImage(
    run: Run,
    { client, ...where }: Daemon,
    build: Build,
    tags: readonly string[],
    keepLocally = false,
): Promise<void> {
    const context = resolve(run.projectDir, build.context);
    const dockerfile = relative(context, resolve(context, build.dockerfile ?? "Dockerfile"));
    if (dockerfile.startsWith("..") || !existsSync(join(context, dockerfile))) {
        throw new Error(`there is no Dockerfile "${dockerfile}" in the context "${context}"`);
    }
    const options = {
        dockerfile,
        t: tags,
        buildargs: build.buildArgs ?? {},
        labels: { ...build.label, ...build.labels },
        target: build.target ?? "",
        networkmode: build.networkMode ?? "",
        platform: build.platform ?? "",
        nocache: build.noCache ?? false,
        pull: build.pullParent ?? false,
        rm: build.remove ?? true,
        forcerm: true,
        abortSignal: run.signal,
    };
    // A tag that exists is moved, as by any build, but is not this rehearsal's to remove.
    const found = await Promise.all(tags.map((tag) => orNone(client.getImage(tag).inspect())));
    const ours = keepLocally ? [] : tags.filter((_, i) => found[i] === undefined);
    const numbers = ours.map((name) => run.ledger.intend({ kind: "image", name, ...where }));
    const pack = packContext(context, dockerfile);
    const packFails = new Promise<never>((_, reject) => pack.once("error", reject));
    const done = client
        .buildImage(pack, options as unknown as Docker.ImageBuildOptions)
        .then(follow);
    await Promise.race([done, packFails]);
    const built = await client.getImage(tags[0] ?? "").inspect();
    numbers.forEach((number) => run.ledger.made(number, built.Id));
}

/** The context as Docker's own client packs it: less what .dockerignore names, and all of it root's. */
export function packContext(context: string, dockerfile: string): Readable {
    const file = join(context, ".dockerignore");
    const text = existsSync(file) ? readFileSync(file, "utf8") : "";
    const rules = text.split("\n").map((line) => line.trim());
    const ignores = dockerignore().add(rules.filter((rule) => !rule.startsWith("#")));
    // A folder that is left out is still entered for what a "!" rule in it brings back, and for the Dockerfile.
    const inside = rules
        .filter((rule) => rule.startsWith("!"))
        .map((rule) => rule.replace(/^!\/*/, ""));
    const ignore = (path: string) => {
        const name = relative(context, path);
        return (
            !["", dockerfile, ".dockerignore"].includes(name) &&
            ignores.ignores(name) &&
            ![...inside, dockerfile].some((kept) => kept.startsWith(`${name}/`))
        );
    };
    const options = {
        ignore,
        map: (header: tar.Headers) => ({ ...header, uid: 0, gid: 0 }),
        // Modes as they are: without it, tar-fs takes off the process's umask.
        umask: 0,
    };
    return Readable.from(tar.pack(context, options));
}

/** Reads a daemon's progress to its end; an error in it is thrown with the lines before it. */
async function follow(stream: NodeJS.ReadableStream): Promise<void> {
    let text = "";
    for await (const line of createInterface({ input: stream })) {
        const message = JSON.parse(line || "{}") as { stream?: string; error?: string };
        text += message.stream ?? "";
        if (message.error) {
            throw new Error(
                [message.error, ...text.trimEnd().split("\n").slice(-15)].join("\n    "),
            );
        }
    }
}
