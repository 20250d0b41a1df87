/** Who a client is, what it may use, and how much. */
import assert from "node:assert/strict";
import { Agent } from "node:http";
import type { TestContext } from "node:test";

import { check, eventually } from "./support/check.ts";
import { initialize, post, POST, raw } from "./support/clients.ts";
import { Everything } from "./support/everything/server.ts";
import { ANYONE, Gateway, newToken, type Json } from "./support/gateway.ts";

async function stage(
    t: TestContext,
    clients: Json[],
    settings: Json = {},
): Promise<{ everything: Everything; gateway: Gateway; servers: Json[] }> {
    const everything = await Everything.start();
    t.after(() => everything.close());
    const servers = ["one", "two"].map((name) => ({ name, url: everything.origin }));
    const gateway = await Gateway.ready(t, { servers, clients, settings });
    return { everything, gateway, servers };
}

const ECHO = { name: "echo", arguments: { value: "v" } };

check("a token opens its client's servers and no others", async (t) => {
    const { token, tokenSha256 } = newToken();
    const { gateway } = await stage(t, [{ name: "alice", tokenSha256, servers: ["one"] }]);
    const call = async (server: string, bearer?: string): Promise<number> =>
        (await post(gateway.url(server), "tools/call", ECHO, { token: bearer })).status;
    assert.equal(await call("one", token), 200);
    assert.equal(await call("two", token), 404);
    assert.equal(await call("three", token), 404);
    assert.equal(await call("one"), 401);
    assert.equal(await call("one", newToken().token), 401);
    assert.equal(await call("one", tokenSha256), 401);
    const { status, headers } = await raw(gateway.url("one"), {
        headers: { Authorization: "Basic eA==" },
    });
    assert.equal(status, 401);
    assert.equal(headers["www-authenticate"], "Bearer");
});

check(
    "a wrong token is not anonymous, and a second token of a client is good while both are listed",
    async (t) => {
        const [old, next] = [newToken(), newToken()];
        const hashes = [old.tokenSha256, next.tokenSha256];
        const { gateway, servers } = await stage(t, [
            ANYONE,
            { name: "alice", tokenSha256: hashes, servers: ["*"] },
        ]);
        const call = (token?: string): ReturnType<typeof post> =>
            post(gateway.url("one"), "tools/call", ECHO, { token });
        assert.equal((await call()).status, 200);
        assert.equal((await call(newToken().token)).status, 401);
        assert.equal((await call(old.token)).status, 200);
        assert.equal((await call(next.token)).status, 200);
        const alice = { name: "alice", tokenSha256: next.tokenSha256, servers: ["*"] };
        await gateway.reconfigure({ servers, clients: [ANYONE, alice] });
        assert.equal((await call(old.token)).status, 401);
        assert.equal((await call(next.token)).status, 200);
        const clients = gateway.audit().map(({ client }) => client);
        assert.deepEqual(clients, ["anyone", "alice", "alice", "alice"]);
    },
);

check(
    "guessing is slowed down for the address, and a connection that proved itself goes on",
    async (t) => {
        const { token, tokenSha256 } = newToken();
        const { gateway } = await stage(t, [{ name: "alice", tokenSha256, servers: ["*"] }]);
        const agent = new Agent({ keepAlive: true, maxSockets: 1 });
        t.after(() => agent.destroy());
        const url = gateway.url("one");
        assert.equal((await post(url, "tools/call", ECHO, { token, agent })).status, 200);
        const statuses: number[] = [];
        for (let n = 0; n < 25; n += 1) {
            statuses.push((await post(url, "tools/list", {}, { token: newToken().token })).status);
        }
        assert.deepEqual([...new Set(statuses)], [401, 429]);
        assert.equal(statuses.filter((status) => status === 401).length, 20);
        const refused = await post(url, "tools/call", ECHO, { token });
        assert.equal(refused.status, 429);
        assert.match(String(refused.headers["retry-after"]), /^\d+$/);
        assert.equal((await post(url, "tools/call", ECHO, { token, agent })).status, 200);
        assert.match(
            await gateway.metrics(),
            /refusals_total\{client="",reason="guessing"\} [67]$/m,
        );
    },
);

