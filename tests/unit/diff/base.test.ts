import { execFileSync } from "node:child_process";
import {
    cpSync,
    mkdtempSync,
    readdirSync,
    readFileSync,
    rmSync,
    symlinkSync,
    writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";

import { baseGraph, recordIn, resolveBase } from "../../../cli/diff/base";
import { stepsBetween } from "../../../cli/diff/from-graph";
import { serverChanges } from "../../../cli/diff/servers";
import { PROJECT } from "../../../cli/graph/program";

const LEFT_OUT = /^(node_modules|\.git|\.mcp|tests|bench|docs|coverage)$/;

let folder: string;

function git(...args: string[]): string {
    const who = ["-c", "user.name=test", "-c", "user.email=test@example.invalid"];
    return execFileSync("git", [...who, ...args], { cwd: folder, encoding: "utf8" }).trim();
}

/** A repository of two commits; the second one gives a server more memory. */
beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), "mcp-diff-"));
    for (const entry of readdirSync(PROJECT).filter((name) => !LEFT_OUT.test(name))) {
        const filter = (source: string): boolean => path.basename(source) !== "node_modules";
        cpSync(path.join(PROJECT, entry), path.join(folder, entry), { recursive: true, filter });
    }
    symlinkSync(path.join(PROJECT, "node_modules"), path.join(folder, "node_modules"));
    git("init", "--quiet", "--initial-branch=main");
    git("add", "--all");
    git("commit", "--quiet", "--message=one");
    const manifest = path.join(folder, "manifests", "http-mcp.yml");
    writeFileSync(manifest, readFileSync(manifest, "utf8").replace(/memory: \S+/, "memory: 777Mi"));
    git("commit", "--quiet", "--all", "--message=two");
}, 60_000);

afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
});

test("the graph of another commit against this one's shows the change and nothing else", async () => {
    const { commit } = await resolveBase(folder, "HEAD~1");
    const base = await baseGraph(folder, commit, "dev");
    const head = await recordIn(folder, folder, "dev");
    expect(base.length).toBe(head.length);
    const [change, ...others] = serverChanges(stepsBetween(base, head));
    expect(others).toEqual([]);
    expect(change).toMatchObject({
        name: "http-mcp",
        kind: "changed",
        facets: [{ name: "memory", after: "777Mi" }],
    });
    expect(stepsBetween(base, base).filter(({ operation }) => operation !== "same")).toEqual([]);
    expect(JSON.stringify(head)).not.toContain("PRIVATE KEY");
    expect(git("worktree", "list").split("\n")).toHaveLength(1);
}, 60_000);

test("a commit that is not there is an error with the next thing to do", async () => {
    await expect(resolveBase(folder, "nowhere")).rejects.toMatchObject({
        remedy: expect.stringContaining("fetch-depth") as string,
    });
    expect(await resolveBase(folder, undefined)).toMatchObject({ ref: "main" });
});

test("a program that does not start says why, and leaves no worktree", async () => {
    const manifest = path.join(folder, "manifests", "http-mcp.yml");
    writeFileSync(manifest, "nonsense\n");
    git("commit", "--quiet", "--all", "--message=three");
    await expect(baseGraph(folder, "HEAD", "dev")).rejects.toThrow(/manifests\/http-mcp\.yml:1/);
    expect(git("worktree", "list").split("\n")).toHaveLength(1);
}, 60_000);
