/** What counts as healthy: every kind of server, well and ill. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer as createHttpServer } from "node:http";
import { createServer } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

import { certificates } from "./support/certificates.ts";
import { check } from "./support/check.ts";
import type { Behaviour, FakeMcp } from "./support/fake-mcp.ts";
import { NOT_YET, Stage } from "./support/stage.ts";

const WELL: [string, Partial<Behaviour>, string][] = [
    ["sessionless", {}, "3 tools, MCP 2026-07-28"],
    ["in a session", { era: "session", tools: 1 }, "1 tool, MCP 2025-06-18"],
    ["by initialize without a session", { era: "stateless" }, "3 tools, MCP 2025-06-18"],
    ["as an event stream", { stream: "ends" }, "3 tools, MCP 2026-07-28"],
    ["as an event stream that stays open", { stream: "open" }, "3 tools, MCP 2026-07-28"],
    [
        "in a session, as open streams",
        { era: "session", stream: "open" },
        "3 tools, MCP 2025-06-18",
    ],
    ["in several pages", { tools: 25, pageSize: 10 }, "25 tools, MCP 2026-07-28"],
    ["without tools", { tools: 0 }, "0 tools, MCP 2026-07-28"],
    ["slowly", { delayMs: 330 }, "3 tools, MCP 2026-07-28"],
];

check("passing: every server that answers, whatever its manner", async (t) => {
    const stage = await Stage.set(t);
    const servers: FakeMcp[] = [];
    for (const [name, behaviour] of WELL) {
        const server = await stage.server(behaviour);
        servers.push(server);
        stage.register(name.replaceAll(" ", "-"), server.port);
    }
    stage.report();
    for (const [name, , output] of WELL) {
        const id = name.replaceAll(" ", "-");
        await stage.status(id, "passing");
        assert.equal(stage.outputOf(id), output);
    }
    // And it stays so: no flapping, no write without a change, one question at a time.
    await sleep(1_200);
    const writes = stage.consul.checkWrites.filter(({ Status }) => Status === "critical");
    assert.deepEqual(writes, []);
    assert.equal(servers.at(-1)?.mostAtOnce, 1);
    const [, session] = servers;
    assert.ok(session && session.sessions.size === 1, "one session for all probes");
    await stage.stop();
    assert.equal(session.sessions.size, 0, "closed at the end");
});

const RAW = { status: 200, type: "application/json", body: "{}" };
const ILL: [string, Partial<Behaviour>, RegExp][] = [
    ["http-500", { raw: { ...RAW, status: 500 } }, /^tools\/list: HTTP 500$/],
    ["http-404", { raw: { ...RAW, status: 404 } }, /^tools\/list: HTTP 404$/],
    ["reset", { reset: true }, /^tools\/list: connection reset$/],
    ["hangs", { hang: true }, /^tools\/list: deadline of 0.4 s passed$/],
    [
        "html",
        { raw: { status: 200, type: "text/html", body: "<p>hi" } },
        /not an MCP answer \(text\/html\)/,
    ],
    [
        "not-json",
        { raw: { ...RAW, body: '{"result":' } },
        /not an MCP answer \(application\/json\)/,
    ],
    ["array", { raw: { ...RAW, body: "[1]" } }, /not an MCP answer/],
    [
        "no-tools",
        { raw: { ...RAW, body: '{"id":1,"result":{}}' } },
        /no list of tools in the answer/,
    ],
    ["huge", { raw: { ...RAW, body: `"${"x".repeat(5_000_000)}"` } }, /answer larger than 1 MiB/],
    [
        "huge-stream",
        { raw: { status: 200, type: "text/event-stream", body: `data: ${"x".repeat(5_000_000)}` } },
        /answer larger than 1 MiB/,
    ],
    [
        "rpc-error",
        { listError: { code: -32603, message: "child\nis gone" } },
        /^tools\/list: child is gone$/,
    ],
    [
        "rpc-error-in-session",
        { era: "session", listError: { code: -32000, message: "child is gone" } },
        /^tools\/list: child is gone$/,
    ],
    [
        "huge-in-all",
        { tools: 100, pageSize: 25, description: 20_000 },
        /^tools\/list: answer larger than 1 MiB$/,
    ],
    [
        "huge-in-all-stream",
        { tools: 100, pageSize: 25, description: 20_000, stream: "ends" },
        /^tools\/list: answer larger than 1 MiB$/,
    ],
    ["many-tools", { tools: 1_001, pageSize: 600 }, /^tools\/list: more than 1000 tools$/],
    ["endless", { tools: 1_000, pageSize: 1 }, /more than 50 pages|deadline/],
];

check("critical: everything else, with the reason", async (t) => {
    const stage = await Stage.set(t);
    for (const [id, behaviour] of ILL) stage.register(id, (await stage.server(behaviour)).port);
    const closed = await stage.server();
    await closed.down();
    stage.register("refuses", closed.port);
    stage.register("nowhere", 0);
    stage.register("bad-path", 9, { meta: { protocol: "mcp", path: "mcp" } });
    stage.register("bad-arguments", 9, {
        meta: { protocol: "mcp", "health-tool": "x", "health-arguments": "[1" },
    });
    stage.report();
    const expected: [string, RegExp][] = [
        ...ILL.map(([id, , output]): [string, RegExp] => [id, output]),
        ["refuses", /^tools\/list: connection refused$/],
        ["nowhere", /registration has no address and port/],
        ["bad-path", /meta path is no path/],
        ["bad-arguments", /health-arguments is not a JSON object/],
    ];
    for (const [id, output] of expected) {
        await stage.until(`${id}: ${String(output)}`, () => output.test(stage.outputOf(id)));
        assert.equal(stage.statusOf(id), "critical");
    }
    assert.ok(process.memoryUsage().rss < 250 * 1024 * 1024, "huge answers are not kept");
});

check("a tool that fails makes a server critical, and its arguments reach it", async (t) => {
    const stage = await Stage.set(t);
    const server = await stage.server({ tools: 2 });
    stage.register("postgres-mcp", server.port, {
        meta: {
            protocol: "mcp",
            "health-tool": "execute_sql",
            "health-arguments": '{"sql":"select 1"}',
        },
    });
    stage.report();
    await stage.status("postgres-mcp", "passing");
    assert.equal(stage.outputOf("postgres-mcp"), "2 tools, MCP 2026-07-28, execute_sql works");
    assert.deepEqual(server.toolCalls[0], { name: "execute_sql", arguments: { sql: "select 1" } });
    server.is.toolError = "connect ECONNREFUSED\npostgres://u:geheim@db";
    await stage.status("postgres-mcp", "critical");
    assert.equal(
        stage.outputOf("postgres-mcp"),
        "execute_sql: connect ECONNREFUSED postgres://***@db",
    );
    server.is.toolError = '{ "success": false, "error": "source is unreachable" }';
    const inside = "execute_sql: source is unreachable";
    await stage.until(inside, () => stage.outputOf("postgres-mcp") === inside);
    server.is.toolError = undefined;
    await stage.status("postgres-mcp", "passing");
});

check("a restart with a new session behind it is not an outage; a long one is", async (t) => {
    const stage = await Stage.set(t);
    const server = await stage.server({ era: "session" });
    stage.register("files-mcp", server.port);
    stage.report();
    await stage.status("files-mcp", "passing");
    for (let i = 0; i < 3; i++) {
        await server.down();
        await server.up();
        await sleep(250);
    }
    assert.ok(!stage.consul.checkWrites.some(({ Status }) => Status === "critical"));
    await server.down();
    await stage.status("files-mcp", "critical", 1_000);
    server.is.era = "sessionless";
    await server.up();
    await stage.status("files-mcp", "passing", 1_000);
    assert.equal(stage.outputOf("files-mcp"), "3 tools, MCP 2026-07-28");
});

check(
    "one lost request is a blip, a frozen server is critical within interval and deadline",
    async (t) => {
        const stage = await Stage.set(t);
        const server = await stage.server();
        stage.register("http-mcp", server.port);
        stage.report({ intervalMs: 200 });
        await stage.status("http-mcp", "passing");
        const asked = server.calls.length;
        server.is.reset = true;
        await stage.until("a probe", () => server.calls.length > asked);
        server.is.reset = false;
        await sleep(300);
        assert.ok(!stage.consul.checkWrites.some(({ Status }) => Status === "critical"));
        server.is.hang = true;
        const ms = await stage.status("http-mcp", "critical", 2_000);
        assert.ok(ms < 800, `took ${ms} ms`);
        server.is.hang = false;
        await stage.status("http-mcp", "passing", 800);
    },
);

check(
    "TLS API: a verified handshake, no client certificate; a hung daemon is critical",
    async (t) => {
        const stage = await Stage.set(t);
        const { ca, cert, key } = await certificates();
        const other = await certificates();
        // As dockerd: asks for a client certificate and refuses those without one.
        const options = { cert, key, ca, requestCert: true, rejectUnauthorized: true };
        const daemon = createTlsServer(options).on("tlsClientError", () => undefined);
        const impostor = createTlsServer({ ...other }).on("tlsClientError", () => undefined);
        const frozen = createServer();
        const ports: number[] = [];
        for (const server of [daemon, impostor, frozen]) {
            server.listen(0, "127.0.0.1");
            await once(server, "listening");
            ports.push((server.address() as AddressInfo).port);
            t.after(() => server.close());
        }
        const meta = { protocol: "docker" };
        const check = NOT_YET;
        for (const [i, id] of ["daemon", "impostor", "frozen"].entries()) {
            stage.register(id, ports[i] ?? 0, { meta });
        }
        stage.register("other-name", ports[0] ?? 0, { meta, check, address: "localhost" });
        stage.report({ tlsCa: ca });
        await stage.status("daemon", "passing");
        assert.equal(stage.consul.check("daemon")?.Name, "TLS API");
        for (const [id, reason] of [
            ["impostor", "TLS handshake: certificate is not of the expected CA"],
            ["frozen", "TLS handshake: deadline of 0.4 s passed"],
            ["other-name", "TLS handshake: certificate is for another address"],
        ] as const) {
            await stage.until(reason, () => stage.outputOf(id) === reason);
        }
    },
);

check(
    "any other protocol: a TCP connection; docker without a CA says what is missing",
    async (t) => {
        const stage = await Stage.set(t);
        const server = createServer((socket) => socket.resume());
        server.listen(0, "127.0.0.1");
        await once(server, "listening");
        const { port } = server.address() as AddressInfo;
        stage.register("postgres", port, { meta: { protocol: "postgres" } });
        stage.register("plain", port, { meta: {} });
        stage.register("docker", port, { meta: { protocol: "docker" } });
        stage.report();
        await stage.status("postgres", "passing");
        await stage.status("plain", "passing");
        await stage.until("reason", () =>
            /REPORTER_TLS_CA_FILE is not set/.test(stage.outputOf("docker")),
        );
        server.close();
        await stage.status("postgres", "critical");
        assert.equal(stage.outputOf("postgres"), "TCP connect: connection refused");
    },
);

check("protocol http: a GET that is answered with 2xx", async (t) => {
    const stage = await Stage.set(t);
    let status = 200;
    const asked: string[] = [];
    const server = createHttpServer((request, response) => {
        asked.push(`${request.method} ${request.url}`);
        response.writeHead(status).end("{}");
    }).listen(0, "127.0.0.1");
    t.after(() => server.close());
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    stage.register("manager", port, { meta: { protocol: "http", path: "/health" } });
    stage.register("no-path", port, { meta: { protocol: "http", path: "health" } });
    stage.report();
    await stage.status("manager", "passing");
    assert.equal(stage.outputOf("manager"), "answers HTTP");
    assert.equal(asked[0], "GET /health");
    status = 503;
    await stage.status("manager", "critical");
    assert.equal(stage.outputOf("manager"), "GET /health: HTTP 503");
    await stage.status("no-path", "critical");
    assert.match(stage.outputOf("no-path"), /meta path is no path/);
});
