/** Ready is who can serve: the daemon and every server of the stack. */
import assert from "node:assert/strict";
import { after, before } from "node:test";

import { Stage } from "./support/stage.ts";
import { timed } from "./support/timed.ts";

let stage: Stage;
before(async () => {
    stage = await Stage.open(["files-mcp", "http-mcp"]);
});
after(() => stage.close());

interface Ready {
    readonly status: number;
    /** Reason by server; undefined for those that are up. */
    readonly reasons: Readonly<Record<string, string | undefined>>;
}

async function ready(): Promise<Ready> {
    const { status, json } = await stage.get("/ready");
    assert.equal(json.ready, status === 200);
    for (const { up, reason } of json.servers) assert.equal(up, reason === undefined);
    return {
        status,
        reasons: Object.fromEntries(json.servers.map(({ name, reason }) => [name, reason])),
    };
}

timed("with every server up it is ready, whatever foreign containers there are", async () => {
    const added = stage.daemon.add("stray", { Labels: { "mcp.component": "server" } });
    stage.daemon.emit("start", added);
    await stage.until("the stray is seen", async () => {
        return (await stage.get("/containers/stray")).status === 200;
    });
    assert.deepEqual(await ready(), {
        status: 200,
        reasons: { "files-mcp": undefined, "http-mcp": undefined },
    });
});

timed("a server that does not answer makes it not ready, until it answers again", async () => {
    const [server] = stage.servers;
    assert.ok(server);
    await server.down();
    await stage.until("not ready", async () => (await ready()).status === 503);
    const { reasons } = await ready();
    assert.match(reasons["files-mcp"] ?? "", /connection refused/);
    assert.equal(reasons["http-mcp"], undefined);
    await server.up();
    await stage.until("ready again", async () => (await ready()).status === 200);
});

timed("a server that does not run makes it not ready", async () => {
    const server = [...stage.daemon.containers.values()].find(({ name }) => name === "http-mcp");
    assert.ok(server);
    server.state = "exited";
    stage.daemon.emit("die", server, { exitCode: "1" });
    await stage.until("not ready", async () => (await ready()).status === 503);
    const { reasons } = await ready();
    assert.equal(reasons["http-mcp"], "does not run: exited");
    server.state = "running";
    stage.daemon.emit("start", server);
    await stage.until("ready again", async () => (await ready()).status === 200);
});

timed("what the API has left half made does not count", async () => {
    const half = stage.daemon.add("half-mcp", {
        Labels: {
            "mcp.managed": "true",
            "mcp.managed-by": "mcp-manager",
            "mcp.component": "server",
        },
    });
    half.state = "created";
    stage.daemon.emit("create", half);
    await stage.until("it is seen", async () => {
        return (await stage.get("/containers/half-mcp")).json.state === "created";
    });
    assert.equal((await ready()).status, 200);
});
