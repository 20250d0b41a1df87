import assert from "node:assert/strict";
import { request } from "node:http";
import { after, before } from "node:test";

import { OPERATE, READ, Stage } from "./support/stage.ts";
import { timed } from "./support/timed.ts";

let stage: Stage;
before(async () => {
    stage = await Stage.open(["files-mcp"]);
});
after(() => stage.close());

/** A request with any Host and any path, which fetch would correct. */
function raw(
    path: string,
    headers: Record<string, string>,
): Promise<{ status: number; text: string }> {
    return new Promise((resolve, reject) => {
        const { hostname, port } = new URL(stage.api);
        const sent = request({ hostname, port, path, headers }, (response) => {
            let text = "";
            response.setEncoding("utf8");
            response.on("data", (part: string) => (text += part));
            response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
        });
        sent.on("error", reject);
        sent.end();
    });
}

timed("health and the dashboard's files are for everybody, all else needs a token", async () => {
    assert.equal((await stage.get("/health", "")).status, 200);
    assert.equal((await stage.get("/", "")).status, 200);
    const paths = ["/ready", "/status", "/containers", "/containers/files-mcp", "/events"];
    for (const path of [...paths, "/openapi.json", "/containers/files-mcp/logs", "/nowhere"]) {
        const { status, headers, json } = await stage.get(path, "");
        assert.equal(status, 401, path);
        assert.match(headers.get("www-authenticate") ?? "", /^Bearer realm=/);
        assert.deepEqual(Object.keys(json).sort(), ["detail", "error", "remedy", "requestId"]);
    }
});

timed("the read token reads and changes nothing, the operate token does both", async () => {
    assert.equal((await stage.get("/status", READ)).json.role, "read");
    assert.equal((await stage.get("/status", OPERATE)).json.role, "operate");
    const changes = [
        ["POST", "/containers/files-mcp/restart"],
        ["DELETE", "/containers/files-mcp"],
        ["POST", "/containers"],
        ["POST", "/cleanup?dryRun=false"],
    ] as const;
    for (const [method, path] of changes) {
        const { status, json } = await stage.ask(method, path, { token: READ });
        assert.equal(status, 403, `${method} ${path}`);
        assert.equal(json.error, "forbidden");
    }
    assert.equal((await stage.ask("POST", "/cleanup", { token: READ })).status, 200);
});

timed("other ways to write the header let nobody in", async () => {
    const headers = [`Basic ${READ}`, READ, `Bearer ${READ}x`, `Bearer ${READ.slice(1)}`, "Bearer"];
    for (const authorization of headers) {
        const { status } = await raw("/status", { authorization, host: "localhost" });
        assert.equal(status, 401, authorization);
    }
    assert.equal((await raw("/status", { authorization: `bearer ${READ}` })).status, 200);
});

timed("a Host that is not on the list is refused, whatever the path", async () => {
    for (const path of ["/health", "/", "/status"]) {
        const { status } = await raw(path, {
            host: "evil.example",
            authorization: `Bearer ${READ}`,
        });
        assert.equal(status, 421, path);
    }
    assert.equal((await raw("/health", { host: "LOCALHOST:1234" })).status, 200);
});

timed("tricks with paths and names end in 400 or 404", async () => {
    const tricks = [
        "/containers/..%2f..%2fetc%2fpasswd",
        "/containers/%2e%2e",
        "/containers/files-mcp%00",
        "/containers/%ff",
        `/containers/${"a".repeat(500)}`,
        "/containers/a%20b/logs",
        "/containers/..%2fx/logs",
        "/../package.json",
        "/..%2fpackage.json",
        "/%2e%2e/package.json",
        "/dashboard/index.html",
        "//etc/passwd",
    ];
    for (const path of tricks) {
        const { status, text } = await raw(path, { authorization: `Bearer ${OPERATE}` });
        assert.ok([400, 404, 414].includes(status), `${path}: ${status}`);
        assert.ok(!/root:|"version"/.test(text), path);
    }
});

timed("methods that a path does not have are told with what it has", async () => {
    const { status, headers } = await stage.ask("PUT", "/containers/files-mcp");
    assert.equal(status, 405);
    assert.equal(headers.get("allow"), "GET, DELETE");
});

timed("pages may load nothing from elsewhere", async () => {
    const policy = (await stage.get("/", "")).headers.get("content-security-policy") ?? "";
    assert.match(policy, /default-src 'self'/);
    assert.ok(!/unsafe|https?:|\*/.test(policy), policy);
});

timed("a rotated token counts without a restart, the old one no longer does", async () => {
    const [newRead, newOperate] = ["new-read-token-000000", "new-operate-token-000000"];
    stage.writeTokens(newRead, newOperate);
    const status = async (token: string): Promise<number> =>
        (await stage.get("/status", token)).status;
    await stage.until("the new token counts", async () => (await status(newRead)) === 200, 3_000);
    assert.equal(await status(READ), 401);
    assert.equal(await status(OPERATE), 401);
    stage.writeTokens(READ, OPERATE);
    await stage.until("the first token counts again", async () => (await status(READ)) === 200);
});

timed("the log never holds a token", async () => {
    await stage.get("/status", "guessed-token-0123456789");
    assert.ok(!/guessed-token|read-token|operate-token/.test(stage.lines.join("\n")));
});

timed("metrics are for the read token too", async () => {
    assert.equal((await fetch(`${stage.metrics}/metrics`)).status, 401);
    const headers = { authorization: `Bearer ${READ}` };
    const response = await fetch(`${stage.metrics}/metrics`, { headers });
    assert.equal(response.status, 200);
    assert.match(await response.text(), /mcp_server_up\{server="files-mcp"\} 1/);
});

timed("whoever guesses tokens is told to wait, and others are not", async () => {
    let status = 0;
    for (let guess = 0; guess < 40 && status !== 429; guess++) {
        ({ status } = await stage.get("/status", `guess-${guess}-0123456789`));
    }
    assert.equal(status, 429);
    assert.equal((await stage.get("/status", READ)).status, 200);
});
