/** Servers that somebody else adds: neither file keeps the other from being taken up. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";

import { check, eventually } from "./support/check.ts";
import { post } from "./support/clients.ts";
import { Everything } from "./support/everything/server.ts";
import { ANYONE, Gateway, newToken, type Json } from "./support/gateway.ts";
import { freePort } from "./support/ports.ts";

const DEAD = "http://127.0.0.1:9";

interface Stage {
    readonly gateway: Gateway;
    readonly url: string;
    readonly own: Json;
    /** Writes the file of added servers. */
    readonly add: (content: unknown) => void;
    readonly remove: () => void;
    readonly status: (server: string, token?: string) => Promise<number>;
}

async function stage(t: TestContext, clients: Json[] = [ANYONE], more: Json = {}): Promise<Stage> {
    const everything = await Everything.start();
    t.after(() => everything.close());
    const folder = mkdtempSync(join(tmpdir(), "gateway-added-"));
    t.after(() => rmSync(folder, { recursive: true }));
    const file = join(folder, "added.json");
    const own = { name: "one", url: everything.origin, ...more };
    const gateway = await Gateway.ready(
        t,
        { servers: [own], clients },
        { env: { GATEWAY_ADDED_FILE: file } },
    );
    return {
        ...{ gateway, own, url: everything.origin },
        add: (content) =>
            writeFileSync(file, typeof content === "string" ? content : JSON.stringify(content)),
        remove: () => rmSync(file),
        status: async (server, token) => {
            const headers: Record<string, string> = {};
            if (token !== undefined) headers.Authorization = `Bearer ${token}`;
            return (await post(gateway.url(server), "tools/list", {}, { headers })).status;
        },
    };
}

check("servers of a second file come and go, and take nothing of the first", async (t) => {
    const [port, taken] = [await freePort(), await freePort()];
    const { add, remove, status, url, gateway } = await stage(t, [ANYONE], { port: taken });
    const added = { name: "added", url, port };
    add([added, { name: "one", url: DEAD }, { name: "same-port", url: DEAD, port: taken }]);
    await eventually("taken up", async () => (await status("added")) === 200);
    assert.equal((await post(`http://127.0.0.1:${port}/mcp`, "tools/list")).status, 200);
    assert.deepEqual([await status("one"), await status("same-port")], [200, 404]);
    add("no list");
    const { reason } = await gateway.log("added servers refused");
    assert.match(String(reason), /^is not JSON/);
    assert.equal(await status("added"), 200);
    remove();
    await eventually("gone", async () => (await status("added")) === 404);
    assert.equal(await status("one"), 200);
});

check("of added servers only the bad ones are left out, and the first of two stays", async (t) => {
    const { add, gateway, status, url } = await stage(t);
    const port = await freePort();
    add([
        { name: "BAD", url, port },
        { name: "good", url, port },
        { name: "worse", url: "nowhere" },
        7,
        { name: "good", url: DEAD },
        { name: "late", url: DEAD, port },
        { name: "last", url },
    ]);
    await eventually("taken up", async () => (await status("last")) === 200);
    assert.equal(await status("good"), 200);
    assert.deepEqual([await status("worse"), await status("late")], [404, 404]);
    const said = (part: string): (string | undefined)[] =>
        gateway.logs
            .filter(({ msg }) => msg === part)
            .map(({ reason, server }) => /^\[\d\]\.?\w*/.exec(String(reason ?? server))?.[0]);
    assert.deepEqual(said("added server refused"), ["[0].name", "[2].url", "[3]"]);
    assert.equal(said("added server's name or port is taken").length, 2);
});

check("a broken list of added servers keeps no client from being taken away", async (t) => {
    const [kept, gone] = [newToken(), newToken()];
    const client = (name: string, { tokenSha256 }: { tokenSha256: string }): Json => {
        return { name, tokenSha256, servers: ["*"] };
    };
    const { add, gateway, own, status, url } = await stage(t, [
        client("kept", kept),
        client("gone", gone),
    ]);
    add([{ name: "added", url }]);
    await eventually("taken up", async () => (await status("added", gone.token)) === 200);
    add("{");
    await gateway.log("added servers refused");
    await gateway.reconfigure({ servers: [own], clients: [client("kept", kept)] });
    assert.equal(await status("one", gone.token), 401);
    // With what it said last.
    assert.equal(await status("added", kept.token), 200);
});

check("a broken configuration keeps no added server away", async (t) => {
    const { add, gateway, status, url } = await stage(t);
    await gateway.reconfigure("{");
    const port = await freePort();
    add([{ name: "added", url, port }]);
    await eventually("taken up", async () => (await status("added")) === 200);
    await eventually("its port", async () => {
        const there = post(`http://127.0.0.1:${port}/mcp`, "tools/list");
        return (await there.catch(() => undefined))?.status === 200;
    });
});
