/** How the bridge starts and ends, and what it says about it. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import { Bridge, fixture, type StartOptions } from "./support/bridge.ts";
import { check } from "./support/check.ts";
import { rawInitialize, sessionClient, textOf } from "./support/clients.ts";

/** Whether a process exists and is more than a zombie that waits to be collected. */
function runs(pid: number): boolean {
    try {
        return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
    } catch {
        return false;
    }
}

check("kill -9 of the child ends the bridge within a second, with the reason", async (t) => {
    const bridge = await Bridge.listening(t);
    const client = await sessionClient(t, bridge);
    await client.callTool({ name: "stderr", arguments: { text: "a hint before the end" } });
    const open = client.callTool({ name: "slow", arguments: { ms: 30_000 } });
    const failed = assert.rejects(open, /Connection closed/);
    await sleep(100);
    const before = performance.now();
    process.kill(bridge.childPid, "SIGKILL");
    const { code } = await bridge.ended;
    const ms = performance.now() - before;
    await failed;
    assert.equal(code, 4);
    assert.ok(ms < 1_000, `took ${ms} ms`);
    const line = await bridge.log("the MCP server ended with SIGKILL");
    assert.equal(line.level, "fatal");
    assert.equal(line.signal, "SIGKILL");
    assert.deepEqual(line.stderr, ["a hint before the end"]);
});

for (const code of [0, 3]) {
    check(`a child that exits with ${code} by itself ends the bridge with 4`, async (t) => {
        const bridge = await Bridge.listening(t);
        const client = await sessionClient(t, bridge);
        const lost = client.callTool({ name: "exit", arguments: { code } }).catch(() => undefined);
        assert.equal((await bridge.ended).code, 4);
        await lost;
        const line = await bridge.log(`the MCP server ended with code ${code}`);
        assert.equal(line.code, code);
        assert.deepEqual(line.stderr, ["last words of the fixture"]);
    });
}

const FAILED_STARTS: [string, StartOptions, RegExp][] = [
    [
        "a program that does not exist",
        { child: ["/no/such/mcp-server"] },
        /cannot start the MCP server: \/no\/such\/mcp-server: not found/,
    ],
    [
        "a child that ends at once",
        { child: fixture("--die") },
        /ended with code 7 before it answered initialize/,
    ],
    [
        "a child that never answers initialize",
        { child: fixture("--never-initialize"), env: { BRIDGE_START_TIMEOUT_MS: "1000" } },
        /did not answer initialize within 1000 ms/,
    ],
];

for (const [name, options, message] of FAILED_STARTS) {
    check(`${name} ends the bridge with 3 and one clear line`, async (t) => {
        const bridge = new Bridge(options);
        t.after(() => bridge.kill());
        assert.equal((await bridge.ended).code, 3);
        const fatal = bridge.logs.filter(({ level }) => level === "fatal");
        assert.equal(fatal.length, 1);
        assert.match(String(fatal[0]?.msg), message);
        if (name.includes("at once")) {
            assert.deepEqual(fatal[0]?.stderr, ["cannot open the database"]);
        }
    });
}

check("a port that is taken ends the bridge with 1 and names the port", async (t) => {
    const first = await Bridge.listening(t);
    const port = new URL(first.url).port;
    const second = new Bridge({ env: { BRIDGE_PORT: port } });
    t.after(() => second.kill());
    assert.equal((await second.ended).code, 1);
    await second.log(`cannot listen on 127.0.0.1:${port}`);
    assert.equal(runs(second.childPid), false);
});

check("SIGTERM lets a call under way finish, refuses new ones, and exits with 0", async (t) => {
    const bridge = await Bridge.listening(t);
    const client = await sessionClient(t, bridge);
    const open = client.callTool({ name: "slow", arguments: { ms: 1_000 } });
    await sleep(200);
    bridge.signal("SIGTERM");
    await bridge.log("stopping");
    await assert.rejects(rawInitialize(bridge), /ECONNREFUSED|ECONNRESET/);
    assert.equal(textOf(await open), "done");
    assert.equal((await bridge.ended).code, 0);
    assert.equal(runs(bridge.childPid), false);
});

check("SIGTERM waits for a call no longer than 5 s", async (t) => {
    const bridge = await Bridge.listening(t);
    const client = await sessionClient(t, bridge);
    const open = client.callTool({ name: "slow", arguments: { ms: 50_000 } });
    // An error answer: a torn stream would leave this client waiting for its own time limit.
    const failed = assert.rejects(open, /Connection closed/);
    await sleep(200);
    const before = performance.now();
    bridge.signal("SIGTERM");
    assert.equal((await bridge.ended).code, 0);
    const ms = performance.now() - before;
    assert.ok(ms > 4_500 && ms < 9_000, `took ${ms} ms`);
    await failed;
});

check("SIGTERM ends an idle bridge at once, open notification streams or not", async (t) => {
    const bridge = await Bridge.listening(t);
    await sessionClient(t, bridge);
    await sleep(200);
    const before = performance.now();
    bridge.signal("SIGTERM");
    assert.equal((await bridge.ended).code, 0);
    const ms = performance.now() - before;
    assert.ok(ms < 3_000, `took ${ms} ms`);
});

check("a child that ignores SIGTERM is killed, and the exit code is still 0", async (t) => {
    const bridge = await Bridge.listening(t, { child: fixture("--ignore-end") });
    bridge.signal("SIGTERM");
    assert.equal((await bridge.ended).code, 0);
    assert.equal(runs(bridge.childPid), false);
});

check("SIGTERM before the child is ready exits with 0", async (t) => {
    const bridge = new Bridge({ child: fixture("--never-initialize") });
    t.after(() => bridge.kill());
    await bridge.log("starting the MCP server");
    await sleep(200);
    bridge.signal("SIGTERM");
    assert.equal((await bridge.ended).code, 0);
});

check("a server behind a shell wrapper ends with the bridge", async (t) => {
    const wrapped = ["/bin/sh", "-c", `"$@"; true`, "sh", ...fixture("--ignore-end")];
    const bridge = await Bridge.listening(t, { child: wrapped });
    const client = await sessionClient(t, bridge);
    const server = Number(textOf(await client.callTool({ name: "pid" })));
    assert.notEqual(server, bridge.childPid);
    assert.equal(runs(server), true);
    bridge.signal("SIGTERM");
    assert.equal((await bridge.ended).code, 0);
    const deadline = performance.now() + 5_000;
    while (runs(server) && performance.now() < deadline) await sleep(50);
    assert.equal(runs(server), false);
});

check("the built form serves as the source does", async (t) => {
    // Inside the package, so that its imports are found.
    const base = fileURLToPath(new URL("../node_modules/.cache/", import.meta.url));
    mkdirSync(base, { recursive: true });
    const folder = mkdtempSync(join(base, "dist-"));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    const script = fileURLToPath(new URL("../scripts/build.ts", import.meta.url));
    execFileSync(process.execPath, [script, folder], { stdio: "pipe", timeout: 30_000 });
    const bridge = await Bridge.listening(t, { main: join(folder, "main.js") });
    assert.equal((await fetch(`${bridge.origin}/healthz`)).status, 200);
});
