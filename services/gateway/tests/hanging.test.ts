/** The endpoint of all servers when one of them hangs: the others' lists come all the same. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { json as jsonOf } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import type { TestContext } from "node:test";

import { check } from "./support/check.ts";
import { post } from "./support/clients.ts";
import { Everything } from "./support/everything/server.ts";
import { Gateway, newToken, type Json } from "./support/gateway.ts";

/** A server of the older revisions: its list has a page, or pages without end, or it leaves every request unanswered. */
class Moody {
    mood: "well" | "endless" | "silent" = "well";
    readonly #server = createServer((req, res) => {
        if (req.method !== "POST") {
            res.writeHead(405).end();
            return;
        }
        void jsonOf(req).then((message) => this.#answer(message as Json, res));
    });

    async start(t: TestContext): Promise<string> {
        this.#server.listen(0, "127.0.0.1");
        await once(this.#server, "listening");
        t.after(() => {
            this.#server.close();
            this.#server.closeAllConnections();
        });
        return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
    }

    async #answer({ id, method }: Json, res: ServerResponse): Promise<void> {
        if (this.mood === "silent") return;
        if (id === undefined) {
            res.writeHead(202).end();
            return;
        }
        const serverInfo = { name: "moody", version: "1.0.0" };
        const tools = [{ name: "sulk", inputSchema: { type: "object" } }];
        const results: Record<string, Json> = {
            initialize: {
                ...{ protocolVersion: "2025-06-18", capabilities: { tools: {} }, serverInfo },
            },
            "tools/list": this.mood === "endless" ? { tools, nextCursor: "more" } : { tools },
        };
        if (this.mood === "endless") await sleep(500);
        const result = results[String(method)];
        const error = { code: -32_601, message: "Method not found" };
        res.setHeader("Content-Type", "application/json");
        res.end(JSON.stringify({ jsonrpc: "2.0", id, ...(result ? { result } : { error }) }));
    }
}

check(
    "a server that hangs is missing from a list, with the reason, after a bounded wait",
    async (t) => {
        const everything = await Everything.start();
        t.after(() => everything.close());
        const moody = new Moody();
        const url = await moody.start(t);
        const tokens = { alice: newToken(), bob: newToken() };
        const gateway = await Gateway.ready(t, {
            servers: [
                { name: "one", url: everything.origin },
                { name: "moody", url },
            ],
            clients: Object.entries(tokens).map(([name, { tokenSha256 }]) => {
                return { name, tokenSha256, servers: ["*"] };
            }),
        });
        const list = async (
            client: keyof typeof tokens,
        ): Promise<{ names: string[]; lost: unknown }> => {
            const headers = { Authorization: `Bearer ${tokens[client].token}` };
            const { json } = await post(gateway.url(), "tools/list", {}, { headers });
            const names = (json.result?.tools as { name: string }[]).map(({ name }) => name);
            const meta = (json.result?._meta ?? {}) as Json;
            return { names, lost: meta["sutazai.gateway/unavailable"] };
        };
        const { names, lost } = await list("alice");
        assert.ok(names.includes("one__echo") && names.includes("moody__sulk"));
        assert.equal(lost, undefined);
        for (const mood of ["endless", "silent"] as const) {
            moody.mood = mood;
            const begun = performance.now();
            // One over a connection that stands, one that has to connect.
            const found = await Promise.all([list("alice"), list("bob")]);
            assert.ok(performance.now() - begun < 30_000);
            for (const one of found) {
                assert.ok(one.names.includes("one__echo") && !one.names.includes("moody__sulk"));
                const [{ server, reason } = {}, ...more] = one.lost as Json[];
                assert.equal(server, "moody");
                assert.match(String(reason), /^no answer in (6 s|time)$/);
                assert.deepEqual(more, []);
            }
        }
    },
);
