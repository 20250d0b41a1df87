/** What the HTTP side refuses, and that refusing harms nobody else. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Bridge } from "./support/bridge.ts";
import { check } from "./support/check.ts";
import { POST, raw, rawInitialize, sessionClient, textOf, type Answer } from "./support/clients.ts";

const TOKEN = "correct-horse-battery-staple";

check("a body over the limit gets 413, declared or chunked", async (t) => {
    const bridge = await Bridge.listening(t, { env: { BRIDGE_MAX_BODY_BYTES: "10000" } });
    const body = JSON.stringify({
        jsonrpc: "2.0",
        id: 1,
        method: "x",
        params: { a: "y".repeat(20_000) },
    });
    const framings: Record<string, string>[] = [{}, { "Transfer-Encoding": "chunked" }];
    for (const extra of framings) {
        const answer = await raw(bridge.url, {
            method: "POST",
            headers: { ...POST, ...extra },
            body,
        });
        assert.equal(answer.status, 413);
    }
    assert.equal((await rawInitialize(bridge)).status, 200);
});

check("many large bodies at once are all answered, and a small one passes them", async (t) => {
    const bridge = await Bridge.listening(t, { env: { BRIDGE_MAX_BODY_BYTES: "1000000" } });
    const client = await sessionClient(t, bridge);
    const text = "x".repeat(900_000);
    const large = Array.from({ length: 8 }, () =>
        client.callTool({ name: "fail", arguments: { text } }),
    );
    assert.equal(textOf(await client.callTool({ name: "echo", arguments: { text: "ok" } })), "ok");
    for (const answer of await Promise.all(large)) assert.equal(answer.isError, true);
});

check("malformed requests are answered with 4xx and do not end the bridge", async (t) => {
    const bridge = await Bridge.listening(t);
    const session = String((await rawInitialize(bridge)).headers["mcp-session-id"]);
    const bodies = [
        "{",
        "null",
        "7",
        '"x"',
        "{}",
        "\u0000",
        '{"jsonrpc":"2.0","id":1}',
        "[[]]",
        "",
    ];
    const contexts: Record<string, string>[] = [
        {},
        { "Mcp-Session-Id": session },
        { "Mcp-Session-Id": "unknown" },
        { "Mcp-Protocol-Version": "2026-07-28" },
    ];
    for (const body of bodies) {
        for (const extra of contexts) {
            const headers = { ...POST, ...extra };
            const { status } = await raw(bridge.url, { method: "POST", headers, body });
            assert.ok(status >= 400 && status < 500, `${status} for ${JSON.stringify(body)}`);
        }
    }
    for (const target of ["//", "/%", "/mcp/../x", "/?", "/ping", "/sse", "/messages"]) {
        assert.equal((await raw(bridge.origin, {})).status, 404);
        const { status } = await raw(`${bridge.origin}${target}`);
        assert.equal(status, 404, target);
    }
    const client = await sessionClient(t, bridge);
    assert.equal(textOf(await client.callTool({ name: "echo", arguments: { text: "ok" } })), "ok");
    assert.ok(!bridge.logs.some(({ level }) => level === "fatal" || level === "error"));
});

check("a foreign Host or Origin gets 403 on every path; no answer has CORS headers", async (t) => {
    const env = {
        BRIDGE_ALLOWED_HOSTS: "files-mcp, Files.Example",
        BRIDGE_ALLOWED_ORIGINS: "https://app.example",
    };
    const bridge = await Bridge.listening(t, { env });
    const withoutCors = ({ status, headers }: Answer): number => {
        const names = Object.keys(headers).filter((name) => name.startsWith("access-control"));
        assert.deepEqual(names, []);
        return status;
    };
    const status = async (headers: Record<string, string>, path = "/healthz"): Promise<number> =>
        withoutCors(await raw(`${bridge.origin}${path}`, { headers }));
    for (const Host of [
        "files-mcp",
        "files-mcp:3000",
        "FILES.example",
        "localhost:1",
        "[::1]:80",
        "10.1.2.3",
    ]) {
        assert.equal(await status({ Host }), 200, Host);
    }
    for (const Host of [
        "evil.example",
        "localhost.evil.example",
        "files-mcp.evil",
        "1.2.3.4.evil",
        "[x]",
        "a b",
    ]) {
        for (const path of ["/healthz", "/metrics", "/mcp", "/"])
            assert.equal(await status({ Host }, path), 403, Host);
    }
    assert.equal(await status({ Origin: "https://app.example" }), 200);
    for (const Origin of [
        "null",
        "http://localhost:3000",
        "https://app.example:8443",
        "http://app.example",
        "http://127.0.0.1",
    ]) {
        assert.equal(await status({ Origin }), 403, Origin);
    }
    const initialize = async (Origin: string): Promise<number> =>
        withoutCors(await rawInitialize(bridge, { Origin }));
    assert.equal(await initialize("https://app.example"), 200);
    assert.equal(await initialize("https://evil.example"), 403);
    const preflight = { Origin: "https://app.example", "Access-Control-Request-Method": "POST" };
    const options = await raw(bridge.url, { method: "OPTIONS", headers: preflight });
    assert.equal(withoutCors(options), 405);
});

check("with a token the MCP path demands it, health and metrics do not", async (t) => {
    const folder = mkdtempSync(join(tmpdir(), "bridge-token-"));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    const file = join(folder, "token");
    writeFileSync(file, `${TOKEN}\n`);
    const bridge = await Bridge.listening(t, { env: { BRIDGE_TOKEN_FILE: file } });
    const wrong = [
        "",
        "Bearer",
        `Bearer ${TOKEN}x`,
        `Bearer ${TOKEN.slice(1)}`,
        `Basic ${TOKEN}`,
        TOKEN,
    ];
    for (const Authorization of wrong) {
        const answer = await rawInitialize(bridge, { Authorization });
        assert.equal(answer.status, 401);
        assert.equal(answer.headers["www-authenticate"], "Bearer");
    }
    const session = String(
        (await rawInitialize(bridge, { Authorization: `bearer ${TOKEN}` })).headers[
            "mcp-session-id"
        ],
    );
    for (const method of ["GET", "POST", "DELETE"]) {
        const { status } = await raw(bridge.url, {
            method,
            headers: { "Mcp-Session-Id": session },
        });
        assert.equal(status, 401, method);
    }
    const client = await sessionClient(t, bridge, {
        headers: { Authorization: `Bearer ${TOKEN}` },
    });
    const env = textOf(await client.callTool({ name: "env" }));
    assert.doesNotMatch(env, /BRIDGE_/);
    assert.equal((await raw(`${bridge.origin}/healthz`)).status, 200);
    assert.equal((await raw(`${bridge.origin}/metrics`)).status, 200);
    assert.ok(!JSON.stringify(bridge.logs).includes(TOKEN));
});

check("sessions have an upper bound: the one unused for longest makes room", async (t) => {
    const bridge = await Bridge.listening(t, { env: { BRIDGE_MAX_SESSIONS: "3" } });
    const list = JSON.stringify({ jsonrpc: "2.0", id: 2, method: "tools/list" });
    const use = (id: string): Promise<{ status: number }> =>
        raw(bridge.url, { method: "POST", headers: { ...POST, "Mcp-Session-Id": id }, body: list });
    const open = async (): Promise<string> =>
        String((await rawInitialize(bridge)).headers["mcp-session-id"]);
    const [a, b, c] = [await open(), await open(), await open()];
    assert.equal((await use(a)).status, 200);
    const d = await open();
    const statuses = [];
    for (const id of [a, b, c, d]) statuses.push((await use(id)).status);
    assert.deepEqual(statuses, [200, 404, 200, 200]);
    assert.match((await raw(`${bridge.origin}/metrics`)).body, /^mcp_bridge_sessions 3$/m);
});

check("when all sessions are in use a new one gets 503", async (t) => {
    const bridge = await Bridge.listening(t, { env: { BRIDGE_MAX_SESSIONS: "1" } });
    const client = await sessionClient(t, bridge);
    const busy = client.callTool({ name: "slow", arguments: { ms: 1_500 } });
    const refused = await rawInitialize(bridge);
    assert.equal(refused.status, 503);
    assert.equal(refused.headers["retry-after"], "10");
    assert.equal(textOf(await busy), "done");
});

check("a session ends with DELETE and is then unknown", async (t) => {
    const bridge = await Bridge.listening(t);
    const id = String((await rawInitialize(bridge)).headers["mcp-session-id"]);
    const headers = { "Mcp-Session-Id": id };
    assert.equal((await raw(bridge.url, { method: "DELETE", headers })).status, 200);
    assert.equal((await raw(bridge.url, { method: "DELETE", headers })).status, 404);
    assert.match((await raw(`${bridge.origin}/metrics`)).body, /^mcp_bridge_sessions 0$/m);
});