check("calls a minute, calls at once and body size are bounded for each client", async (t) => {
    const [few, narrow, small] = [newToken(), newToken(), newToken()];
    const { gateway } = await stage(t, [
        {
            name: "few",
            tokenSha256: few.tokenSha256,
            servers: ["*"],
            limits: { callsPerMinute: 3 },
        },
        {
            name: "narrow",
            tokenSha256: narrow.tokenSha256,
            servers: ["*"],
            limits: { concurrent: 2 },
        },
        {
            name: "small",
            tokenSha256: small.tokenSha256,
            servers: ["*"],
            limits: { bodyBytes: 2_000 },
        },
    ]);
    const url = gateway.url("one");
    const sent = [];
    for (let n = 0; n < 4; n += 1) sent.push(await post(url, "tools/call", ECHO, few));
    assert.deepEqual(
        sent.map(({ status }) => status),
        [200, 200, 200, 429],
    );
    assert.match(String(sent[3]?.headers["retry-after"]), /^[1-9]\d?$/);
    assert.equal((await post(gateway.url(), "tools/list", {}, few)).status, 429);
    const wait = { name: "wait", arguments: { ms: 700 } };
    const three = await Promise.all([1, 2, 3].map(() => post(url, "tools/call", wait, narrow)));
    assert.deepEqual(three.map(({ status }) => status).sort(), [200, 200, 429]);
    assert.equal((await post(url, "tools/call", ECHO, narrow)).status, 200);
    const large = { name: "echo", arguments: { value: "x".repeat(3_000) } };
    assert.equal((await post(url, "tools/call", large, small)).status, 413);
    assert.equal((await post(url, "tools/call", large, narrow)).status, 200);
    const chunked = { "Transfer-Encoding": "chunked", "Mcp-Name": "echo" };
    assert.equal(
        (await post(url, "tools/call", large, { ...small, headers: chunked })).status,
        413,
    );
    const outcomes = gateway
        .audit()
        .map(({ client, outcome }) => `${String(client)} ${String(outcome)}`);
    assert.equal(outcomes.filter((one) => one === "few rate").length, 1);
    assert.equal(outcomes.filter((one) => one === "narrow concurrency").length, 1);
});

check("a cancelled request of a session gives its place back", async (t) => {
    const { token, tokenSha256 } = newToken();
    const limits = { concurrent: 1 };
    const { gateway } = await stage(t, [{ name: "alice", tokenSha256, servers: ["*"], limits }]);
    for (const [url, prefix] of [
        [gateway.url("one"), ""],
        [gateway.url(), "one__"],
    ] as const) {
        const { headers: given } = await initialize(url, { token });
        const headers = { ...POST, "Mcp-Session-Id": String(given["mcp-session-id"]) };
        const send = (message: Json): ReturnType<typeof raw> => {
            const body = JSON.stringify({ jsonrpc: "2.0", ...message });
            return raw(url, { method: "POST", token, headers, body });
        };
        const params = { name: `${prefix}wait`, arguments: { ms: 60_000 } };
        const waiting = send({ id: "w", method: "tools/call", params });
        waiting.catch(() => undefined);
        await eventually(
            "under way",
            async () => (await send({ id: 1, method: "ping" })).status === 429,
        );
        await send({ method: "notifications/cancelled", params: { requestId: "w" } });
        await eventually(
            "free again",
            async () => (await send({ id: 2, method: "ping" })).status === 200,
        );
        await raw(url, { method: "DELETE", token, headers });
    }
    await eventually("audited", () => gateway.audit().length === 2);
    assert.deepEqual(
        gateway.audit().map(({ outcome }) => outcome),
        ["cancelled", "cancelled"],
    );
});

check("sessions of a client are bounded: the idle make room", async (t) => {
    const { token, tokenSha256 } = newToken();
    const limits = { sessions: 2 };
    const { everything, gateway } = await stage(t, [
        { name: "alice", tokenSha256, servers: ["*"], limits },
    ]);
    const before = everything.sessions.size;
    const ids: string[] = [];
    for (let n = 0; n < 4; n += 1) {
        const { headers } = await initialize(gateway.url("one"), { token });
        ids.push(String(headers["mcp-session-id"]));
    }
    const alive = await Promise.all(
        ids.map(async (id) => {
            const headers = { ...POST, "Mcp-Session-Id": id };
            const body = '{"jsonrpc":"2.0","id":1,"method":"ping"}';
            return (await raw(gateway.url("one"), { method: "POST", token, headers, body })).status;
        }),
    );
    assert.deepEqual(alive, [404, 404, 200, 200]);
    await eventually("the server was told", () => everything.sessions.size === before + 2);
});

check("what a new configuration takes away ends at once, open streams included", async (t) => {
    const { token, tokenSha256 } = newToken();
    const alice = { name: "alice", tokenSha256, servers: ["one"] };
    const { gateway, servers } = await stage(t, [alice]);
    const { headers: given } = await initialize(gateway.url("one"), { token });
    const headers = { ...POST, "Mcp-Session-Id": String(given["mcp-session-id"]) };
    const stream = await fetch(gateway.url("one"), {
        headers: { Authorization: `Bearer ${token}`, ...headers, Accept: "text/event-stream" },
    });
    assert.equal(stream.status, 200);
    const broken = assert.rejects(stream.text());
    await gateway.reconfigure({ servers, clients: [{ ...alice, servers: ["two"] }] });
    await broken;
    const options = {
        method: "POST",
        token,
        headers,
        body: '{"jsonrpc":"2.0","id":1,"method":"ping"}',
    };
    assert.equal((await raw(gateway.url("one"), options)).status, 404);
    assert.equal((await post(gateway.url("two"), "tools/call", ECHO, { token })).status, 200);
});
