import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";

import { parse } from "yaml";
import { z } from "zod";

const PROJECT = path.resolve(__dirname, "../../..");
const FOLDER = path.join(PROJECT, ".github", "workflows");

/** Parts of a workflow these tests look at. */
const permissions = z.record(z.string(), z.enum(["read", "write", "none"]));
const step = z.object({
    uses: z.string().optional(),
    run: z.string().optional(),
    with: z.record(z.string(), z.unknown()).default({}),
});
const workflow = z.object({
    name: z.string(),
    on: z.unknown(),
    permissions: permissions,
    jobs: z.record(
        z.string(),
        z.object({
            permissions,
            "timeout-minutes": z.number(),
            "runs-on": z.string(),
            if: z.string().optional(),
            environment: z.string().optional(),
            env: z.record(z.string(), z.string()).default({}),
            steps: z.array(step),
        }),
    ),
});

const files = readdirSync(FOLDER).sort();
const workflows = files.map((file) => {
    const text = readFileSync(path.join(FOLDER, file), "utf8");
    return { file, text, ...workflow.parse(parse(text)) };
});
const jobs = workflows.flatMap(({ file, jobs: all }) =>
    Object.entries(all).map(([name, job]) => ({ where: `${file} ${name}`, ...job })),
);

/** What actionlint says of some files, with no network. */
function actionlint(cwd: string, pattern: string): { readonly ok: boolean; readonly text: string } {
    // By its path: the package exports its functions, and its program not.
    const home = path.join(PROJECT, "node_modules", "@tktco", "node-actionlint");
    const program = path.join(home, "bin", "node-actionlint.js");
    try {
        return {
            ok: true,
            text: execFileSync(process.execPath, [program, pattern], { cwd, encoding: "utf8" }),
        };
    } catch (error) {
        const { stdout = "", stderr = "" } = error as { stdout?: string; stderr?: string };
        return { ok: false, text: stdout + stderr };
    }
}

test("there are the four of them", () => {
    expect(files).toEqual(["deploy.yml", "drift.yml", "preview.yml", "verify.yml"]);
});

describe("actionlint", () => {
    test("finds nothing", () => {
        expect(actionlint(PROJECT, ".github/workflows/*.yml")).toMatchObject({
            ok: true,
            text: expect.stringContaining("Checking 4 workflow file(s)") as string,
        });
    });

    test("would find something", () => {
        const folder = mkdtempSync(path.join(tmpdir(), "workflow-"));
        try {
            const text = readFileSync(path.join(FOLDER, "deploy.yml"), "utf8");
            writeFileSync(
                path.join(folder, "x.yml"),
                text.replace("vars.MCP_RUNNER }}", "vers.X }}"),
            );
            const { ok, text: said } = actionlint(folder, "x.yml");
            expect(ok).toBe(false);
            expect(said).toContain('undefined variable "vers"');
        } finally {
            rmSync(folder, { recursive: true, force: true });
        }
    });
});

