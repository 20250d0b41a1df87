/** Running it: audit, metrics, spans, reload, ports, start and stop. */
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { createServer as createTcp, type AddressInfo } from "node:net";
import { once } from "node:events";
import { existsSync, renameSync, statSync } from "node:fs";
import type { TestContext } from "node:test";

import { check, eventually } from "./support/check.ts";
import { freePort } from "./support/ports.ts";
import { initialize, modernClient, post, POST, raw, textOf } from "./support/clients.ts";
import { Everything } from "./support/everything/server.ts";
import { ANYONE, Gateway, type Json, type StartOptions } from "./support/gateway.ts";

async function stage(
    t: TestContext,
    options?: StartOptions,
): Promise<{
    everything: Everything;
    gateway: Gateway;
    config: { servers: Json[]; clients: Json[] };
}> {
    const everything = await Everything.start();
    t.after(() => everything.close());
    const config = { servers: [{ name: "one", url: everything.origin }], clients: [ANYONE] };
    return { everything, gateway: await Gateway.ready(t, config, options), config };
}

check("the audit has names and a hash of the arguments, never a value", async (t) => {
    const { gateway } = await stage(t);
    const args = { password: "hunter2-value", path: "/etc/passwd-value" };
    const turned = { path: args.path, password: args.password };
    for (const [url, name] of [
        [gateway.url("one"), "echo"],
        [gateway.url(), "one__echo"],
    ] as const) {
        for (const value of [args, turned])
            await post(url, "tools/call", { name, arguments: value });
    }
    await post(gateway.url("one"), "resources/read", { uri: "test://static-text" });
    await post(gateway.url("one"), "tools/call", { name: "test_error_handling" });
    const lines = gateway.audit();
    assert.equal(lines.length, 6);
    const [line] = lines;
    assert.deepEqual(Object.keys(line ?? {}).sort(), [
        ...["argNames", "argsHash", "client", "durationMs", "method", "outcome"],
        ...["requestId", "server", "time", "tool", "traceId", "type"],
    ]);
    assert.deepEqual([line?.client, line?.server, line?.tool], ["anyone", "one", "echo"]);
    assert.deepEqual(line?.argNames, ["password", "path"]);
    assert.equal(new Set(lines.slice(0, 4).map(({ argsHash }) => argsHash)).size, 1);
    assert.deepEqual([lines[4]?.tool, lines[4]?.argNames], ["", ["uri"]]);
    assert.deepEqual(
        lines.map(({ outcome }) => outcome),
        ["ok", "ok", "ok", "ok", "ok", "tool_error"],
    );
    assert.doesNotMatch(JSON.stringify(lines) + JSON.stringify(gateway.logs), /-value|static-text/);
    assert.equal(statSync(gateway.auditFile).mode & 0o777, 0o600);
});

check("SIGHUP goes on in a new audit file once the old one was moved", async (t) => {
    const { gateway, config } = await stage(t);
    const call = (): Promise<unknown> => post(gateway.url("one"), "tools/call", { name: "echo" });
    await call();
    renameSync(gateway.auditFile, `${gateway.auditFile}.1`);
    await gateway.reconfigure(config);
    await eventually("a new file", () => existsSync(gateway.auditFile));
    await call();
    assert.equal(gateway.audit().length, 1);
});

check(
    "metrics count by client, server, tool and outcome; unknown names share one label",
    async (t) => {
        const { gateway } = await stage(t);
        await post(gateway.url("one"), "tools/call", { name: "echo" });
        await post(gateway.url("one"), "tools/call", { name: "made-up-1" });
        await post(gateway.url("one"), "tools/call", { name: "made-up-2" });
        await initialize(gateway.url("one"));
        const text = await gateway.metrics();
        assert.match(
            text,
            /calls_total\{client="anyone",server="one",tool="echo",outcome="ok"\} 1$/m,
        );
        assert.match(
            text,
            /calls_total\{client="anyone",server="one",tool="unknown",outcome="error"\} 2$/m,
        );
        assert.match(text, /^mcp_gateway_call_seconds_count\{server="one",tool="echo"\} 1$/m);
        assert.match(text, /^mcp_gateway_sessions\{server="one"\} 1$/m);
        assert.doesNotMatch(text, /made-up/);
    },
);

