/** What is refused before it does harm. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import type { TestContext } from "node:test";

import { check } from "./support/check.ts";
import { post, POST, raw, type RawOptions } from "./support/clients.ts";
import { Everything } from "./support/everything/server.ts";
import { ANYONE, Gateway, newToken } from "./support/gateway.ts";

const ORIGIN = "https://app.example";

async function stage(t: TestContext): Promise<{ everything: Everything; gateway: Gateway }> {
    const everything = await Everything.start();
    t.after(() => everything.close());
    const gateway = await Gateway.ready(t, {
        servers: [{ name: "one", url: everything.origin }],
        clients: [ANYONE],
        settings: { allowedHosts: ["gateway.internal"], allowedOrigins: [ORIGIN] },
    });
    return { everything, gateway };
}

/** Sends bytes as they are and returns what comes back until the connection ends. */
async function exchange(port: number, text: string): Promise<string> {
    const socket = connect(port, "127.0.0.1");
    socket.end(text);
    let answer = "";
    socket.on("data", (part: Buffer) => (answer += part.toString()));
    socket.on("error", () => undefined);
    await once(socket, "close");
    return answer;
}

check("a foreign Host or Origin is refused on every path; there is no wildcard", async (t) => {
    const { gateway } = await stage(t);
    const { port } = gateway;
    const paths = ["/mcp", "/servers/one/mcp", "/healthz", "/readyz", "/nothing"];
    for (const path of paths) {
        for (const host of [
            "evil.example",
            `evil.example:${port}`,
            "localhost.evil.example",
            "a@localhost",
        ]) {
            const { status } = await raw(`${gateway.origin}${path}`, { headers: { Host: host } });
            assert.equal(status, 403, `${host}${path}`);
        }
        for (const Origin of ["https://evil.example", "null", `${ORIGIN}.evil.example`]) {
            const { status, headers } = await raw(`${gateway.origin}${path}`, {
                headers: { Origin },
            });
            assert.equal(status, 403, `${Origin} ${path}`);
            assert.equal(headers["access-control-allow-origin"], undefined);
        }
    }
    for (const Host of [
        "gateway.internal",
        "GATEWAY.internal:80",
        "localhost",
        "127.0.0.1",
        "[::1]:9",
    ]) {
        assert.equal(
            (await raw(`${gateway.origin}/healthz`, { headers: { Host } })).status,
            200,
            Host,
        );
    }
});

check("an allowed origin gets CORS headers that name it alone", async (t) => {
    const { gateway } = await stage(t);
    const url = gateway.url("one");
    const preflight = await raw(url, { method: "OPTIONS", headers: { Origin: ORIGIN } });
    assert.equal(preflight.status, 204);
    assert.equal(preflight.headers["access-control-allow-origin"], ORIGIN);
    assert.match(String(preflight.headers["access-control-allow-headers"]), /Mcp-Session-Id/);
    assert.equal(preflight.headers["access-control-allow-credentials"], undefined);
    const answer = await post(url, "tools/call", { name: "echo" }, { headers: { Origin: ORIGIN } });
    assert.equal(answer.status, 200);
    assert.equal(answer.headers["access-control-allow-origin"], ORIGIN);
    const plain = await post(url, "tools/call", { name: "echo" });
    assert.equal(plain.headers["access-control-allow-origin"], undefined);
    assert.equal((await raw(url, { method: "OPTIONS" })).status, 405);
});

check("what is no message is refused in JSON-RPC's terms", async (t) => {
    const { everything, gateway } = await stage(t);
    const before = everything.seen.length;
    const deep = `${"[".repeat(100_000)}${"]".repeat(100_000)}`;
    const cases: [string, number, number][] = [
        ["", 400, -32700],
        ["{", 400, -32700],
        ['{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":"\\ud800"}', 400, -32700],
        ["null", 400, -32600],
        ['"x"', 400, -32600],
        ['[{"jsonrpc":"2.0","id":1,"method":"ping"}]', 400, -32600],
        ["[]", 400, -32600],
        ['{"id":1,"method":"ping"}', 400, -32600],
        ['{"jsonrpc":"1.0","id":1,"method":"ping"}', 400, -32600],
        ['{"jsonrpc":"2.0","id":null,"method":"ping"}', 400, -32600],
        ['{"jsonrpc":"2.0","id":{},"method":"ping"}', 400, -32600],
        ['{"jsonrpc":"2.0","id":1.5,"method":"ping"}', 400, -32600],
        ['{"jsonrpc":"2.0","id":1,"method":7}', 400, -32600],
        ['{"jsonrpc":"2.0","id":1,"method":"ping","params":[1]}', 400, -32600],
        ['{"jsonrpc":"2.0","id":1,"method":"ping","result":{}}', 400, -32600],
        ['{"jsonrpc":"2.0","id":1,"method":"ping","Method":"tools/call"}', 400, -32600],
        ['{"jsonrpc":"2.0","id":1,"result":{},"error":{}}', 400, -32600],
        ['{"jsonrpc":"2.0","id":1}', 400, -32600],
        ['{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{}}', 400, -32602],
        ['{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":["echo"]}}', 400, -32602],
        [`{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":${deep}}}`, 400, -32700],
    ];
    for (const url of [gateway.url("one"), gateway.url()]) {
        for (const [body, status, code] of cases) {
            const answer = await raw(url, { method: "POST", headers: POST, body });
            assert.equal(answer.status, status, body.slice(0, 80));
            assert.equal(answer.json.error?.code, code, body.slice(0, 80));
        }
    }
    const { length } = everything.seen;
    assert.equal(length, before, "none of them reached the server");
    const others: [RawOptions, number][] = [
        [{ method: "POST", headers: { ...POST, "Content-Type": "text/plain" }, body: "{}" }, 415],
        [{ method: "POST", body: "{}" }, 415],
        [{ method: "PUT", body: "{}" }, 405],
        [{ method: "TRACE" }, 405],
    ];
    for (const [options, status] of others) {
        assert.equal((await raw(gateway.url("one"), options)).status, status);
    }
    const dots = "GET /servers/one/../one/mcp HTTP/1.1\r\nHost: localhost\r\n\r\n";
    assert.match(await exchange(gateway.port, dots), /^HTTP\/1\.1 404 /);
    for (const path of [
        "//mcp",
        "/servers/ONE/mcp",
        "/servers//mcp",
        "/servers/one/mcp/",
        "/%6dcp",
        "/servers/one%2fmcp",
    ]) {
        assert.equal((await raw(`${gateway.origin}${path}`)).status, 404, path);
    }
});