test("every action is pinned by a full commit hash, and the same one everywhere", () => {
    const uses = workflows.flatMap(({ text }) => [...text.matchAll(/uses: (\S+)(.*)/g)]);
    expect(uses.length).toBeGreaterThan(10);
    const pins = new Map<string, string>();
    for (const [, reference = "", comment = ""] of uses) {
        const [action = "", hash = ""] = reference.split("@");
        expect({ reference, hash }).toEqual({
            reference,
            hash: expect.stringMatching(/^[0-9a-f]{40}$/) as string,
        });
        expect(comment).toMatch(/^ # v[0-9]+\.[0-9]+\.[0-9]+$/);
        expect(pins.get(action) ?? reference).toBe(reference);
        pins.set(action, reference);
    }
    expect([...pins.keys()].sort()).toEqual([
        "actions/checkout",
        "actions/setup-node",
        "actions/upload-artifact",
        "github/codeql-action/upload-sarif",
        "pulumi/actions",
    ]);
});

test("every step of our own is one of our commands or scripts", () => {
    const scripts = Object.keys(
        (
            JSON.parse(readFileSync(path.join(PROJECT, "package.json"), "utf8")) as {
                scripts: object;
            }
        ).scripts,
    );
    for (const { where, steps } of jobs) {
        for (const { run } of steps) {
            if (run === undefined) continue;
            const script = /^scripts\/ci\/[a-z-]+\.sh/.exec(run)?.[0];
            const npm = /^npm run (\S+)$/.exec(run)?.[1];
            const ours =
                /^\.\/mcp [a-z]+[^;&|\n]*$/.test(run) ||
                (npm !== undefined && scripts.includes(npm)) ||
                (script !== undefined && (statSync(path.join(PROJECT, script)).mode & 0o111) !== 0);
            expect({ where, run, ours }).toEqual({ where, run, ours: true });
        }
    }
});

describe("permissions", () => {
    test("no workflow has any; each job says what it needs", () => {
        for (const { file, permissions: own } of workflows) {
            expect({ file, own }).toEqual({ file, own: {} });
        }
        const writing = jobs.flatMap(({ where, permissions: own }) =>
            Object.entries(own).flatMap(([what, level]) =>
                level === "write" ? [`${where}: ${what}`] : [],
            ),
        );
        expect(writing).toEqual([
            "drift.yml report: issues",
            "preview.yml comment: pull-requests",
            "verify.yml scanning: security-events",
        ]);
    });

    test("a job that may write runs no code of a pull request", () => {
        for (const { where, permissions: own, steps } of jobs) {
            if (!Object.values(own).includes("write")) continue;
            const checkout = steps.find(({ uses }) => uses?.startsWith("actions/checkout@"));
            const from = JSON.stringify(checkout?.with.ref ?? "");
            const trusted = where.startsWith("drift.yml") || /pull_request\.base\.sha/.test(from);
            expect({ where, trusted }).toEqual({ where, trusted: true });
            expect(steps.map(({ run }) => run ?? "").join()).not.toMatch(/mcp |npm/);
        }
    });

    test("no checkout leaves its token behind, and no job runs without end", () => {
        for (const { where, steps, "timeout-minutes": minutes } of jobs) {
            expect(minutes).toBeLessThanOrEqual(60);
            for (const { uses, with: given } of steps) {
                if (uses?.startsWith("actions/checkout@") !== true) continue;
                expect({ where, kept: given["persist-credentials"] }).toEqual({
                    where,
                    kept: false,
                });
            }
        }
    });
});

describe("secrets", () => {
    test("verify and the graph's preview have none", () => {
        const { text } = workflows.find(({ file }) => file === "verify.yml") ?? { text: "secrets" };
        expect(text).not.toContain("secrets.");
        const graph = jobs.find(({ where }) => where === "preview.yml graph");
        expect(JSON.stringify(graph)).not.toContain("secrets.");
    });

    test("where there are some, an environment stands before them, and forks stay out", () => {
        for (const job of jobs) {
            if (!JSON.stringify(job).includes("secrets.")) continue;
            expect({ where: job.where, environment: job.environment }).toEqual({
                where: job.where,
                environment: expect.stringMatching(/^(dev|preview)$/) as string,
            });
            expect(job["runs-on"]).toBe("${{ vars.MCP_RUNNER }}");
            if (job.where.startsWith("preview"))
                expect(job.if).toContain("head.repo.full_name == github.repository");
        }
    });

    test("no workflow is triggered with secrets by a fork", () => {
        for (const { text } of workflows)
            expect(text).not.toMatch(/pull_request_target|workflow_run/);
    });
});

test("no text of a pull request is expanded into a shell, and no path of a machine is named", () => {
    for (const { where, steps } of jobs) {
        for (const { run = "" } of steps)
            expect({ where, run }).toEqual({ where, run: run.replace(/\$\{\{.*\}\}/g, "") });
    }
    for (const { file, text } of workflows) {
        expect({ file, path: /\/(home|root|work|opt|usr|tmp)\//.exec(text)?.[0] }).toEqual({
            file,
            path: undefined,
        });
    }
});
