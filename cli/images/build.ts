import { createReadStream } from "node:fs";

import type Docker from "dockerode";
import tar from "tar-fs";

import { CliError } from "../errors";

/** A line of the daemon's build stream. */
interface BuildMessage {
    readonly stream?: string;
    readonly error?: string;
}

/** True when the daemon has an image of this tag or id. */
export async function hasImage(docker: Docker, tag: string): Promise<boolean> {
    return docker
        .getImage(tag)
        .inspect()
        .then(
            () => true,
            () => false,
        );
}

/** Imports a root filesystem (tar file) as an image with the given tag and Dockerfile-style changes. */
export async function importBase(
    docker: Docker,
    rootfs: string,
    tag: string,
    changes: readonly string[] = [],
): Promise<void> {
    const [repo, version] = tag.split(":");
    const stream = await docker.importImage(createReadStream(rootfs), {
        repo,
        tag: version,
        changes: [...changes],
    });
    await followed(docker, stream, `import of ${tag}`);
}

/** Builds an image on this daemon from a Dockerfile of the project. */
export async function buildImage(
    docker: Docker,
    projectDir: string,
    build: {
        readonly tag: string;
        readonly dockerfile: string;
        readonly folders: readonly string[];
        readonly buildArgs: Readonly<Record<string, string>>;
    },
): Promise<void> {
    const context = tar.pack(projectDir, {
        entries: [...build.folders],
        ignore: (name) => name.includes("node_modules"),
    });
    const stream = await docker.buildImage(context as unknown as NodeJS.ReadableStream, {
        t: build.tag,
        dockerfile: build.dockerfile,
        buildargs: { ...build.buildArgs },
        // Package registries are reached the way the host reaches them, its proxy and resolver included.
        networkmode: "host",
        forcerm: true,
        labels: { "mcp.managed-by": "sutazai-mcp" },
    });
    await followed(docker, stream, `build of ${build.tag} (${build.dockerfile})`);
}

/** Removes what our builds left without a name: stages, and images whose tag went to a newer one. */
export async function pruneBuildLeftovers(docker: Docker): Promise<void> {
    try {
        await docker.pruneImages({
            filters: { dangling: { true: true }, label: { "mcp.managed-by=sutazai-mcp": true } },
        });
    } catch (error) {
        // Another run on this host is just doing the same, for all of them.
        if ((error as { statusCode?: number }).statusCode !== 409) throw error;
    }
}

/** Waits for a build or import stream; its error, with the lines before it, becomes ours. */
async function followed(
    docker: Docker,
    stream: NodeJS.ReadableStream,
    what: string,
): Promise<void> {
    const tail: string[] = [];
    await new Promise<void>((resolve, reject) => {
        docker.modem.followProgress(
            stream,
            (error: Error | null, output: unknown) => {
                const failed = (output as BuildMessage[] | null)?.find((line) => line.error);
                const message = error?.message ?? failed?.error;
                if (message === undefined) resolve();
                else {
                    reject(
                        new CliError(
                            `${what} failed: ${message.trim()}`,
                            `read the lines before it:\n    ${tail.join("\n    ")}`,
                        ),
                    );
                }
            },
            (line: BuildMessage) => {
                if (line.stream?.trim()) tail.push(line.stream.trim());
                if (tail.length > 15) tail.shift();
            },
        );
    });
}
