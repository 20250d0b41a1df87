import { spawnSync } from "node:child_process";
import {
    chmodSync,
    cpSync,
    existsSync,
    mkdirSync,
    mkdtempSync,
    readFileSync,
    rmSync,
    writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";

const SCRIPTS = path.resolve(__dirname, "../../../scripts/ci");

let folder: string;
beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), "ci-"));
    cpSync(SCRIPTS, path.join(folder, "scripts", "ci"), { recursive: true });
    mkdirSync(path.join(folder, "bin"));
    program("bin/gh", 'printf "%s\\n" "$*" >>calls\n' + GH);
});
afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
});

/** A `gh` that has what the files `artifact`, `comment-id` and `issue` say, and keeps the bodies it is given. */
const GH = `
case "$1 $2" in
    "run download") cp artifact "\${@: -1}.md" ;;
    "issue list") cat issue 2>/dev/null || true ;;
    "issue create" | "issue edit") cp "\${@: -1}" body ;;
    "api --paginate") cat comment-id 2>/dev/null || true ;;
    "api --method") for word in "$@"; do case $word in body=@*) cp "\${word#body=@}" body ;; esac; done ;;
esac
`;

function program(name: string, text: string): void {
    const file = path.join(folder, name);
    writeFileSync(file, `#!/usr/bin/env bash\n${text}`);
    chmodSync(file, 0o755);
}

function put(name: string, text: string): void {
    writeFileSync(path.join(folder, name), text);
}

function got(name: string): string {
    const file = path.join(folder, name);
    return existsSync(file) ? readFileSync(file, "utf8") : "";
}

function run(
    script: string,
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
): number | null {
    const { status } = spawnSync("bash", [path.join(folder, "scripts", "ci", script), ...args], {
        cwd: folder,
        env: {
            PATH: `${path.join(folder, "bin")}:${process.env.PATH ?? ""}`,
            GITHUB_REPOSITORY: "some/where",
            GITHUB_RUN_ID: "7",
            PULL_REQUEST: "12",
            ...env,
        },
    });
    return status;
}

describe("comment.sh", () => {
    test("makes one comment, marked, with the artifact's text", () => {
        put("artifact", "## What changes\n");
        expect(run("comment.sh", ["preview-graph"])).toBe(0);
        expect(got("body")).toBe("<!-- mcp:preview-graph -->\n## What changes\n");
        expect(got("calls")).toContain("api --method POST repos/some/where/issues/12/comments");
    });

    test("and from then on changes that one", () => {
        put("artifact", "again\n");
        put("comment-id", "99\n");
        expect(run("comment.sh", ["preview-engine"])).toBe(0);
        expect(got("calls")).toContain("api --method PATCH repos/some/where/issues/comments/99");
        expect(got("calls")).not.toContain("POST");
    });

    test("cuts what is too long, and says so", () => {
        put("artifact", "x".repeat(100_000));
        expect(run("comment.sh", ["preview-graph"])).toBe(0);
        expect(got("body").length).toBeLessThan(65_536);
        expect(got("body")).toContain("the whole text is the artifact preview-graph");
    });
});

describe("drift-issue.sh", () => {
    test("opens an issue at the first drift", () => {
        put("artifact", "a difference\n");
        expect(run("drift-issue.sh", ["preview-drift"], { DRIFT: "yes" })).toBe(0);
        expect(got("calls")).toContain("issue create");
        expect(got("body")).toContain("a difference");
    });

    test("updates it while there is drift", () => {
        put("artifact", "another\n");
        put("issue", "5\n");
        expect(run("drift-issue.sh", ["preview-drift"], { DRIFT: "yes" })).toBe(0);
        expect(got("calls")).toContain("issue edit 5");
        expect(got("calls")).not.toContain("issue create");
    });

    test("closes it when there is none, and does nothing without one", () => {
        put("issue", "5\n");
        expect(run("drift-issue.sh", ["preview-drift"], { DRIFT: "no" })).toBe(0);
        expect(got("calls")).toContain("issue close 5");
        put("issue", "");
        put("calls", "");
        expect(run("drift-issue.sh", ["preview-drift"], { DRIFT: "no" })).toBe(0);
        expect(got("calls").trim().split("\n")).toHaveLength(1);
    });
});

describe("preview.sh", () => {
    const mcp = (text: string, code: number): void => {
        program(
            "mcp",
            `printf "%s\\n" "$*" >>calls\nprintf '%s' '${text}'\nexit ${String(code)}\n`,
        );
    };

    test("graph: compares with the base; a violation fails, with the text kept", () => {
        mcp("text", 1);
        expect(
            run("preview.sh", ["graph", "origin/main"], { GITHUB_STEP_SUMMARY: "summary" }),
        ).toBe(1);
        expect(got("preview-graph.md")).toBe("text");
        expect(got("summary")).toBe("text");
        expect(got("calls")).toContain("preview --format markdown --base origin/main");
    });

    test("engine: reads what runs first", () => {
        mcp("text", 0);
        expect(run("preview.sh", ["engine"])).toBe(0);
        expect(got("calls")).toContain("preview --format markdown --refresh");
    });

    test("drift: a difference is an output, no failure; no preview is a failure, no drift", () => {
        mcp("differs", 1);
        expect(run("preview.sh", ["drift"], { GITHUB_OUTPUT: "output" })).toBe(0);
        expect(got("output")).toBe("drift=yes\n");
        put("output", "");
        mcp("same", 0);
        expect(run("preview.sh", ["drift"], { GITHUB_OUTPUT: "output" })).toBe(0);
        expect(got("output")).toBe("drift=no\n");
        put("output", "");
        mcp("", 1);
        expect(run("preview.sh", ["drift"], { GITHUB_OUTPUT: "output" })).toBe(1);
        expect(got("output")).toBe("");
    });

    test("anything else is refused", () => {
        mcp("text", 0);
        expect(run("preview.sh", ["other"])).toBe(2);
    });
});
