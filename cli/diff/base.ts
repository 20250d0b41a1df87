import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { promisify } from "node:util";

import { scrubbedEnvironment } from "../environment";
import { CliError, messageOf } from "../errors";

import type { GraphResource } from "./from-graph";

const run = promisify(execFile);

/** References that stand for what a pull request goes to, when nothing is said. */
const BASES = ["origin/main", "main"];

/** The reference to compare with; the short hash of its commit is for people. */
export async function resolveBase(
    projectDir: string,
    ref: string | undefined,
): Promise<{ readonly ref: string; readonly commit: string }> {
    for (const candidate of ref === undefined ? BASES : [ref]) {
        const commit = await git(projectDir, [
            "rev-parse",
            "--verify",
            "--quiet",
            `${candidate}^{commit}`,
        ])
            .then((text) => text.trim())
            .catch(() => undefined);
        if (commit !== undefined) return { ref: candidate, commit };
    }
    throw new CliError(
        `${ref ?? BASES.join(", ")}: no such commit in this clone`,
        "fetch it first (in a workflow: fetch-depth: 0), or give another --base",
    );
}

/**
 * The graph of the program at another commit, made in a temporary worktree with the dependencies of this one. The
 * recorder is this commit's, so that both sides are recorded alike.
 */
export async function baseGraph(
    projectDir: string,
    commit: string,
    stack: string,
): Promise<GraphResource[]> {
    const temporary = mkdtempSync(path.join(tmpdir(), "mcp-base-"));
    const tree = path.join(temporary, "tree");
    try {
        await git(projectDir, ["worktree", "add", "--detach", "--force", tree, commit]);
        const modules = path.join(tree, "node_modules");
        if (!existsSync(modules)) symlinkSync(path.join(projectDir, "node_modules"), modules);
        return await recordIn(projectDir, tree, stack);
    } finally {
        rmSync(temporary, { recursive: true, force: true });
        await git(projectDir, ["worktree", "prune"]);
    }
}

/** The graph of the program in a folder, recorded by a process of its own. */
export async function recordIn(
    projectDir: string,
    folder: string,
    stack: string,
): Promise<GraphResource[]> {
    const script = path.join(projectDir, "cli", "graph", "record-main.ts");
    const args = ["--import", "tsx", script, folder, stack];
    try {
        const { stdout } = await run(process.execPath, args, {
            cwd: projectDir,
            env: scrubbedEnvironment(),
            maxBuffer: 256 * 1024 * 1024,
        });
        return JSON.parse(stdout) as GraphResource[];
    } catch (error) {
        const { stderr } = error as { stderr?: string };
        const text = stderr?.trim().split("\n").at(-1) ?? messageOf(error);
        throw new CliError(`the program at the base cannot be recorded: ${text}`);
    }
}

async function git(cwd: string, args: readonly string[]): Promise<string> {
    const { stdout } = await run("git", [...args], { cwd });
    return stdout;
}
