/** The catalog stays truthful whoever writes to it, and the reporter overwrites nobody's registration. */
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";

import { check } from "./support/check.ts";
import { NOT_YET, Stage } from "./support/stage.ts";

/** "Within milliseconds", on a busy machine. */
const AT_ONCE_MS = 200;

check(
    "a status flipped back by a re-registration is corrected at once, definition kept",
    async (t) => {
        const stage = await Stage.set(t);
        const server = await stage.server();
        stage.register("files-mcp", server.port);
        // Long, so that it is the watch that corrects and not the next probe.
        stage.report({ intervalMs: 60_000 }, { watchMs: 30_000 });
        await stage.status("files-mcp", "passing");
        await stage.until(
            "tools",
            () => stage.consul.services.get("files-mcp")?.Meta.tools === "3",
        );
        const times: number[] = [];
        for (let i = 0; i < 5; i++) {
            const meta = { protocol: "mcp", tools: "3", round: String(i) };
            stage.register("files-mcp", server.port, { meta });
            assert.equal(stage.statusOf("files-mcp"), "critical");
            times.push(await stage.status("files-mcp", "passing", 2_000));
            await sleep(20);
        }
        assert.ok(times.filter((ms) => ms < AT_ONCE_MS).length >= 4, `took ${times.join(", ")} ms`);
        const { Definition, Notes, Name } = stage.consul.check("files-mcp") ?? {};
        assert.deepEqual(
            { Definition, Notes, Name },
            {
                Definition: { Interval: "2s", Timeout: "7s" },
                Notes: "kept",
                Name: "MCP health",
            },
        );
        assert.equal(stage.consul.services.get("files-mcp")?.Meta.round, "4", "its update is kept");
        stage.consul.setStatus("files-mcp", "warning");
        await stage.status("files-mcp", "passing", 2_000);
    },
);

check("a deleted check comes back, a service found without one gets it at once", async (t) => {
    const stage = await Stage.set(t);
    const server = await stage.server({ hang: true });
    stage.report({ deadlineMs: 60_000 }, { watchMs: 30_000 });
    await stage.until("reading", () => stage.logged("Consul answers").length > 0);
    stage.register("http-mcp", server.port, { check: undefined });
    await stage.status("http-mcp", "critical", 1_000);
    const made = stage.consul.check("http-mcp");
    assert.equal(made?.Output, "not reported yet");
    assert.deepEqual(made?.Definition, { Interval: "100ms", Timeout: "60000ms" });
    server.is.hang = false;
    await server.down();
    await server.up();
    await stage.status("http-mcp", "passing");
    stage.consul.removeCheck("http-mcp");
    await stage.status("http-mcp", "passing", 1_000);
});

check(
    "a service registered together with its check is left alone before the first finding",
    async (t) => {
        const stage = await Stage.set(t);
        const server = await stage.server({ hang: true });
        stage.report({ deadlineMs: 60_000 });
        for (let i = 0; i < 20; i++) {
            stage.register(`server-${i}`, server.port, { check: NOT_YET });
            await sleep(i);
        }
        await sleep(300);
        assert.deepEqual(stage.consul.checkWrites, []);
    },
);

check("nothing is written while nothing changes", async (t) => {
    const stage = await Stage.set(t);
    const server = await stage.server();
    const ill = await stage.server({ toolError: "request 4711 failed" });
    stage.register("well", server.port);
    stage.register("ill", ill.port, { meta: { protocol: "mcp", "health-tool": "x" } });
    stage.report({ intervalMs: 50 }, { watchMs: 100 });
    await stage.status("well", "passing");
    await stage.until("reason", () => stage.outputOf("ill") === "x: request 4711 failed");
    ill.is.toolError = "request 4712 failed";
    await sleep(100);
    const { length } = stage.consul.checkWrites;
    const { index } = stage.consul;
    await sleep(1_000);
    assert.equal(stage.consul.checkWrites.length, length);
    assert.equal(stage.consul.index, index);
    assert.ok(server.calls.length > 15);
});

