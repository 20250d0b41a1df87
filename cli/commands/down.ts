import { existsSync, rmSync } from "node:fs";

import { ensureDocker, hostContainers } from "../docker/host";
import { chooseEngine } from "../engine/choose";
import { PulumiEngine } from "../engine/pulumi";
import { CliError } from "../errors";
import { removeLocalImages } from "../images/prepare";
import { seconds } from "../output";
import type { Session } from "../session";

import { stepLine } from "./up";

/** `./mcp down`: removes everything of the stack; a second one finds nothing and says so. */
export async function down(
    session: Session,
    options: { readonly images?: boolean } = {},
): Promise<void> {
    const { project, out } = session;
    const begun = Date.now();
    const docker = await ensureDocker(project.dir, out);
    const engine = await chooseEngine(project, out, "auto");
    let removed = 0;
    await engine.down((step) => {
        if (step.operation === "delete") removed += 1;
        const line = stepLine(step);
        if (line !== undefined) out.say(line);
    });
    if (engine instanceof PulumiEngine) {
        const left = (await engine.state()).filter((resource) => resource.provider !== undefined);
        if (left.length > 0) {
            throw new CliError(
                `${String(left.length)} resources are still in the state`,
                "run ./mcp down again; protected volumes need protect: false first",
            );
        }
        await engine.forget();
    }
    const strays = await hostContainers(docker, project.stack);
    if (strays.length > 0) {
        throw new CliError(
            `left behind: ${strays.map((container) => container.name).join(", ")}`,
            "run ./mcp repair --no-up",
        );
    }
    // The settings of a generated stack stay: they may be edited, and the next up uses them again.
    if (existsSync(project.ledgerFile)) rmSync(project.ledgerFile);
    const images =
        options.images === true ? await removeLocalImages(docker, project.dir) : undefined;
    out.result({ removed, images, seconds: (Date.now() - begun) / 1000 }, () => {
        const kept =
            images === undefined
                ? "images stay as a cache (--images removes them too)"
                : `${String(images)} images removed too`;
        return removed === 0
            ? `nothing to remove; ${kept}`
            : `removed ${String(removed)} resources in ${seconds(Date.now() - begun)}; ${kept}`;
    });
}
