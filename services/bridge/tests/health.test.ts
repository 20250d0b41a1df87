/** /healthz tells the truth about the child, at the price of one call at a time. */
import assert from "node:assert/strict";
import test from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { healthProbe, type Health } from "../src/health.ts";
import { Bridge, fixture } from "./support/bridge.ts";
import { check } from "./support/check.ts";
import { raw, sessionClient, textOf } from "./support/clients.ts";

async function healthOf(bridge: Bridge): Promise<{ status: number; body: unknown; ms: number }> {
    const before = performance.now();
    const { status, body } = await raw(`${bridge.origin}/healthz`);
    return { status, body: JSON.parse(body) as unknown, ms: performance.now() - before };
}

check("200 and the number of tools while the child answers", async (t) => {
    const bridge = await Bridge.listening(t);
    const { status, body } = await healthOf(bridge);
    assert.equal(status, 200);
    assert.deepEqual(body, { status: "ok", tools: 11 });
});

check("503 within the time limit while the child is stopped, 200 once it goes on", async (t) => {
    const bridge = await Bridge.listening(t, { env: { BRIDGE_HEALTH_TIMEOUT_MS: "700" } });
    assert.equal((await healthOf(bridge)).status, 200);
    await (await sessionClient(t, bridge)).listTools();
    process.kill(bridge.childPid, "SIGSTOP");
    const stopped = await healthOf(bridge);
    process.kill(bridge.childPid, "SIGCONT");
    assert.equal(stopped.status, 503);
    assert.deepEqual(stopped.body, {
        status: "unhealthy",
        reason: "tools/list: no answer within 700 ms",
    });
    assert.ok(stopped.ms >= 600 && stopped.ms < 3_000, `took ${stopped.ms} ms`);
    assert.equal((await healthOf(bridge)).status, 200);
    const { body } = await raw(`${bridge.origin}/metrics`);
    assert.match(body, /^mcp_bridge_health_checks_total\{status="unhealthy"\} 1$/m);
});

check("probes that come together are one call to the child", async (t) => {
    const bridge = await Bridge.listening(t, { child: fixture("--slow-list") });
    const probes = await Promise.all(Array.from({ length: 20 }, () => healthOf(bridge)));
    assert.ok(probes.every(({ status }) => status === 200));
    const client = await sessionClient(t, bridge);
    const seen = textOf(await client.callTool({ name: "received" }));
    const calls = (JSON.parse(seen) as { method?: string }[]).filter(
        ({ method }) => method === "tools/list",
    );
    assert.ok(calls.length <= 3, `${calls.length} calls for 20 probes`);
});

check("a child without tools is asked for a ping", async (t) => {
    const bridge = await Bridge.listening(t, { child: fixture("--no-tools") });
    const { status, body } = await healthOf(bridge);
    assert.equal(status, 200);
    assert.deepEqual(body, { status: "ok", tools: 0 });
});

void test("after a shared call the next probe asks anew", async () => {
    const results: Health[] = [];
    let calls = 0;
    const probe = healthProbe(
        async () => {
            calls += 1;
            await sleep(5);
            if (calls === 2) throw new Error("broken");
            return calls;
        },
        (health) => results.push(health),
    );
    assert.deepEqual(await Promise.all([probe(), probe(), probe()]), [
        { status: "ok", tools: 1 },
        { status: "ok", tools: 1 },
        { status: "ok", tools: 1 },
    ]);
    assert.deepEqual(await probe(), { status: "unhealthy", reason: "tools/list: broken" });
    assert.deepEqual(await probe(), { status: "ok", tools: 3 });
    assert.equal(results.length, 3);
});
