/** The files that are served to whoever comes: the dashboard and the page of the API. */
import assert from "node:assert/strict";
import { resolve } from "node:path";
import { test } from "node:test";
import fastify from "fastify";

import { serveStatic } from "../src/api/static.ts";

void test("a folder's page is at its path, with and without the slash, and nothing else is served", async () => {
    const app = fastify();
    await serveStatic(app, { "/docs/": resolve(import.meta.dirname, "../api-docs") });
    const page = await app.inject("/docs/");
    assert.equal(page.statusCode, 200);
    assert.match(page.body, /<html/);
    const bare = await app.inject("/docs");
    assert.deepEqual([bare.statusCode, bare.headers.location], [302, "/docs/"]);
    for (const path of [
        "/docs/../package.json",
        "/docs/%2e%2e/package.json",
        "/",
        "/docs/none.js",
    ]) {
        assert.equal((await app.inject(path)).statusCode, 404, path);
    }
    await app.close();
});
