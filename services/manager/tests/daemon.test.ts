import assert from "node:assert/strict";
import { mkdtempSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, afterEach, before } from "node:test";

import { Daemon } from "../src/daemon/daemon.ts";
import { Authority } from "./support/authority.ts";
import { Stage } from "./support/stage.ts";
import { StrictTls } from "./support/strict-tls.ts";
import { timed } from "./support/timed.ts";

let stage: Stage;
before(async () => {
    stage = await Stage.open(["files-mcp", "http-mcp"]);
});
afterEach(async () => {
    stage.daemon.frozen = false;
    await stage.daemon.down();
    stage.writeClient(stage.clientPair);
    await stage.daemon.up();
    await stage.until("ready again", ready);
});
after(() => stage.close());

async function ready(): Promise<boolean> {
    return (await stage.get("/ready")).status === 200;
}

async function reason(): Promise<string> {
    const { json } = await stage.get("/status");
    return json.daemon.reachable ? "" : json.daemon.reason;
}

timed(
    "a frozen daemon is known within 5 s, calls of it end with 504, and the snapshot stays",
    async () => {
        stage.daemon.frozen = true;
        const begun = performance.now();
        const restart = stage.ask("POST", "/containers/files-mcp/restart");
        const knownAfter = await stage.until("known", async () => !(await ready()), 6_000);
        assert.ok(knownAfter <= 5_000, `known after ${knownAfter} ms`);
        const { status, json } = await restart;
        const took = performance.now() - begun;
        assert.equal(status, 504);
        assert.equal(json.error, "daemon-timeout");
        assert.ok(took < 5_500, `504 after ${took} ms`);
        const list = await stage.get("/containers");
        assert.equal(list.status, 200);
        assert.equal(list.json.containers.length, 2);
    },
);

timed(
    "many calls of a frozen daemon end in time as well, and none asks it for the list",
    async () => {
        stage.daemon.frozen = true;
        const begun = performance.now();
        const calls = await Promise.all(
            Array.from({ length: 50 }, () => stage.ask("POST", "/cleanup")),
        );
        const took = performance.now() - begun;
        // Those it was asked end with 504, those that waited for their turn with 503.
        const words = new Set(calls.map(({ status, json }) => `${status} ${json.error}`));
        assert.deepEqual([...words].sort(), ["503 daemon-busy", "504 daemon-timeout"]);
        assert.ok(took < 6_500, `${took} ms`);
        const before = stage.daemon.requests.length;
        const lists = await Promise.all(Array.from({ length: 50 }, () => stage.get("/containers")));
        assert.ok(lists.every(({ status }) => status === 200));
        // The sampler's own, not one a request.
        assert.ok(stage.daemon.requests.length - before < 10);
    },
);

timed("a killed daemon is known at once; when it is back, the manager is too", async () => {
    await stage.daemon.down();
    await stage.until("known", async () => !(await ready()), 2_500);
    assert.match(await reason(), /connection (refused|reset|closed)|socket hang up/);
    const { status, json } = await stage.ask("POST", "/containers/files-mcp/restart");
    assert.equal(status, 503);
    assert.equal(json.error, "daemon-unreachable");
    await stage.daemon.up();
    await stage.until("ready again", ready);
    const { json: answer } = await stage.get("/ready");
    assert.ok(answer.servers.every(({ up }) => up));
});

timed("servers are asked while the daemon is away", async () => {
    await stage.daemon.down();
    await stage.until("known", async () => !(await ready()));
    const at = async (): Promise<string> => {
        const { json } = await stage.get("/containers/files-mcp");
        return json.mcp?.at ?? "";
    };
    const before = await at();
    await stage.until("asked again", async () => (await at()) !== before);
});

timed("an expired client certificate is told as such, and a good one is taken up", async () => {
    stage.writeClient(await stage.authority.issue("client", -60_000));
    await stage.until("refused", async () => /has expired/.test(await reason()));
    const { status, json } = await stage.ask("POST", "/cleanup");
    assert.equal(status, 502);
    assert.equal(json.error, "daemon-certificate");
    assert.match(json.remedy, /mcp rotate/);
    stage.writeClient(await stage.authority.issue("client"));
    await stage.until("ready again without a restart", ready);
});

timed(
    "a daemon that refuses an unknown client certificate is told from one that is away",
    async () => {
        // Node's TLS server ends the connection without the alert that Go's sends; OpenSSL's sends it.
        const own = await stage.authority.issue("daemon");
        const foreign = await (await Authority.make()).issue("client");
        const strict = await StrictTls.start(own);
        try {
            const dir = mkdtempSync(join(stage.dir, "foreign-"));
            for (const [name, text] of Object.entries({ ...foreign, ca: own.ca })) {
                writeFileSync(join(dir, `${name}.pem`), text);
            }
            const daemon = new Daemon({ url: strict.url, certsDir: dir });
            const call = daemon.call((docker, abort) => docker.listContainers(abort));
            await assert.rejects(call, { name: "DaemonError", trouble: "certificate" });
            daemon.close();
        } finally {
            strict.stop();
        }
    },
);

timed("a daemon with a certificate of another CA is not spoken to", async () => {
    const { ca } = await (await Authority.make()).issue("client");
    stage.writeClient({ ...stage.clientPair, ca });
    await stage.until("refused", async () => /expected CA/.test(await reason()));
    assert.equal((await stage.ask("POST", "/cleanup")).json.error, "daemon-certificate");
});
