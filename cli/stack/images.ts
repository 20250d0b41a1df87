import type Docker from "dockerode";

import { readMachineFacts, writeMachineFacts } from "../../config/machine";
import { UPSTREAM } from "../../images/catalog";
import { runScript } from "../docker/host";
import { prepareLocalImages } from "../images/prepare";
import { PROJECT_NAME } from "../project";
import type { Session } from "../session";

/** How long a registry may take to answer for one image's description, in milliseconds. */
const REGISTRY_TIMEOUT = 10_000;

/** True when the daemon can read an image's description from its registry. Nothing is downloaded. */
async function registryAnswers(docker: Docker): Promise<boolean> {
    const asked = docker
        .getImage(UPSTREAM.postgres)
        .distribution()
        .then(
            () => true,
            () => false,
        );
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<boolean>((resolve) => {
        timer = setTimeout(() => {
            resolve(false);
        }, REGISTRY_TIMEOUT);
    });
    return Promise.race([asked, late]).finally(() => {
        clearTimeout(timer);
    });
}

/**
 * Decides where images come from, says it, and makes the local ones where there is no registry. The decision is
 * remembered on this machine; a stack that sets `imageSource` itself decides for itself.
 */
export async function ensureImages({ project, out }: Session, docker: Docker): Promise<void> {
    const chosen = project.config()[`${PROJECT_NAME}:imageSource`];
    const facts = readMachineFacts(project.dir);
    let source = chosen ?? facts.imageSource;
    let why =
        chosen === undefined ? "as this machine did before" : `set in Pulumi.${project.stack}.yaml`;
    if (source === undefined) {
        source = (await registryAnswers(docker)) ? "registry" : "local";
        why = source === "registry" ? "the image registry answers" : "no image registry answers";
        writeMachineFacts(project.dir, { ...facts, imageSource: source as "registry" | "local" });
    }
    const how =
        source === "registry"
            ? "upstream, pinned by digest"
            : "built on this machine from the distribution's packages";
    out.say(`images: ${how} (${why})`);
    if (source === "local") await buildLocalImages({ project, out }, docker);
}

/** Builds every image of `imageSource: local` that is not there yet. */
export async function buildLocalImages({ project, out }: Session, docker: Docker): Promise<void> {
    await runScript(project.dir, "ensure-package.sh", ["mmdebstrap"], out);
    await prepareLocalImages(docker, project.dir, (line) => {
        out.say(line);
    });
}
