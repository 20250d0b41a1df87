/** Both eras of the protocol on one URL, in front of one child. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

import { Bridge } from "./support/bridge.ts";
import { check } from "./support/check.ts";
import { modernClient, rawInitialize, sessionClient, textOf } from "./support/clients.ts";

check("a 2025 client gets a session, the tools and an answer", async (t) => {
    const bridge = await Bridge.listening(t);
    const client = await sessionClient(t, bridge);
    assert.deepEqual(client.getServerVersion(), { name: "fixture", version: "1.2.3" });
    assert.equal(client.getInstructions(), "only for tests");
    const { tools } = await client.listTools();
    assert.ok(tools.some(({ name }) => name === "echo"));
    const answer = await client.callTool({ name: "echo", arguments: { text: "grüße" } });
    assert.equal(textOf(answer), "grüße");
    const { headers } = await rawInitialize(bridge);
    assert.match(String(headers["mcp-session-id"]), /^[0-9a-f-]{36}$/);
});

check("a 2026-07-28 client is served without a session on the same URL", async (t) => {
    const bridge = await Bridge.listening(t);
    const client = await modernClient(t, bridge);
    assert.equal(client.getProtocolEra(), "modern");
    const { tools } = await client.listTools();
    assert.ok(tools.some(({ name }) => name === "echo"));
    assert.equal(textOf(await client.callTool({ name: "echo", arguments: { text: "hi" } })), "hi");
    const metrics = await (await fetch(`${bridge.origin}/metrics`)).text();
    assert.match(metrics, /^mcp_bridge_sessions 0$/m);
    assert.match(metrics, /^mcp_bridge_tool_calls_total\{outcome="ok"\} 1$/m);
});

check("what the bridge cannot serve is not advertised", async (t) => {
    const bridge = await Bridge.listening(t);
    const client = await sessionClient(t, bridge);
    assert.deepEqual(Object.keys(client.getServerCapabilities() ?? {}).sort(), [
        "logging",
        "tools",
    ]);
});

check("progress of a call reaches the client that asked, in both eras", async (t) => {
    const bridge = await Bridge.listening(t);
    for (const client of [await sessionClient(t, bridge), await modernClient(t, bridge)]) {
        const seen: number[] = [];
        const options = { onprogress: ({ progress }: { progress: number }) => seen.push(progress) };
        if ("getProtocolEra" in client) await client.callTool({ name: "progress" }, options);
        else await client.callTool({ name: "progress" }, undefined, options);
        assert.deepEqual(seen, [1]);
    }
});

check("roots stay outside: the child hears of none, in either era", async (t) => {
    const bridge = await Bridge.listening(t);
    const roots = [{ uri: "file:///etc", name: "secret-root" }];
    const session = await sessionClient(t, bridge, { roots });
    await session.sendRootsListChanged();
    const modern = await modernClient(t, bridge, { roots });
    await session.callTool({ name: "echo", arguments: { text: "1" } });
    await modern.callTool({ name: "echo", arguments: { text: "2" } });
    const seen = textOf(await session.callTool({ name: "received" }));
    // The fixture asks for roots by itself; the refusal is the only message that may name them.
    const messages = JSON.parse(seen) as { id?: unknown; error?: { code: number } }[];
    const refusal = messages.find(({ id }) => id === "ask-roots");
    assert.equal(refusal?.error?.code, -32601);
    const others = messages.filter((message) => message !== refusal);
    assert.doesNotMatch(JSON.stringify(others), /roots|secret-root/);
});

check("50 sessions share one child", async (t) => {
    const bridge = await Bridge.listening(t);
    const clients = await Promise.all(Array.from({ length: 50 }, () => sessionClient(t, bridge)));
    const answers = await Promise.all(
        clients.map((client, n) => client.callTool({ name: "echo", arguments: { text: `n${n}` } })),
    );
    assert.deepEqual(
        answers.map(textOf),
        clients.map((_, n) => `n${n}`),
    );
    const path = `/proc/${bridge.pid}/task/${bridge.pid}/children`;
    assert.deepEqual(readFileSync(path, "utf8").trim().split(" "), [String(bridge.childPid)]);
    const metrics = await (await fetch(`${bridge.origin}/metrics`)).text();
    assert.match(metrics, /^mcp_bridge_sessions 50$/m);
});

check(
    "junk on the child's standard output and an over-long reply harm only themselves",
    async (t) => {
        const bridge = await Bridge.listening(t, { env: { BRIDGE_MAX_REPLY_BYTES: "100000" } });
        const client = await sessionClient(t, bridge);
        assert.equal(textOf(await client.callTool({ name: "noise" })), "made noise");
        await bridge.log("non-message");
        await assert.rejects(
            client.callTool({ name: "big", arguments: { bytes: 200_000 } }),
            /over the limit of 100000/,
        );
        const within = await client.callTool({ name: "big", arguments: { bytes: 50_000 } });
        assert.equal(textOf(within).length, 50_000);
    },
);

check("a call over its time limit fails, and the next one is served", async (t) => {
    const bridge = await Bridge.listening(t, { env: { BRIDGE_CALL_TIMEOUT_MS: "300" } });
    const client = await sessionClient(t, bridge);
    await assert.rejects(
        client.callTool({ name: "slow", arguments: { ms: 20_000 } }),
        /timed out/i,
    );
    assert.equal(textOf(await client.callTool({ name: "echo", arguments: { text: "on" } })), "on");
    const failed = await client.callTool({ name: "fail" });
    assert.equal(failed.isError, true);
    const metrics = await (await fetch(`${bridge.origin}/metrics`)).text();
    assert.match(metrics, /outcome="timeout"\} 1$/m);
    assert.match(metrics, /outcome="tool_error"\} 1$/m);
});
