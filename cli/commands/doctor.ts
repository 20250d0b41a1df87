import pc from "picocolors";

import { readMachineFacts } from "../../config/machine";
import { answeringDocker } from "../docker/host";
import { findPulumi, missingPlugins } from "../environment";
import { CliError, messageOf } from "../errors";
import { preflight, type Check } from "../preflight";
import { failed, ok, warning } from "../preflight/check";
import type { Session } from "../session";

/** `./mcp doctor`: everything `up` depends on, looked at without changing anything. */
export async function doctor(session: Session): Promise<void> {
    const { project, out } = session;
    const checks: Check[] = [
        ok("node", `Node ${process.versions.node}`),
        engineCheck(project.dir),
        ok(
            "images",
            readMachineFacts(project.dir).imageSource ??
                "not decided yet: the first up finds out what this machine reaches",
        ),
    ];
    try {
        const manifests = project.manifests();
        checks.push(
            ok(
                "manifests",
                `${String(manifests.length)} servers: ${manifests.map((manifest) => manifest.name).join(", ")}`,
            ),
        );
    } catch (error) {
        checks.push(failed("manifests", messageOf(error), "mend the lines it names"));
    }
    try {
        const docker = await answeringDocker(project.dir, out);
        checks.push(...(await preflight(docker, project.context())));
    } catch (error) {
        checks.push(
            failed(
                "docker",
                messageOf(error),
                (error instanceof CliError ? error.remedy : undefined) ?? "see the message",
            ),
        );
    }
    const mark = {
        ok: pc.green("ok     "),
        warning: pc.yellow("warning"),
        failed: pc.red("failed "),
    };
    out.result({ checks }, () =>
        checks
            .map(
                (check) =>
                    `${mark[check.state]} ${check.name}: ${check.found}${check.remedy === undefined ? "" : `\n        ${check.remedy}`}`,
            )
            .join("\n"),
    );
    const bad = checks.filter((check) => check.state === "failed");
    if (bad.length > 0)
        throw new CliError(
            `${String(bad.length)} of ${String(checks.length)} checks failed`,
            "do what is said above, then run ./mcp doctor again",
        );
}

function engineCheck(projectDir: string): Check {
    const cli = findPulumi();
    if (!cli)
        return warning(
            "engine",
            "no Pulumi CLI: up makes a throw-away bring-up without state",
            "install the Pulumi CLI for previews, updates and repair",
        );
    const missing = missingPlugins(projectDir).map(({ name, version }) => `${name} ${version}`);
    if (missing.length === 0) return ok("engine", `Pulumi ${cli.version}`);
    return warning(
        "engine",
        `Pulumi ${cli.version} without plugins ${missing.join(", ")}`,
        "the first up tries to install them",
    );
}