check("spans go to a collector, and the server sees the same trace", async (t) => {
    const bodies: string[] = [];
    const collector = createServer((req, res) => {
        req.on("data", (part: Buffer) => bodies.push(part.toString()));
        req.on("end", () => res.setHeader("Content-Type", "application/json").end("{}"));
    }).listen(0, "127.0.0.1");
    await once(collector, "listening");
    t.after(() => collector.close());
    const { port } = collector.address() as AddressInfo;
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}/` };
    const { everything, gateway } = await stage(t, { env });
    const traceId = "0af7651916cd43dd8448eb211c80319c";
    const headers = { traceparent: `00-${traceId}-b7ad6b7169203331-01` };
    await post(gateway.url("one"), "tools/call", { name: "echo" }, { headers });
    await post(gateway.url(), "tools/call", {
        name: "one__echo",
        _meta: { traceparent: headers.traceparent },
    });
    assert.ok(everything.seen.some(({ traceparent }) => String(traceparent).includes(traceId)));
    gateway.signal("SIGTERM");
    assert.equal((await gateway.ended).code, 0);
    const text = bodies.join("");
    assert.match(text, /tools\/call echo/);
    assert.equal(text.match(new RegExp(traceId, "g"))?.length, 2);
    assert.match(text, /"parentSpanId":"b7ad6b7169203331"/);
});

check("a changed file is taken over, a broken one changes nothing", async (t) => {
    const { gateway, config } = await stage(t);
    const [server] = config.servers;
    const renamed = { servers: [{ ...server, name: "renamed" }], clients: [ANYONE] };
    // Without a signal: the file is watched.
    gateway.configure(renamed);
    await eventually("taken over", async () => {
        return (await post(gateway.url("renamed"), "tools/call", { name: "echo" })).status === 200;
    });
    assert.equal((await post(gateway.url("one"), "tools/list")).status, 404);
    for (const broken of ["{", '{"servers":[]}', ""]) {
        await gateway.reconfigure(broken);
        assert.equal((await post(gateway.url("renamed"), "tools/list")).status, 200);
    }
    const { reason } = await gateway.log("configuration refused");
    assert.match(String(reason), /is not JSON/);
    assert.match(
        await gateway.metrics(),
        /^mcp_gateway_config_reloads_total\{outcome="invalid"\} 3$/m,
    );
    assert.doesNotMatch(await gateway.metrics(), /server="one"\} 1$/m);
});

check(
    "a server's own port is its endpoint, and comes and goes with the configuration",
    async (t) => {
        const { everything, gateway, config } = await stage(t);
        const [port, taken] = [await freePort(), createTcp().listen(0, "127.0.0.1")];
        await once(taken, "listening");
        t.after(() => taken.close());
        const url = `http://127.0.0.1:${port}/mcp`;
        const servers = [
            { name: "one", url: everything.origin, port },
            { name: "two", url: everything.origin, port: (taken.address() as AddressInfo).port },
        ];
        await gateway.reconfigure({ servers, clients: [ANYONE] });
        await gateway.log("listening for one server");
        const client = await modernClient(t, url);
        const { tools } = await client.listTools();
        assert.ok(tools.some(({ name }) => name === "echo"));
        assert.equal(textOf(await client.callTool({ name: "echo" })), "{}");
        assert.equal(
            (await post(`http://127.0.0.1:${port}/servers/one/mcp`, "tools/list")).status,
            200,
        );
        assert.equal(
            (await post(`http://127.0.0.1:${port}/servers/two/mcp`, "tools/list")).status,
            404,
        );
        // A port that is taken does not keep the others from their work.
        assert.equal((await gateway.log("port cannot be had")).server, "two");
        assert.equal((await post(gateway.url("two"), "tools/list")).status, 200);
        await gateway.reconfigure(config);
        await eventually("closed", () =>
            raw(url).then(
                () => false,
                () => true,
            ),
        );
    },
);

check(
    "not ready before every server was asked; a dead one does not keep it from that",
    async (t) => {
        const silent = createServer(() => undefined).listen(0, "127.0.0.1");
        await once(silent, "listening");
        t.after(() => silent.close());
        t.after(() => silent.closeAllConnections());
        const { port } = silent.address() as AddressInfo;
        const servers = [{ name: "silent", url: `http://127.0.0.1:${port}` }];
        const gateway = new Gateway({ servers, clients: [ANYONE] });
        t.after(() => gateway.kill());
        await gateway.log("listening");
        assert.equal((await raw(`${gateway.origin}/readyz`)).status, 503);
        assert.equal((await raw(`${gateway.origin}/healthz`)).status, 200);
        await eventually(
            "ready",
            async () => (await raw(`${gateway.origin}/readyz`)).status === 200,
        );
    },
);

check(
    "SIGTERM lets calls finish, refuses new ones, ends streams, says goodbye to servers",
    async (t) => {
        const { everything, gateway } = await stage(t);
        const url = gateway.url("one");
        const { headers: given } = await initialize(url);
        const session = { ...POST, "Mcp-Session-Id": String(given["mcp-session-id"]) };
        const stream = await fetch(url, { headers: { ...session, Accept: "text/event-stream" } });
        const ended = stream.text().then(
            () => "ended",
            () => "ended",
        );
        const slow = post(url, "tools/call", { name: "wait", arguments: { ms: 800 } });
        await eventually("both under way", async () =>
            /exchanges 2$/m.test(await gateway.metrics()),
        );
        const before = everything.sessions.size;
        gateway.signal("SIGTERM");
        assert.match((await slow).body, /waited/);
        assert.equal(await ended, "ended");
        const { code, stderr } = await gateway.ended;
        assert.deepEqual([code, stderr], [0, ""]);
        assert.ok(everything.sessions.size < before);
    },
);

check("a port that is taken ends the start with one line", async (t) => {
    const { gateway, config } = await stage(t);
    const second = new Gateway(config, { env: { GATEWAY_PORT: String(gateway.port) } });
    const { code, stderr } = await second.ended;
    assert.equal(code, 1);
    assert.match(stderr, /^gateway: .*EADDRINUSE[^\n]*\n$/);
});
