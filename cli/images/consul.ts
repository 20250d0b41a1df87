import type Docker from "dockerode";

import type { LocalImage } from "../../config/machine";
import { contentHash } from "../../images/catalog";

import { baseKey, baseSpec } from "./bases";
import { buildImage, hasImage, pruneBuildLeftovers } from "./build";
import { prepareBase, type Progress } from "./rootfs";

/** What decides the image's content. The start script beside them is the component's: a change of it builds nothing. */
const INPUTS = ["Dockerfile", "go.mod", "go.sum"].map((file) => `images/consul/${file}`);

const COMPILER = baseSpec("go");
const RUNS_ON = baseSpec("slim");

/** The local Consul image's tag, by content: the pinned module, the Dockerfile and both bases. */
export function consulTag(projectDir: string): string {
    const salt = `${baseKey(projectDir, COMPILER)} ${baseKey(projectDir, RUNS_ON)}`;
    return `mcp/consul:${contentHash(projectDir, INPUTS, salt).slice(0, 12)}`;
}

/**
 * Makes the local stand-in for the upstream Consul image, unless the daemon has it: compiled in a container, so that
 * the host needs no Go. The compiler's base exists only for that long; a failed build leaves it for the next try.
 * @throws CliError when a base or the build fails.
 */
export async function prepareConsul(
    docker: Docker,
    projectDir: string,
    say: Progress,
): Promise<LocalImage> {
    const tag = consulTag(projectDir);
    if (!(await hasImage(docker, tag))) {
        const slim = await prepareBase(docker, projectDir, RUNS_ON, say);
        const go = await prepareBase(docker, projectDir, COMPILER, say);
        say("building Consul from its Go module (about 4 minutes, once)");
        await buildImage(docker, projectDir, {
            tag,
            dockerfile: "images/consul/Dockerfile",
            folders: INPUTS,
            buildArgs: { GO_BASE: go, SLIM_BASE: slim },
        });
        // The build stage stands on the compiler's base: first the one, then the other. What another build still
        // uses stays.
        await pruneBuildLeftovers(docker);
        await docker
            .getImage(go)
            .remove()
            .catch(() => undefined);
    }
    return { tag, imageId: (await docker.getImage(tag).inspect()).Id };
}
