import { spawn } from "node:child_process";
import * as path from "node:path";

import { scrubbedEnvironment, findPulumi, missingPlugins } from "../environment";
import { ensureDocker } from "../docker/host";
import { CliError, messageOf } from "../errors";
import type { Session } from "../session";
import { buildLocalImages } from "../stack/images";
import { MACHINE_ENV, type MachineCan } from "../../tests/support/machine";

/** Suites that need nothing but Node. */
const FAST = ["unit", "component", "golden"];

/**
 * `./mcp test`: every test this machine can run. What a suite needs and the machine lacks is found out here and
 * handed to the tests, which then report themselves as skipped, by name.
 */
export async function test(
    session: Session,
    options: { readonly fast?: boolean; readonly pattern?: string },
): Promise<void> {
    const { project, out } = session;
    const can =
        options.fast === true
            ? { docker: "not asked for (--fast)", pulumi: "not asked for (--fast)" }
            : await abilities(session);
    const projects = options.fast === true ? FAST : [...FAST, "e2e", "pulumi"];
    for (const [what, reason] of Object.entries(can))
        if (typeof reason === "string") out.warn(`tests that need ${what} are skipped: ${reason}`);
    const code = await jest(
        project.dir,
        [
            "--selectProjects",
            ...projects,
            ...(options.pattern === undefined
                ? []
                : ["--testNamePattern", options.pattern, "--passWithNoTests"]),
        ],
        can,
    );
    if (code !== 0) throw new CliError("tests failed", "read the failures above", code);
}

/** What this machine can do for the tests: true, or the reason why not. */
async function abilities(session: Session): Promise<MachineCan> {
    const { project, out } = session;
    try {
        const docker = await ensureDocker(project.dir, out);
        await buildLocalImages(session, docker);
    } catch (error) {
        const reason = messageOf(error).split("\n")[0] ?? "";
        return { docker: reason, pulumi: `no Docker: ${reason}` };
    }
    const missing = missingPlugins(project.dir).map(({ name, version }) => `${name} ${version}`);
    if (!findPulumi()) return { docker: true, pulumi: "no Pulumi CLI on this machine" };
    if (missing.length > 0)
        return { docker: true, pulumi: `no Pulumi plugin ${missing.join(", ")} on this machine` };
    return { docker: true, pulumi: true };
}

function jest(dir: string, args: readonly string[], can: MachineCan): Promise<number> {
    const child = spawn(
        process.execPath,
        [path.join(dir, "node_modules/jest/bin/jest.js"), "--ci", "--maxWorkers=1", ...args],
        {
            cwd: dir,
            stdio: ["ignore", "inherit", "inherit"],
            env: { ...scrubbedEnvironment(), [MACHINE_ENV]: JSON.stringify(can) },
        },
    );
    return new Promise((resolve, reject) => {
        child.on("error", reject).on("exit", (code) => {
            resolve(code ?? 1);
        });
    });
}
