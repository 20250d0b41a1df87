/** A hundred services, thirty of them hanging: the others must not notice. */
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";

import { check } from "./support/check.ts";
import { Stage } from "./support/stage.ts";

const ALL = Array.from({ length: 100 }, (_, i) => `server-${i}`);
const hangs = (id: string): boolean => Number(id.slice(7)) % 10 < 3;

check("100 services, 30 hanging: each of the others is told in time", async (t) => {
    const stage = await Stage.set(t);
    const well = await stage.server();
    const frozen = await stage.server({ hang: true });
    const turning = await stage.server();
    for (const id of ALL) {
        const { port } = hangs(id) ? frozen : id.endsWith("9") ? turning : well;
        stage.register(id, port, { meta: { protocol: "mcp", path: `/${id}/mcp` } });
    }
    stage.report({ intervalMs: 500, deadlineMs: 3_000 });
    for (const id of ALL.filter((one) => !hangs(one))) await stage.status(id, "passing", 3_000);
    // Those that hang are still within their deadline, all at the same time.
    assert.ok(ALL.filter(hangs).every((id) => stage.outputOf(id) === "not reported yet"));
    turning.is.raw = { status: 500, type: "text/plain", body: "" };
    const some = ALL.filter((id) => id.endsWith("9"));
    let slowest = 0;
    for (const id of some) slowest += await stage.status(id, "critical", 3_000);
    assert.ok(slowest < 2_000, `took ${slowest} ms`);
    turning.is.raw = undefined;
    for (const id of some) await stage.status(id, "passing", 2_000);
    const late = "tools/list: deadline of 3 s passed";
    for (const id of ALL.filter(hangs)) {
        await stage.until(`${id}: ${late}`, () => stage.outputOf(id) === late, 7_000);
    }
    const { body } = await stage.health();
    assert.deepEqual(body, { status: "ok", node: "mcp-servers", services: 100, critical: 30 });
    await sleep(200);
    // One write for the first finding, two for those that went and came back.
    assert.equal(stage.consul.checkWrites.length, 100 + 2 * some.length);
});
