/** Every answer against the document that describes it. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before } from "node:test";

import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import { parse } from "yaml";

import { READ, Stage, type Reply } from "./support/stage.ts";
import { timed } from "./support/timed.ts";

interface Operation {
    readonly responses: Record<string, { content?: Record<string, { schema: object }> }>;
}

const MANIFEST = `apiVersion: mcp/v1
kind: MCPContainer
metadata: {name: made-mcp}
spec: {build: bridge, command: [node, /opt/server.mjs], port: 13008}
`;

let stage: Stage;
let document: { openapi: string; paths: Record<string, Record<string, Operation>> };
let ajv: Ajv2020;
before(async () => {
    stage = await Stage.open(["files-mcp"]);
    document = JSON.parse((await stage.get("/openapi.json")).text) as typeof document;
    ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true });
    ajv.addSchema(document, "api");
});
after(() => stage.close());

function validatorOf(
    method: string,
    path: string,
    reply: Reply,
    type = "application/json",
): ValidateFunction {
    const responses = document.paths[path]?.[method]?.responses ?? {};
    const key = [String(reply.status), `${Math.floor(reply.status / 100)}XX`].find(
        (one) => responses[one] !== undefined,
    );
    assert.ok(key, `${method} ${path} has no ${reply.status}`);
    const pointer = ["paths", path, method, "responses", key, "content", type, "schema"];
    const escaped = pointer.map((part) => part.replaceAll("~", "~0").replaceAll("/", "~1"));
    return ajv.compile({ $ref: `api#/${escaped.map(encodeURIComponent).join("/")}` });
}

timed("the document is OpenAPI 3.1 and every reference in it leads somewhere", () => {
    assert.match(document.openapi, /^3\.1\./);
    const references = JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g);
    for (const [, path = ""] of references) {
        const target = path
            .split("/")
            .reduce<unknown>((at, part) => (at as Record<string, unknown>)?.[part], document);
        assert.ok(target, path);
    }
});

timed("every answer has the shape the document gives it", async () => {
    const asked: readonly (readonly [string, string, string])[] = [
        ["get", "/health", "/health"],
        ["get", "/ready", "/ready"],
        ["get", "/status", "/status"],
        ["get", "/containers", "/containers"],
        ["get", "/containers/{name}", "/containers/files-mcp"],
        ["get", "/containers/{name}", "/containers/none"],
        ["get", "/containers/{name}/manifest", "/containers/files-mcp/manifest"],
        ["get", "/containers/{name}/logs", "/containers/none/logs"],
        ["post", "/containers/{name}/restart", "/containers/files-mcp/restart?wait=0"],
        ["post", "/containers/{name}/restart", "/containers/files-mcp/restart?wait=x"],
        ["post", "/containers", "/containers"],
        ["delete", "/containers/{name}", "/containers/files-mcp"],
        ["post", "/cleanup", "/cleanup"],
    ];
    for (const [method, path, url] of asked) {
        const reply = await stage.ask(method.toUpperCase(), url);
        const validate = validatorOf(method, path, reply);
        assert.ok(validate(reply.json), `${method} ${url}: ${ajv.errorsText(validate.errors)}`);
    }
    const described = Object.entries(document.paths).flatMap(([path, methods]) =>
        Object.keys(methods).map((method) => `${method} ${path}`),
    );
    const tested = new Set([...asked.map(([method, path]) => `${method} ${path}`), "get /events"]);
    assert.deepEqual(
        described.filter((one) => !tested.has(one)),
        [],
    );
});

timed("every success of a server's life has its shape too", async () => {
    const body = MANIFEST;
    const steps = [
        ["POST", "/containers", "/containers?wait=5", 201],
        ["GET", "/containers/{name}", "/containers/made-mcp", 200],
        ["GET", "/containers/{name}/manifest", "/containers/made-mcp/manifest", 200],
        ["GET", "/containers/{name}/logs", "/containers/made-mcp/logs", 200],
        ["POST", "/containers/{name}/restart", "/containers/made-mcp/restart?wait=5", 200],
        ["POST", "/cleanup", "/cleanup?dryRun=false", 200],
        ["DELETE", "/containers/{name}", "/containers/made-mcp", 200],
    ] as const;
    const record = { time: "2026-11-27T10:00:00.000000000Z", container: "made-mcp" };
    const text = JSON.stringify({ ...record, stream: "stdout", line: "one" });
    writeFileSync(join(stage.dir, "logs/made-mcp.jsonl"), `${text}\n`);
    for (const [method, path, url, status] of steps) {
        const reply = await stage.ask(method, url, path === "/containers" ? { body } : {});
        assert.equal(reply.status, status, `${method} ${url}: ${reply.text}`);
        const [type = ""] = (reply.headers.get("content-type") ?? "").split(";");
        const validate = validatorOf(method.toLowerCase(), path, reply, type);
        assert.ok(validate(contentOf(reply, type)), `${url}: ${ajv.errorsText(validate.errors)}`);
        assert.notEqual(reply.text, "", url);
    }
});

/** What the document describes of an answer of this type. */
function contentOf({ text, json }: Reply, type: string): unknown {
    if (type === "application/yaml") return parse(text) as unknown;
    return type === "application/json" ? json : text;
}

timed("a whole number is digits alone, as the document has it", async () => {
    for (const text of ["", "0x10", "1e1", "1.0", "%201", "-1", "12345678901234567"]) {
        for (const [method, path] of [
            ["POST", "/containers/files-mcp/restart?wait="],
            ["GET", "/containers/files-mcp/logs?tail="],
        ] as const) {
            assert.equal((await stage.ask(method, path + text)).status, 400, path + text);
        }
    }
    const headers = { authorization: `Bearer ${READ}`, "last-event-id": "" };
    assert.equal((await fetch(`${stage.api}/events`, { headers })).status, 400);
});

timed("a daemon that is away leaves every answer in its shape", async () => {
    await stage.daemon.down();
    await stage.until("known", async () => (await stage.get("/ready")).status === 503);
    for (const path of ["/ready", "/status", "/containers"]) {
        const reply = await stage.get(path);
        const validate = validatorOf("get", path, reply);
        assert.ok(validate(reply.json), `${path}: ${ajv.errorsText(validate.errors)}`);
    }
});
