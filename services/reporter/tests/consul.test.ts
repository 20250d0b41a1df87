/** Consul down, frozen, refusing; and the reporter's own place in it. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { check } from "./support/check.ts";
import { Stage } from "./support/stage.ts";

check(
    "Consul down and back: probing goes on, one line per change, the truth at once",
    async (t) => {
        const stage = await Stage.set(t);
        const server = await stage.server();
        stage.register("a", server.port);
        stage.register("b", server.port);
        stage.report();
        await stage.status("a", "passing");
        await stage.status("b", "passing");
        await stage.consul.down();
        const probes = server.calls.length;
        await server.down();
        await stage.until("verdict", () => stage.logged("critical").length === 2);
        await sleep(1_500);
        assert.equal(stage.logged("Consul does not answer").length, 1);
        assert.equal(stage.statusOf("a"), "passing", "nobody could tell it");
        await server.up();
        await stage.until("passing again", () => stage.logged("passing").length === 4);
        await server.down();
        await stage.until("critical again", () => stage.logged("critical").length === 4);
        assert.ok(server.calls.length > probes);
        // Meanwhile it lost one check.
        stage.consul.checks.delete("mcp:b");
        await stage.consul.up();
        await stage.status("a", "critical", 3_000);
        await stage.status("b", "critical", 3_000);
        await stage.until("line", () => stage.logged("Consul answers again").length === 1);
        assert.equal(stage.logged("Consul does not answer").length, 1);
        await stage.until("alive", () => (stage.consul.agent.get("mcp-reporter")?.passes ?? 0) > 0);
    },
);

check(
    "Consul frozen: 503 and no sign of life after a while, all well once it goes on",
    async (t) => {
        const stage = await Stage.set(t);
        stage.report({}, { consulMs: 600, freshMs: 1_500 });
        await stage.until("alive", () => (stage.consul.agent.get("mcp-reporter")?.passes ?? 0) > 0);
        stage.consul.hanging = true;
        await sleep(500);
        assert.equal((await stage.health()).status, 200, "not every hiccup is an outage");
        await stage.until("line", () => stage.logged("Consul does not answer").length === 1, 1_500);
        await sleep(1_200);
        const { status, body } = await stage.health();
        assert.equal(status, 503);
        assert.match(String(body.reason), /^no answer from Consul for \d+ s: .*no answer in time$/);
        stage.consul.hanging = false;
        await stage.until("back", () => stage.logged("Consul answers again").length === 1, 8_000);
        assert.equal((await stage.health()).status, 200);
    },
);

check(
    "a refused token: one clear line, 503, no sign of life; a new one in the file is taken up",
    async (t) => {
        const folder = mkdtempSync(join(tmpdir(), "reporter-"));
        t.after(() => rmSync(folder, { recursive: true }));
        const tokenFile = join(folder, "token");
        writeFileSync(tokenFile, "first-token-of-all\n");
        const stage = await Stage.set(t);
        const server = await stage.server();
        stage.consul.tokens = new Set(["first-token-of-all"]);
        stage.register("a", server.port);
        stage.report({ tokenFile });
        await stage.status("a", "passing");
        stage.consul.tokens = new Set(["second-token-of-all"]);
        await stage.until("refusal", () => stage.logged("refuses the token").length === 1);
        const [line] = stage.logged("refuses the token");
        assert.equal(line?.level, "error");
        assert.match(line?.msg ?? "", /run \.\/mcp up .*ACL not found/);
        await sleep(600);
        const { status, body } = await stage.health();
        assert.equal(status, 503);
        assert.match(String(body.reason), /run \.\/mcp up/);
        assert.equal(body.services, 1);
        assert.equal(stage.logged("refuses the token").length, 1, "once");
        const passes = stage.consul.agent.get("mcp-reporter")?.passes;
        await sleep(300);
        assert.equal(stage.consul.agent.get("mcp-reporter")?.passes, passes);
        await server.down();
        writeFileSync(tokenFile, "second-token-of-all\n");
        await stage.status("a", "critical", 4_000);
        await stage.until("healthy", () => stage.logged("Consul answers again").length === 1);
        assert.equal((await stage.health()).status, 200);
        assert.doesNotMatch(JSON.stringify(stage.logs), /token-of-all/);
    },
);

check(
    "a Consul that has just started: neither its ignorance nor its past is believed",
    async (t) => {
        const stage = await Stage.set(t);
        const server = await stage.server();
        stage.register("a", server.port);
        stage.report({}, { denialMs: 1_500 });
        await stage.status("a", "passing");
        await stage.consul.down();
        await stage.until("line", () => stage.logged("Consul does not answer").length === 1);
        stage.consul.tokens = new Set();
        await stage.consul.up();
        await stage.until("asked", () => stage.consul.requests.length > 0);
        await sleep(300);
        stage.consul.tokens = undefined;
        stage.consul.replaying = true;
        await sleep(300);
        stage.consul.replaying = false;
        await stage.until("back", () => stage.logged("Consul answers again").length === 1);
        assert.equal(stage.logged("refuses the token").length, 0);
        assert.equal(stage.logged("service is gone").length, 0);
        assert.ok(stage.consul.checkWrites.every(({ Status }) => Status === "passing"));
    },
);

check("a token that may read but not write: 503 and the reason", async (t) => {
    const stage = await Stage.set(t);
    const server = await stage.server();
    stage.register("a", server.port);
    stage.consul.forbidden = /catalog\/register/;
    stage.report();
    await stage.until("refusal", () => stage.logged("refuses the token").length === 1);
    const { status, body } = await stage.health();
    assert.equal(status, 503);
    assert.match(String(body.reason), /catalog\/register: HTTP 403: Permission denied/);
    stage.consul.forbidden = undefined;
    await stage.status("a", "passing");
    await stage.until("well", () => stage.logged("Consul answers again").length === 1);
});

check("results cut off by ACLs are a refusal, not a node without services", async (t) => {
    const stage = await Stage.set(t);
    const server = await stage.server();
    stage.register("a", server.port);
    stage.report();
    await stage.status("a", "passing");
    stage.consul.filtered = true;
    stage.consul.index++;
    stage.consul.changed();
    await stage.until("refusal", () => stage.logged("refuses the token").length === 1);
    assert.equal(stage.logged("service is gone").length, 0);
    const probes = server.calls.length;
    await stage.until("still probing", () => server.calls.length > probes + 2);
});

check("its own service: registered with a TTL, found again after the agent lost it", async (t) => {
    const stage = await Stage.set(t);
    stage.report();
    await stage.until("there", () => stage.consul.agent.has("mcp-reporter"));
    assert.deepEqual(stage.consul.agent.get("mcp-reporter")?.body, {
        ID: "mcp-reporter",
        Name: "mcp-reporter",
        Address: "10.89.0.7",
        Check: {
            CheckID: "service:mcp-reporter",
            Name: "reports health",
            TTL: "15s",
            Status: "passing",
            DeregisterCriticalServiceAfter: "10m",
        },
    });
    stage.consul.agent.clear();
    await stage.until("there again", () => stage.consul.agent.has("mcp-reporter"), 1_000);
    assert.equal((await stage.health()).status, 200);
});

check("a stop leaves the servers' checks alone and takes the own service away", async (t) => {
    const stage = await Stage.set(t);
    const server = await stage.server();
    stage.register("a", server.port);
    stage.report();
    await stage.status("a", "passing");
    await stage.until("alive", () => stage.consul.agent.has("mcp-reporter"));
    const writes = stage.consul.checkWrites.length;
    assert.equal(await stage.stop(), 0);
    assert.equal(stage.consul.agent.size, 0);
    assert.equal(stage.consul.checkWrites.length, writes);
    assert.equal(stage.statusOf("a"), "passing");
});

check("a stop is bounded while Consul is frozen", async (t) => {
    const stage = await Stage.set(t);
    stage.report({}, { consulMs: 5_000 });
    await stage.until("alive", () => stage.consul.agent.has("mcp-reporter"));
    stage.consul.hanging = true;
    const begun = performance.now();
    assert.equal(await stage.stop(), 0);
    const ms = performance.now() - begun;
    assert.ok(ms > 2_500 && ms < 4_000, `took ${ms} ms`);
});
