/** The transport of 2024-11-05: there only when asked for, and under the same rules. */
import assert from "node:assert/strict";

import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { SSEClientTransport } from "@modelcontextprotocol/sdk/client/sse.js";
import { CreateMessageRequestSchema } from "@modelcontextprotocol/sdk/types.js";

import { check, eventually } from "./support/check.ts";
import { POST, raw, textOf } from "./support/clients.ts";
import { Everything } from "./support/everything/server.ts";
import { Gateway, newToken } from "./support/gateway.ts";

check(
    "an SSE client calls tools, is asked by the server, and meets policy and audit",
    async (t) => {
        const everything = await Everything.start();
        t.after(() => everything.close());
        const [alice, bob] = [newToken(), newToken()];
        const config = {
            servers: [{ name: "one", url: everything.origin }],
            clients: [
                {
                    name: "alice",
                    tokenSha256: alice.tokenSha256,
                    servers: ["*"],
                    tools: { deny: ["link"] },
                },
                { name: "bob", tokenSha256: bob.tokenSha256, servers: ["*"] },
            ],
        };
        const gateway = await Gateway.ready(t, config);
        const url = `${gateway.origin}/servers/one/sse`;
        assert.equal((await raw(url, { token: alice.token })).status, 404);
        await gateway.reconfigure({ ...config, settings: { legacySse: true } });
        assert.equal((await raw(url)).status, 401);

        const headers = { Authorization: `Bearer ${alice.token}` };
        let endpoint = "";
        const transport = new SSEClientTransport(new URL(url), {
            requestInit: { headers },
            eventSourceInit: {
                fetch: (input, init) =>
                    fetch(input, { ...init, headers: { ...init.headers, ...headers } }),
            },
            fetch: (input, init) => {
                endpoint = String(input);
                return fetch(input, init);
            },
        });
        const client = new Client(
            { name: "test", version: "0" },
            { capabilities: { sampling: {} } },
        );
        client.setRequestHandler(CreateMessageRequestSchema, () => ({
            model: "test",
            role: "assistant",
            content: { type: "text", text: "sampled" },
        }));
        await client.connect(transport);
        t.after(() => client.close());
        const { tools } = await client.listTools();
        assert.ok(tools.length > 0 && !tools.some(({ name }) => name === "link"));
        const echoed = await client.callTool({ name: "echo", arguments: { value: 1 } });
        assert.equal(textOf(echoed), '{"value":1}');
        assert.match(
            textOf(await client.callTool({ name: "test_sampling", arguments: { prompt: "?" } })),
            /sampled/,
        );
        await assert.rejects(client.callTool({ name: "link" }), /Unknown tool/);
        const calls = gateway
            .audit()
            .map(({ client: name, tool, outcome }) => [name, tool, outcome].join(" "));
        assert.deepEqual(calls, ["alice echo ok", "alice test_sampling ok", "alice link denied"]);

        const body = '{"jsonrpc":"2.0","id":1,"method":"ping"}';
        const foreign = await raw(endpoint, {
            method: "POST",
            token: bob.token,
            headers: POST,
            body,
        });
        assert.equal(foreign.status, 404);
        const sessions = everything.sessions.size;
        await client.close();
        await eventually("session over at the server", () => everything.sessions.size < sessions);
        await eventually("no exchange left", async () =>
            /exchanges 0$/m.test(await gateway.metrics()),
        );
    },
);
