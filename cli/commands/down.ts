import { existsSync } from "node:fs";

import { answeringDocker, hostContainers } from "../docker/host";
import { chooseEngine } from "../engine/choose";
import { PulumiEngine } from "../engine/pulumi";
import { CliError } from "../errors";
import { removeLocalImages } from "../images/prepare";
import { seconds } from "../output";
import type { Session } from "../session";

import { showSteps } from "./up";

/** `./mcp down`: removes everything of the stack; a second one finds nothing and says so. */
export async function down(
    session: Session,
    options: { readonly images?: boolean } = {},
): Promise<void> {
    const { project, out } = session;
    const begun = Date.now();
    if (!existsSync(project.settingsFile) && !project.rehearsed) {
        throw new CliError(
            `stack ${project.stack}: no settings file, so nothing was ever made`,
            "see the stacks: ls Pulumi.*.yaml",
        );
    }
    const docker = await answeringDocker(project.dir, out);
    const engine = await chooseEngine(project, out, "auto");
    let removed = 0;
    const show = showSteps(out);
    await engine.down((step) => {
        if (step.operation === "delete") removed += 1;
        show(step);
    });
    let kept: string[] = [];
    if (engine instanceof PulumiEngine) {
        const left = (await engine.state()).filter((resource) => resource.protect === true);
        kept = left.map((resource) => resource.id ?? resource.urn);
        if (kept.length === 0) await engine.forget();
        else out.warn(`kept, because protect is set: ${kept.join(", ")}`);
    }
    const strays = await hostContainers(docker, project.stack);
    if (strays.length > 0) {
        throw new CliError(
            `left behind: ${strays.map((container) => container.name).join(", ")}`,
            "if this folder made them: ./mcp repair --no-up, then ./mcp down; else run ./mcp down in the folder that did",
        );
    }
    const images =
        options.images === true ? await removeLocalImages(docker, project.dir) : undefined;
    out.result({ removed, kept, images, seconds: (Date.now() - begun) / 1000 }, () => {
        const cache =
            images === undefined
                ? "images stay as a cache (--images removes them too)"
                : `${String(images)} images removed too`;
        return removed === 0
            ? `nothing to remove; ${cache}`
            : `removed ${String(removed)} resources in ${seconds(Date.now() - begun)}; ${cache}`;
    });
}
