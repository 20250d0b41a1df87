/** Clients behind a proxy: whose address counts, and what wrong tokens of one do to the others. */
import assert from "node:assert/strict";
import { Agent } from "node:http";
import type { TestContext } from "node:test";

import { correlationOf, peerOf } from "../src/peer.ts";

import { check } from "./support/check.ts";
import { post } from "./support/clients.ts";
import { Everything } from "./support/everything/server.ts";
import { Gateway, newToken, type Json } from "./support/gateway.ts";

const ECHO = { name: "echo", arguments: { value: "v" } };

async function stage(
    t: TestContext,
    settings: Json,
): Promise<{ gateway: Gateway; token: string; guess: (from: string) => Promise<number> }> {
    const everything = await Everything.start();
    t.after(() => everything.close());
    const { token, tokenSha256 } = newToken();
    const gateway = await Gateway.ready(t, {
        servers: [{ name: "one", url: everything.origin }],
        clients: [{ name: "alice", tokenSha256, servers: ["*"] }],
        settings,
    });
    const guess = async (from: string): Promise<number> => {
        const options = { token: newToken().token, headers: { "X-Forwarded-For": from } };
        return (await post(gateway.url("one"), "tools/list", {}, options)).status;
    };
    return { gateway, token, guess };
}

/** How many of these statuses there are. */
function counted(statuses: readonly number[]): Record<number, number> {
    const counts: Record<number, number> = {};
    for (const status of statuses) counts[status] = (counts[status] ?? 0) + 1;
    return counts;
}

async function many(times: number, once: (n: number) => Promise<number>): Promise<number[]> {
    const statuses: number[] = [];
    for (let n = 0; n < times; n += 1) statuses.push(await once(n));
    return statuses;
}

const BEHIND = { trustedProxies: ["127.0.0.1"] };

check("guessing through a trusted proxy locks out nobody with a right token", async (t) => {
    const { gateway, token, guess } = await stage(t, BEHIND);
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    t.after(() => agent.destroy());
    // What a client writes itself stands before what the proxy adds.
    const guesses = await many(25, (n) => guess(`192.0.2.${n}, 203.0.113.7`));
    assert.deepEqual(counted(guesses), { 401: 20, 429: 5 });
    const call = async (headers: Record<string, string>): Promise<number> =>
        (await post(gateway.url("one"), "tools/call", ECHO, { token, headers, agent })).status;
    assert.equal(await call({ "X-Forwarded-For": "203.0.113.7" }), 200);
    assert.equal(await call({ "X-Forwarded-For": "198.51.100.1" }), 200);
    assert.equal(await guess("203.0.113.7"), 429);
    assert.equal(await guess("198.51.100.1"), 401);
});

check("a right token on a proxy's connection opens it for no wrong one", async (t) => {
    const { gateway, token } = await stage(t, BEHIND);
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    t.after(() => agent.destroy());
    const headers = { "X-Forwarded-For": "203.0.113.7" };
    const ask = async (bearer: string): Promise<number> =>
        (await post(gateway.url("one"), "tools/list", {}, { token: bearer, headers, agent }))
            .status;
    assert.equal(await ask(token), 200);
    const guesses = await many(22, () => ask(newToken().token));
    assert.deepEqual(counted(guesses), { 401: 20, 429: 2 });
});

check("without a trusted proxy nobody chooses an address", async (t) => {
    const { guess } = await stage(t, { trustedProxies: ["192.0.2.1"] });
    const guesses = await many(22, (n) => guess(`203.0.113.${n}`));
    assert.deepEqual(counted(guesses), { 401: 20, 429: 2 });
});

check("a proxy that says nothing usable is counted itself", () => {
    const of = (remoteAddress: string, forwarded?: string): ReturnType<typeof peerOf> =>
        peerOf(
            {
                socket: { remoteAddress } as Parameters<typeof peerOf>[0]["socket"],
                headers: forwarded === undefined ? {} : { "x-forwarded-for": forwarded },
            },
            new Set(["10.0.0.6"]),
        );
    for (const nothing of [undefined, "", "unknown", "203.0.113.7,", "203.0.113.7:80"]) {
        assert.deepEqual(of("10.0.0.6", nothing), { address: "10.0.0.6", proxied: true });
    }
    assert.deepEqual(of("::ffff:10.0.0.6", "::1"), { address: "::1", proxied: true });
    assert.deepEqual(of("::ffff:10.0.0.7", "::1"), { address: "10.0.0.7", proxied: false });
});

check("the edge's id of a request is in its audit lines, on both endpoints", async (t) => {
    const { gateway, token } = await stage(t, BEHIND);
    const headers = { "X-Correlation-ID": "of-the-edge.1" };
    await post(gateway.url("one"), "tools/call", ECHO, { token, headers });
    const all = { name: "one__echo", arguments: { value: "v" } };
    await post(`${gateway.origin}/mcp`, "tools/call", all, { token, headers });
    await post(gateway.url("one"), "tools/call", ECHO, { token });
    assert.deepEqual(
        gateway.audit().map(({ correlationId }) => correlationId),
        ["of-the-edge.1", "of-the-edge.1", undefined],
    );
    for (const odd of [undefined, "", "two words", "x".repeat(129), ["a"]]) {
        assert.equal(correlationOf(odd), undefined);
    }
});