check(
    "a vanished service is not probed any more, a changed one is probed where it is now",
    async (t) => {
        const stage = await Stage.set(t);
        const [one, two] = [
            await stage.server({ era: "session" }),
            await stage.server({ tools: 5 }),
        ];
        stage.register("a", one.port);
        stage.report();
        await stage.status("a", "passing");
        stage.register("a", two.port);
        await stage.until("moved", () => stage.outputOf("a").startsWith("5 tools"));
        assert.equal(one.closedSessions, 1);
        const { length } = one.calls;
        stage.consul.deregister("a");
        await stage.until("gone", () => stage.logged("service is gone").length > 0);
        const after = two.calls.length;
        await sleep(400);
        assert.equal(one.calls.length, length);
        assert.ok(two.calls.length <= after + 1);
        assert.equal(stage.consul.check("a"), undefined);
        const { body } = await stage.health();
        assert.deepEqual(body, { status: "ok", node: "mcp-servers", services: 0, critical: 0 });
    },
);

check("the number of tools is noted by compare-and-set; a lost race is tried again", async (t) => {
    const stage = await Stage.set(t);
    const server = await stage.server({ tools: 3 });
    stage.register("files-mcp", server.port, { meta: { protocol: "mcp", owner: "me" } });
    let races = 0;
    stage.consul.beforeWrite = (path) => {
        // Pulumi updates the registration between the reporter's reading and writing.
        if (path !== "/v1/txn" || races === 2) return;
        races++;
        const meta = { protocol: "mcp", owner: `pulumi-${races}` };
        stage.register("files-mcp", server.port, { meta });
    };
    stage.report();
    const tools = (): string | undefined => stage.consul.services.get("files-mcp")?.Meta.tools;
    await stage.until("noted", () => tools() === "3");
    assert.equal(races, 2);
    assert.deepEqual(stage.consul.services.get("files-mcp")?.Meta, {
        protocol: "mcp",
        owner: "pulumi-2",
        tools: "3",
    });
    assert.deepEqual(stage.consul.services.get("files-mcp")?.Tags, ["mcp"]);
    server.is.tools = 7;
    await stage.until("noted again", () => tools() === "7");
    await stage.status("files-mcp", "passing");
});

check("a restored Consul, its index behind, is made truthful again", async (t) => {
    const stage = await Stage.set(t);
    const server = await stage.server();
    stage.consul.index = 5_000;
    stage.register("a", server.port);
    stage.report({}, { watchMs: 30_000 });
    await stage.status("a", "passing");
    await stage.until("tools", () => stage.consul.services.get("a")?.Meta.tools === "3");
    // Both watches are waiting by now.
    await sleep(150);
    stage.consul.index = 40;
    stage.consul.services.clear();
    stage.consul.checks.clear();
    stage.register("a", server.port);
    stage.register("b", server.port);
    await stage.status("a", "passing", 1_000);
    await stage.status("b", "passing", 1_000);
});

check("an index of 0, or one that never stops moving, does not make it spin", async (t) => {
    const stage = await Stage.set(t);
    stage.consul.indexHeader = "0";
    stage.report();
    await sleep(1_000);
    const reads = stage.consul.requests.filter((request) => request.startsWith("GET")).length;
    assert.ok(reads <= 42, `${reads} reads in a second`);
    stage.consul.indexHeader = undefined;
    const before = stage.consul.requests.length;
    for (let i = 0; i < 200; i++) {
        stage.consul.index++;
        stage.consul.changed();
        await sleep(5);
    }
    const more = stage.consul.requests.length - before;
    assert.ok(more <= 70, `${more} requests in a second`);
});

check("a node that is not there yet is waited for quietly", async (t) => {
    const stage = await Stage.set(t);
    const server = await stage.server();
    stage.consul.nodeThere = false;
    stage.report();
    await sleep(300);
    assert.equal((await stage.health()).status, 200);
    assert.deepEqual(
        stage.logs.filter(({ level }) => level === "warn" || level === "error"),
        [],
    );
    stage.consul.nodeThere = true;
    stage.register("a", server.port);
    await stage.status("a", "passing");
});