check("headers that disagree with the body are refused", async (t) => {
    const { gateway } = await stage(t);
    const wrong: Record<string, string>[] = [
        { "Mcp-Method": "tools/list" },
        { "Mcp-Name": "link" },
    ];
    for (const headers of wrong) {
        const answer = await post(gateway.url("one"), "tools/call", { name: "echo" }, { headers });
        assert.equal(answer.status, 400);
        assert.equal(answer.json.error?.code, -32020);
    }
    const encoded = `=?base64?${Buffer.from("echo").toString("base64")}?=`;
    const headers = { "Mcp-Name": encoded };
    const answer = await post(gateway.url("one"), "tools/call", { name: "echo" }, { headers });
    assert.notEqual(answer.json.error?.code, -32020);
});

check("requests that two parsers might read in two ways are refused", async (t) => {
    const { everything, gateway } = await stage(t);
    const before = everything.seen.length;
    const body = '{"jsonrpc":"2.0","id":1,"method":"ping"}';
    const head =
        "POST /servers/one/mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
    const bad = [
        `${head}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
        `${head}Content-Length: 40\r\nContent-Length: 5\r\n\r\n${body}`,
        `${head}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n`,
        `${head}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n`,
        `${head}Content-Length: 40\r\nX-A: b\r\n folded\r\n\r\n${body}`,
        `POST /servers/one/mcp HTTP/1.1\r\nContent-Length: 0\r\n\r\n`,
        `GET http://evil.example/servers/one/mcp HTTP/1.1\r\nHost: localhost\r\n\r\n`,
        `GET /servers/one/mcp HTTP/1.1\r\nHost: localhost\r\nX-Long: ${"x".repeat(20_000)}\r\n\r\n`,
    ];
    for (const text of bad) {
        const answer = await exchange(gateway.port, text);
        assert.match(answer, /^HTTP\/1\.1 4\d\d /, text.slice(0, 160));
    }
    assert.equal(everything.seen.length, before);
});

check("a refused body is not read to its end", async (t) => {
    const { gateway } = await stage(t);
    const socket = connect(gateway.port, "127.0.0.1");
    t.after(() => socket.destroy());
    socket.on("error", () => undefined);
    let answer = "";
    socket.on("data", (part: Buffer) => (answer += part.toString()));
    socket.write(
        "POST /servers/one/mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n" +
            "Content-Length: 9000000000\r\n\r\n{",
    );
    await once(socket, "close");
    assert.match(answer, /^HTTP\/1\.1 413 /);
    assert.match(answer, /Connection: close/i);
});

check("slow heads and slow bodies are cut off", async (t) => {
    const { gateway } = await stage(t);
    const begun = Date.now();
    const slow = ["POST /mcp HTTP/1.1\r\nHost: localhost\r\nX-", "GET /mcp HTTP/1.1\r\n"].map(
        async (text) => {
            const socket = connect(gateway.port, "127.0.0.1");
            socket.on("error", () => undefined);
            socket.write(text);
            const drip = setInterval(() => socket.write("a"), 500);
            socket.resume();
            await once(socket, "close");
            clearInterval(drip);
        },
    );
    await Promise.all(slow);
    assert.ok(Date.now() - begun < 30_000);
    assert.equal((await post(gateway.url("one"), "tools/call", { name: "echo" })).status, 200);
});

check("without a client nothing is open, and nothing tells which servers there are", async (t) => {
    const everything = await Everything.start();
    t.after(() => everything.close());
    const { tokenSha256 } = newToken();
    const gateway = await Gateway.ready(t, {
        servers: [{ name: "one", url: everything.origin }],
        clients: [{ name: "alice", tokenSha256, servers: ["*"] }],
    });
    const there = await post(gateway.url("one"), "tools/list");
    const not = await post(gateway.url("other"), "tools/list");
    assert.equal(there.status, 401);
    assert.deepEqual([not.status, not.body], [there.status, there.body]);
    const ready = await raw(`${gateway.origin}/readyz`);
    assert.doesNotMatch(ready.body, /one|alice/);
    assert.equal((await raw(`${gateway.origin}/metrics`)).status, 404);
});
