/** The endpoint of one server: everything passes, in both eras, but what policy takes out. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import http from "node:http";
import { join } from "node:path";
import type { AddressInfo } from "node:net";
import { once } from "node:events";
import type { TestContext } from "node:test";

import {
    LoggingMessageNotificationSchema,
    ToolListChangedNotificationSchema,
} from "@modelcontextprotocol/sdk/types.js";

import { check, eventually } from "./support/check.ts";
import {
    initialize,
    modernClient,
    post,
    POST,
    raw,
    sessionClient,
    textOf,
} from "./support/clients.ts";
import { Everything } from "./support/everything/server.ts";
import { ANYONE, Gateway, newToken, type Json } from "./support/gateway.ts";

async function stage(
    t: TestContext,
    server: Json = {},
): Promise<{ everything: Everything; gateway: Gateway }> {
    const everything = await Everything.start();
    t.after(() => everything.close());
    const servers = [{ name: "everything", url: everything.origin, ...server }];
    const gateway = await Gateway.ready(t, { servers, clients: [ANYONE] });
    return { everything, gateway };
}

check(
    "a 2025 client has tools, pages, sampling, elicitation, progress and log lines",
    async (t) => {
        const { gateway } = await stage(t);
        const client = await sessionClient(t, gateway.url("everything"));
        assert.equal(client.getServerVersion()?.name, "everything");
        const first = await client.listTools();
        const second = await client.listTools({ cursor: String(first.nextCursor) });
        assert.equal(first.tools.length, 20);
        assert.ok(second.tools.length > 0);
        const call = async (name: string, args: Json = {}): Promise<string> =>
            textOf(await client.callTool({ name, arguments: args }));
        assert.equal(await call("echo", { value: "grüße" }), '{"value":"grüße"}');
        assert.match(await call("test_sampling", { prompt: "?" }), /sampled/);
        assert.match(await call("test_elicitation", { message: "?" }), /elicited/);
        const lines: unknown[] = [];
        client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => {
            lines.push(params.data);
        });
        await call("test_tool_with_logging");
        assert.equal(lines.length, 3);
        const seen: number[] = [];
        await client.callTool({ name: "test_tool_with_progress" }, undefined, {
            onprogress: ({ progress }) => seen.push(progress),
        });
        assert.deepEqual(seen, [0, 50, 100]);
    },
);

check("a 2026-07-28 client is served on the same URL, input_required included", async (t) => {
    const { gateway } = await stage(t);
    const client = await modernClient(t, gateway.url("everything"));
    assert.equal(client.getProtocolEra(), "modern");
    const { tools } = await client.listTools();
    assert.ok(tools.length > 20);
    const answer = await client.callTool({ name: "test_input_required_result_elicitation" });
    assert.equal(textOf(answer), "Hello!");
    const outcomes = gateway.audit().map(({ outcome }) => outcome);
    assert.deepEqual(outcomes, ["input_required", "ok"]);
});

check("a server's news reach clients of both eras", async (t) => {
    const { everything, gateway } = await stage(t);
    const session = await sessionClient(t, gateway.url("everything"));
    let told = 0;
    session.setNotificationHandler(ToolListChangedNotificationSchema, () => void (told += 1));
    const modern = await modernClient(t, gateway.url("everything"));
    let toldModern = 0;
    modern.setNotificationHandler("notifications/tools/list_changed", () => void (toldModern += 1));
    await modern.listen({ toolsListChanged: true });
    await eventually("both told", () => {
        if (told === 0 || toldModern === 0) everything.toolsChanged();
        return told > 0 && toldModern > 0;
    });
});

check("a cancelled call ends at the server", async (t) => {
    const { gateway } = await stage(t);
    for (const connect of [sessionClient, modernClient]) {
        const client = await connect(t, gateway.url("everything"));
        const abort = new AbortController();
        const begun = Promise.withResolvers<void>();
        const options = { signal: abort.signal, onprogress: () => begun.resolve() };
        const params = { name: "wait", arguments: { ms: 60_000 } };
        const call =
            "getProtocolEra" in client
                ? client.callTool(params, options)
                : client.callTool(params, undefined, options);
        call.catch(() => undefined);
        await begun.promise;
        abort.abort();
        await assert.rejects(call);
        assert.equal(textOf(await client.callTool({ name: "echo" })), "{}");
    }
    await eventually("audited", () => gateway.audit().length === 4);
    const waits = gateway.audit().filter(({ tool }) => tool === "wait");
    assert.ok(waits.every(({ durationMs }) => Number(durationMs) < 30_000));
});

check("denied tools are neither listed nor called, on any page and in any era", async (t) => {
    const everything = await Everything.start();
    t.after(() => everything.close());
    const gateway = await Gateway.ready(t, {
        servers: [{ name: "everything", url: everything.origin, tools: { deny: ["test_*"] } }],
        clients: [{ ...ANYONE, tools: { allow: ["echo", "everything__wait"] } }],
    });
    for (const connect of [sessionClient, modernClient]) {
        const client = await connect(t, gateway.url("everything"));
        const names: string[] = [];
        let cursor: string | undefined;
        do {
            const page = await client.listTools(cursor === undefined ? {} : { cursor });
            names.push(...page.tools.map(({ name }) => name));
            cursor = page.nextCursor;
        } while (cursor !== undefined);
        assert.deepEqual(names.sort(), ["echo", "wait"]);
        for (const name of ["link", "test_simple_text"]) {
            await assert.rejects(client.callTool({ name }), /Unknown tool/);
        }
        assert.equal(textOf(await client.callTool({ name: "echo" })), "{}");
    }
    const denied = gateway.audit().filter(({ outcome }) => outcome === "denied");
    assert.equal(denied.length, 4);
});

check("only named headers reach the server, with a trace and nobody's token", async (t) => {
    const { everything, gateway } = await stage(t);
    const before = everything.seen.length;
    const traceId = "0af7651916cd43dd8448eb211c80319c";
    const headers = {
        Cookie: "a=b",
        "X-Forwarded-For": "10.0.0.1",
        "Proxy-Authorization": "Basic x",
        traceparent: `00-${traceId}-b7ad6b7169203331-01`,
        tracestate: "vendor=1",
    };
    const { status } = await post(
        gateway.url("everything"),
        "tools/call",
        { name: "echo" },
        { headers },
    );
    assert.equal(status, 200);
    const seen = everything.seen[before] ?? {};
    assert.match(String(seen.traceparent), new RegExp(`^00-${traceId}-(?!b7ad6b7169203331)`));
    assert.equal(seen.tracestate, "vendor=1");
    for (const name of ["cookie", "x-forwarded-for", "proxy-authorization", "authorization"]) {
        assert.equal(seen[name], undefined, name);
    }
    assert.equal(gateway.audit()[0]?.traceId, traceId);
});

check("a server's own token comes from its file, never from the client", async (t) => {
    const { everything, gateway } = await stage(t);
    const tokenFile = join(gateway.folder, "token");
    writeFileSync(tokenFile, "server-secret\n");
    const servers = [{ name: "everything", url: everything.origin, tokenFile }];
    await gateway.reconfigure({ servers, clients: [ANYONE] });
    const before = everything.seen.length;
    await post(gateway.url("everything"), "tools/call", { name: "echo" });
    assert.equal(everything.seen[before]?.authorization, "Bearer server-secret");
});

check("long numbers keep their digits; a name that stands twice is refused", async (t) => {
    const { gateway } = await stage(t);
    const url = gateway.url("everything");
    const { headers: given } = await initialize(url);
    const headers = { ...POST, "Mcp-Session-Id": String(given["mcp-session-id"]) };
    const send = (params: string): ReturnType<typeof raw> =>
        raw(url, {
            method: "POST",
            headers,
            body: `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":${params}}`,
        });
    const exact = await send('{"name":"echo","arguments":{"value":12345678901234567890}}');
    // The fixture parses as JavaScript does; what came to it is seen in the double it took.
    assert.match(exact.body, /12345678901234567000/);
    assert.equal((await send('{"name":"link","name":"echo"}')).status, 200);
    assert.deepEqual(
        gateway.audit().map(({ tool }) => tool),
        ["echo", "echo"],
    );
    const twin = await send('{"name":"echo","Name":"link"}');
    assert.equal(twin.status, 400);
    assert.equal(twin.json.error?.code, -32602);
});

check("a session belongs to its client and its server", async (t) => {
    const everything = await Everything.start();
    t.after(() => everything.close());
    const [alice, bob] = [newToken(), newToken()];
    const gateway = await Gateway.ready(t, {
        servers: [
            { name: "one", url: everything.origin },
            { name: "two", url: everything.origin },
        ],
        clients: [
            { name: "alice", tokenSha256: alice.tokenSha256, servers: ["*"] },
            { name: "bob", tokenSha256: bob.tokenSha256, servers: ["*"] },
        ],
    });
    const opened = await initialize(gateway.url("one"), { token: alice.token });
    const id = String(opened.headers["mcp-session-id"]);
    // The server's own id stays behind the gateway.
    assert.equal(everything.sessions.has(id), false);
    const ping = (url: string, token: string, method = "POST"): ReturnType<typeof raw> =>
        raw(url, {
            method,
            token,
            headers: { ...POST, "Mcp-Session-Id": id },
            ...(method === "POST" && { body: '{"jsonrpc":"2.0","id":1,"method":"ping"}' }),
        });
    assert.equal((await ping(gateway.url("one"), alice.token)).status, 200);
    for (const method of ["POST", "GET", "DELETE"]) {
        assert.equal((await ping(gateway.url("one"), bob.token, method)).status, 404, method);
        assert.equal((await ping(gateway.url("two"), alice.token, method)).status, 404, method);
        assert.equal((await ping(gateway.url(), alice.token, method)).status, 404, method);
    }
    const before = everything.sessions.size;
    assert.equal((await ping(gateway.url("one"), alice.token, "DELETE")).status, 200);
    assert.equal((await ping(gateway.url("one"), alice.token)).status, 404);
    assert.equal(everything.sessions.size, before - 1);
});

check("a dead and a hanging server fail by themselves", async (t) => {
    const everything = await Everything.start();
    t.after(() => everything.close());
    const hanging = http.createServer(() => undefined).listen(0, "127.0.0.1");
    await once(hanging, "listening");
    t.after(() => hanging.closeAllConnections());
    t.after(() => hanging.close());
    const { port } = hanging.address() as AddressInfo;
    const gateway = await Gateway.ready(t, {
        servers: [
            { name: "alive", url: everything.origin },
            { name: "dead", url: "http://127.0.0.1:9" },
            { name: "hanging", url: `http://127.0.0.1:${port}`, timeoutSeconds: 1 },
        ],
        clients: [ANYONE],
    });
    const call = (server: string): ReturnType<typeof post> =>
        post(gateway.url(server), "tools/call", { name: "echo" });
    const [alive, dead, late] = await Promise.all(["alive", "dead", "hanging"].map(call));
    assert.equal(alive?.status, 200);
    assert.equal(dead?.status, 502);
    assert.match(String(dead?.json.error?.message), /dead cannot be reached/);
    assert.equal(late?.status, 504);
    const outcomes = gateway
        .audit()
        .map(({ server, outcome }) => `${String(server)} ${String(outcome)}`);
    assert.deepEqual(outcomes.sort(), ["alive ok", "dead upstream", "hanging upstream_timeout"]);
    const metrics = await gateway.metrics();
    assert.match(metrics, /^mcp_gateway_server_up\{server="dead"\} 0$/m);
    assert.match(metrics, /^mcp_gateway_server_up\{server="alive"\} 1$/m);
});

check("a server that forgot the session says so once, and a new one works", async (t) => {
    const { everything, gateway } = await stage(t);
    const url = gateway.url("everything");
    const { headers } = await initialize(url);
    const id = String(headers["mcp-session-id"]);
    everything.sessions.clear();
    const body = '{"jsonrpc":"2.0","id":1,"method":"ping"}';
    const ping = { method: "POST", body, headers: { ...POST, "Mcp-Session-Id": id } };
    assert.equal((await raw(url, ping)).status, 404);
    assert.equal((await raw(url, ping)).status, 404);
    assert.equal((await initialize(url)).status, 200);
});

check("an answer over the limit is an error, not half an answer", async (t) => {
    const { everything, gateway } = await stage(t);
    const servers = [{ name: "everything", url: everything.origin }];
    await gateway.reconfigure({ servers, clients: [ANYONE], settings: { maxReplyBytes: 50_000 } });
    const params = { name: "echo", arguments: { value: "x".repeat(60_000) } };
    const { status, json } = await post(gateway.url("everything"), "tools/call", params);
    assert.equal(status, 502);
    assert.match(String(json.error?.message), /over the limit of 50000/);
});
