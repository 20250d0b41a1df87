import { spawn } from "node:child_process";
import {
    chmodSync,
    existsSync,
    lstatSync,
    mkdirSync,
    mkdtempSync,
    readdirSync,
    readFileSync,
    rmSync,
    statSync,
    symlinkSync,
    writeFileSync,
} from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import * as path from "node:path";

import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";

import type { ConnectOptions } from "../../../cli/commands/connect";
import type { Endpoints } from "../../../cli/connect/targets";

const TOKEN = "a-token-of-the-test";

let home: string;
let project: string;
beforeEach(() => {
    const root = mkdtempSync(path.join(tmpdir(), "connect-"));
    [home, project] = [path.join(root, "home"), path.join(root, "project")];
    for (const folder of [home, project]) mkdirSync(folder);
});
afterEach(() => {
    rmSync(path.dirname(home), { recursive: true });
});

interface Ran {
    readonly code: number | null;
    readonly stdout: string;
    readonly stderr: string;
}

/** Runs the command in a home and a project of its own. */
function run(
    client: string,
    options: ConnectOptions = {},
    endpoints: Endpoints = ENDPOINTS,
    env: Readonly<Record<string, string>> = {},
): Promise<Ran> {
    const driver = path.join(__dirname, "driver.ts");
    const given = [client, JSON.stringify(options), JSON.stringify(endpoints)];
    const child = spawn(process.execPath, ["--import", "tsx", driver, ...given], {
        cwd: path.join(__dirname, "../../.."),
        env: { PATH: process.env.PATH, HOME: home, MCP_CALLER_DIR: project, ...env },
    });
    const seen = { stdout: "", stderr: "" };
    child.stdout.on("data", (chunk: Buffer) => (seen.stdout += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (seen.stderr += chunk.toString()));
    return new Promise((resolve) => {
        child.on("close", (code) => {
            resolve({ code, ...seen });
        });
    });
}

const ENDPOINTS: Endpoints = {
    all: {
        ...{ name: "mcp", url: "http://127.0.0.1:10005/mcp" },
        ...{ tokenEnv: "MCP_TOKEN", tokenFrom: "./mcp --stack second client token local" },
    },
    servers: [{ name: "files-mcp", url: "http://127.0.0.1:13002/mcp" }],
};
const SERVERS: Endpoints = { servers: ENDPOINTS.servers };

describe("the file", () => {
    test("is the project's, holds the single endpoint, and goes with its last entry", async () => {
        const file = path.join(project, ".mcp.json");
        const made = await run("claude-code");
        expect(made).toMatchObject({ code: 0, stdout: `${file}: wrote mcp\n` });
        expect(made.stderr).toContain(
            'start claude-code with its token: export MCP_TOKEN="$(./mcp --stack second client token local)"',
        );
        expect(readFileSync(file, "utf8")).toContain('"Authorization": "Bearer ${MCP_TOKEN}"');
        const again = await run("claude-code");
        expect(again.stdout).toBe(`${file}: nothing to change\n`);
        const gone = await run("claude-code", { remove: true });
        expect(gone.stdout).toBe(`${file}: removed mcp\n`);
        expect(existsSync(file)).toBe(false);
        expect((await run("claude-code", { remove: true })).stdout).toContain("nothing to change");
    }, 60_000);

    test("of a user is made with its folders, for the user only", async () => {
        const { code, stdout } = await run("goose", {}, SERVERS, { AS_JSON: "1" });
        const file = path.join(home, ".config/goose/config.yaml");
        expect(code).toBe(0);
        expect(JSON.parse(stdout)).toEqual({
            client: "goose",
            scope: "user",
            file,
            changed: true,
            written: ["files-mcp"],
            removed: [],
        });
        expect(statSync(file).mode & 0o777).toBe(0o600);
    }, 60_000);

    test("keeps mode, link and byte order mark, and nothing lies beside it afterwards", async () => {
        const real = path.join(home, "dotfiles.json");
        writeFileSync(real, '\uFEFF{ "a": 1 }\n', { mode: 0o640 });
        chmodSync(real, 0o640);
        mkdirSync(path.join(project, ".cursor"));
        const file = path.join(project, ".cursor/mcp.json");
        symlinkSync(real, file);
        expect((await run("cursor", {}, SERVERS)).code).toBe(0);
        expect(lstatSync(file).isSymbolicLink()).toBe(true);
        expect(statSync(real).mode & 0o777).toBe(0o640);
        expect(readFileSync(real, "utf8")).toMatch(/^\uFEFF\{ "a": 1, "mcpServers"/);
        expect(readdirSync(home)).toEqual(["dotfiles.json"]);
        expect((await run("cursor", { remove: true }, SERVERS)).code).toBe(0);
        expect(readFileSync(real, "utf8")).toBe('\uFEFF{ "a": 1 }\n');
    }, 60_000);

    test("behind a link stays when nothing is left in it", async () => {
        const real = path.join(home, "dotfiles.json");
        writeFileSync(real, "");
        symlinkSync(real, path.join(project, ".mcp.json"));
        await run("claude-code", {}, SERVERS);
        expect((await run("claude-code", { remove: true }, SERVERS)).code).toBe(0);
        expect(readFileSync(real, "utf8")).toBe("{}\n");
    }, 60_000);

    test("is shown by --print, and not written", async () => {
        const { stdout } = await run("codex", { print: true });
        expect(stdout).toBe(
            '[mcp_servers.mcp]\nurl = "http://127.0.0.1:10005/mcp"\nbearer_token_env_var = "MCP_TOKEN"\n',
        );
        expect(readdirSync(project)).toEqual([]);
    }, 60_000);

    test.each([
        [
            "broken",
            '{\n"a" 1}',
            ".mcp.json:2: not valid JSON (colon expected); nothing was written",
        ],
        ["not text", Buffer.from([0x7b, 0xff, 0x7d]), ".mcp.json: not UTF-8"],
    ])(
        "that is %s stays, and one line says so",
        async (_what, content, message) => {
            const file = path.join(project, ".mcp.json");
            writeFileSync(file, content);
            const { code, stderr } = await run("claude-code");
            expect(code).toBe(1);
            expect(stderr).toContain(message);
            expect(readFileSync(file)).toEqual(Buffer.from(content));
        },
        60_000,
    );

    test("that is a link to nowhere, or a folder, is an error", async () => {
        symlinkSync("/nowhere/at/all", path.join(project, ".mcp.json"));
        const linked = await run("claude-code");
        expect(linked.stderr).toContain(
            ".mcp.json: a link to /nowhere/at/all, which does not exist",
        );
        mkdirSync(path.join(project, "opencode.json"));
        const folder = await run("opencode");
        expect(folder.stderr).toContain("opencode.json: not a file");
        expect([linked.code, folder.code]).toEqual([1, 1]);
    }, 60_000);
});

describe("a client that takes no token from its environment", () => {
    const literal: ConnectOptions = { scope: "user", writeToken: true };

    test("is refused, and nothing written, unless the token may lie in the user's own file", async () => {
        for (const options of [{}, { writeToken: true }, { scope: "user" as const }]) {
            const { code, stderr } = await run("zed", options);
            expect(code).toBe(1);
            expect(stderr).toContain("zed takes no token from its environment: mcp would need it");
        }
        const unset = await run("zed", literal);
        expect(unset.stderr).toContain("MCP_TOKEN is not set");
        expect([readdirSync(home), readdirSync(project)]).toEqual([[], []]);
    }, 60_000);

    test("gets it in a file for the user only, and never shown", async () => {
        const token = { MCP_TOKEN: TOKEN };
        const shown = await run("zed", { ...literal, print: true }, ENDPOINTS, token);
        expect(shown.stdout).toContain("Bearer <value of MCP_TOKEN>");
        const made = await run("zed", literal, ENDPOINTS, token);
        expect(made.stdout + made.stderr + shown.stdout).not.toContain(TOKEN);
        const file = path.join(home, ".config/zed/settings.json");
        expect(readFileSync(file, "utf8")).toContain(`Bearer ${TOKEN}`);
        chmodSync(file, 0o644);
        const open = await run("zed", literal, ENDPOINTS, token);
        expect(open.stderr).toContain("others can read it (mode 644)");
    }, 60_000);
});

test.each([
    ["emacs", {}, "emacs: no client of that name"],
    ["cline", { scope: "project" as const }, "cline has no configuration file for a project"],
    ["cursor", { check: true, print: true }, "--check does not go with --print or --remove"],
    ["cursor", { check: true }, "no entry with an address for mcp"],
])(
    "%s with %j is one clear line",
    async (client, options, message) => {
        const { code, stderr } = await run(client, options);
        expect(code).toBe(1);
        expect(stderr).toContain(message);
        expect(stderr.trim().split("\n")).toHaveLength(2);
    },
    60_000,
);

describe("--check", () => {
    let server: Server;
    let endpoints: Endpoints;
    beforeEach(async () => {
        server = createServer((request, response) => {
            if (request.headers.authorization !== `Bearer ${TOKEN}`) {
                response.writeHead(401).end();
                return;
            }
            const mcp = new McpServer({ name: "checked", version: "1.0.0" });
            for (const tool of ["read", "write"])
                mcp.registerTool(tool, {}, () => ({ content: [] }));
            const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: undefined });
            void mcp.connect(transport).then(() => transport.handleRequest(request, response));
        });
        await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
        const { port } = server.address() as AddressInfo;
        const url = `http://127.0.0.1:${String(port)}/mcp`;
        endpoints = { all: { name: "mcp", url, tokenEnv: "MCP_TOKEN" }, servers: [] };
    });
    afterEach(() => new Promise((resolve) => server.close(resolve)));

    test("lists the tools with the token of the environment, and says what is wrong", async () => {
        const check = (env: Readonly<Record<string, string>>) =>
            run("vscode", { check: true }, endpoints, env);
        await run("vscode", {}, endpoints);
        const fine = await check({ MCP_TOKEN: TOKEN, AS_JSON: "1" });
        expect(JSON.parse(fine.stdout)).toMatchObject({
            servers: [{ server: "mcp", state: "ok", tools: ["read", "write"] }],
        });
        const refused = await check({ MCP_TOKEN: "another" });
        expect(refused).toMatchObject({ code: 1 });
        expect(refused.stdout).toContain("the token was refused (HTTP 401)");
        expect((await check({})).stderr).toContain("MCP_TOKEN is not set");
        await new Promise((resolve) => server.close(resolve));
        const nobody = await check({ MCP_TOKEN: TOKEN });
        expect(nobody).toMatchObject({ code: 1 });
        expect(nobody.stdout).toContain("ECONNREFUSED");
    }, 60_000);

    test("sends no token that the entry does not refer to", async () => {
        const { all } = endpoints;
        await run("vscode", {}, { servers: [{ name: "mcp", url: all?.url ?? "" }] });
        const { stdout } = await run("vscode", { check: true }, endpoints, { MCP_TOKEN: TOKEN });
        expect(stdout).toContain("HTTP 401");
    }, 60_000);
});
