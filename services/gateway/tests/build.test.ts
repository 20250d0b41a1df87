/** The bundle: it serves by itself, without `node_modules` beside it. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { check } from "./support/check.ts";
import { modernClient, sessionClient, textOf } from "./support/clients.ts";
import { Everything } from "./support/everything/server.ts";
import { ANYONE, Gateway } from "./support/gateway.ts";

const BUILD = fileURLToPath(new URL("../scripts/build.ts", import.meta.url));

check("the bundle serves both endpoints in both eras, and exports spans", async (t) => {
    const folder = mkdtempSync(join(tmpdir(), "gateway-build-"));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    const built = spawnSync(process.execPath, [BUILD, folder], { encoding: "utf8" });
    assert.deepEqual(
        [
            built.status,
            built.stderr.replaceAll(/.*ExperimentalWarning.*\n|.*--trace-warnings.*\n/g, ""),
        ],
        [0, ""],
    );

    let spans = 0;
    const collector = createServer((req, res) => {
        spans += 1;
        req.resume();
        res.setHeader("Content-Type", "application/json").end("{}");
    }).listen(0, "127.0.0.1");
    await once(collector, "listening");
    t.after(() => collector.close());
    const { port } = collector.address() as AddressInfo;

    const everything = await Everything.start();
    t.after(() => everything.close());
    const servers = [{ name: "one", url: everything.origin }];
    const gateway = await Gateway.ready(
        t,
        { servers, clients: [ANYONE] },
        {
            main: join(folder, "main.mjs"),
            env: { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}` },
        },
    );
    for (const connect of [sessionClient, modernClient]) {
        const one = await connect(t, gateway.url("one"));
        assert.equal(textOf(await one.callTool({ name: "echo" })), "{}");
        const all = await connect(t, gateway.url());
        assert.equal(textOf(await all.callTool({ name: "one__echo" })), "{}");
    }
    gateway.signal("SIGTERM");
    assert.equal((await gateway.ended).code, 0);
    assert.ok(spans > 0);
});
