/** Official clients that are no library of Node's: the Python SDK and the inspector's command line, each as its own process. */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import test, { type TestContext } from "node:test";

import { Everything } from "./support/everything/server.ts";
import { Gateway, newToken } from "./support/gateway.ts";

const CLIENTS = join(import.meta.dirname, "../../../.mcp/tools/mcp-clients");
const PYTHON = join(CLIENTS, "python/bin/python");
const PYTHON_CLIENT = join(import.meta.dirname, "support/python_client.py");
const INSPECTOR = join(CLIENTS, "inspector/node_modules/.bin/mcp-inspector");
const REMEDY = "is not on this machine (scripts/ensure-mcp-clients.sh .mcp/tools/mcp-clients)";
const NO_PYTHON =
    spawnSync(PYTHON, ["-c", "import mcp"]).status !== 0 && `the Python SDK ${REMEDY}`;
const NO_INSPECTOR = !existsSync(INSPECTOR) && `the inspector ${REMEDY}`;

/** Of one process, and of a test with several. */
const PROCESS_MS = 60_000;
const LIMIT_MS = 240_000;

/** The names that things have on an endpoint. */
interface Names {
    readonly tool: string;
    readonly uri: string;
    readonly prompt: string;
}

const ENDPOINTS: readonly { what: string; server: string | undefined; names: Names }[] = [
    {
        what: "/servers/NAME/mcp",
        server: "one",
        names: { tool: "echo", uri: "test://static-text", prompt: "test_simple_prompt" },
    },
    {
        what: "/mcp",
        server: undefined,
        names: {
            tool: "one__echo",
            uri: "one+test://static-text",
            prompt: "one__test_simple_prompt",
        },
    },
];

interface Ended {
    readonly code: number | null;
    readonly stdout: string;
    readonly stderr: string;
}

/** Runs a client to its end. */
async function run(
    t: TestContext,
    program: string,
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
): Promise<Ended> {
    const signal = AbortSignal.any([t.signal, AbortSignal.timeout(PROCESS_MS)]);
    const child = spawn(program, args, {
        // HOME: the inspector keeps a file there.
        env: { PATH: process.env.PATH, HOME: "/nonexistent", ...env },
        stdio: ["ignore", "pipe", "pipe"],
        signal,
    });
    const ended = once(child, "close");
    const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
    return { code: child.exitCode, stdout, stderr };
}

async function stage(t: TestContext): Promise<{ gateway: Gateway; token: string }> {
    const everything = await Everything.start();
    t.after(() => everything.close());
    const { token, tokenSha256 } = newToken();
    const servers = [{ name: "one", url: everything.origin }];
    const clients = [{ name: "alice", tokenSha256, servers: ["one"] }];
    return { gateway: await Gateway.ready(t, { servers, clients }), token };
}

/** Whether the answers are those of the fixture behind the endpoint. */
function assertAnswers(answers: Readonly<Record<string, unknown>>, { tool, uri }: Names): void {
    const all = JSON.parse(JSON.stringify(answers)) as {
        "tools/list": { tools: { name: string }[] };
        "tools/call": { content: { text: string }[] };
        "resources/read": { contents: { uri: string; text: string }[] };
        "prompts/get": { messages: { content: { text: string } }[] };
    };
    assert.ok(all["tools/list"].tools.some(({ name }) => name === tool));
    assert.equal(all["tools/call"].content[0]?.text, '{"value":"v"}');
    assert.equal(all["resources/read"].contents[0]?.uri, uri);
    assert.match(String(all["resources/read"].contents[0]?.text), /\w/);
    assert.match(String(all["prompts/get"].messages[0]?.content.text), /\w/);
}

/** The right token's calls are on record, and the wrong one was refused as that. */
async function assertRefused(gateway: Gateway): Promise<void> {
    assert.equal(gateway.audit().length, 3);
    assert.match(
        await gateway.metrics(),
        /refusals_total\{client="",reason="unauthorized"\} [1-9]/,
    );
}

for (const { what, server, names } of ENDPOINTS) {
    for (const mode of ["legacy", "2026-07-28"]) {
        const title = `the Python SDK works against ${what}, ${mode}, and a wrong token does not`;
        void test(title, { timeout: LIMIT_MS, skip: NO_PYTHON }, async (t) => {
            const { gateway, token } = await stage(t);
            const ask = (bearer: string): Promise<Ended> =>
                run(
                    t,
                    PYTHON,
                    [
                        ...[PYTHON_CLIENT, gateway.url(server), mode],
                        ...[names.tool, names.uri, names.prompt],
                    ],
                    { MCP_TOKEN: bearer },
                );
            const { code, stdout, stderr } = await ask(token);
            assert.equal(code, 0, stderr);
            assertAnswers(JSON.parse(stdout) as Record<string, unknown>, names);
            const refused = await ask(newToken().token);
            assert.notEqual(refused.code, 0);
            assert.match(refused.stderr, /401|Unauthorized/);
            await assertRefused(gateway);
        });
    }

    const title = `the inspector works against ${what}, and a wrong token does not`;
    void test(title, { timeout: LIMIT_MS, skip: NO_INSPECTOR }, async (t) => {
        const { gateway, token } = await stage(t);
        const ask = (bearer: string, method: string, ...more: string[]): Promise<Ended> =>
            run(
                t,
                INSPECTOR,
                [
                    ...["--cli", gateway.url(server), "--transport", "http"],
                    ...["--header", `Authorization: Bearer ${bearer}`, "--method", method, ...more],
                ],
                { HOME: gateway.folder },
            );
        const methods: Record<string, string[]> = {
            "tools/list": [],
            "tools/call": ["--tool-name", names.tool, "--tool-arg", "value=v"],
            "resources/read": ["--uri", names.uri],
            "prompts/get": ["--prompt-name", names.prompt],
        };
        const answers: Record<string, unknown> = {};
        for (const [method, more] of Object.entries(methods)) {
            const { code, stdout, stderr } = await ask(token, method, ...more);
            assert.equal(code, 0, `${method}: ${stderr}`);
            answers[method] = JSON.parse(stdout);
        }
        assertAnswers(answers, names);
        const refused = await ask(newToken().token, "tools/list");
        assert.notEqual(refused.code, 0);
        assert.match(refused.stderr, /auth_required/);
        await assertRefused(gateway);
    });
}
