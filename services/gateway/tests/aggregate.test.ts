/** The endpoint of all servers: one server made of many. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";

import { ToolListChangedNotificationSchema } from "@modelcontextprotocol/sdk/types.js";

import { check, eventually } from "./support/check.ts";
import { modernClient, post, sessionClient, textOf } from "./support/clients.ts";
import { Everything } from "./support/everything/server.ts";
import { ANYONE, Gateway, newToken, type Json } from "./support/gateway.ts";

async function stage(
    t: TestContext,
    clients: Json[] = [ANYONE],
): Promise<{ one: Everything; two: Everything; gateway: Gateway }> {
    const [one, two] = [await Everything.start(), await Everything.start()];
    t.after(() => one.close());
    t.after(() => two.close());
    const gateway = await Gateway.ready(t, {
        servers: [
            { name: "one", url: one.origin, tools: { allow: ["echo", "test_*"] } },
            { name: "two", url: two.origin, tools: { allow: ["echo", "wait", "link"] } },
        ],
        clients,
    });
    return { one, two, gateway };
}

check(
    "tools, prompts and resources of all servers, under names that tell whose they are",
    async (t) => {
        const { gateway } = await stage(t);
        for (const connect of [sessionClient, modernClient]) {
            const client = await connect(t, gateway.url());
            const { tools } = await client.listTools();
            const names = tools.map(({ name }) => name);
            assert.ok(names.includes("one__echo") && names.includes("two__echo"));
            assert.ok(
                names.includes("one__test_simple_text") && !names.includes("two__test_simple_text"),
            );
            assert.ok(names.every((name) => /^[A-Za-z0-9_.-]{1,64}$/.test(name)));
            const params = { name: "two__echo", arguments: { value: 1 } };
            assert.equal(textOf(await client.callTool(params)), '{"value":1}');
            await assert.rejects(
                client.callTool({ name: "two__test_simple_text" }),
                /Unknown tool/,
            );
            await assert.rejects(
                client.callTool({ name: "three__echo" }),
                /No server of that name/,
            );
            const { prompts } = await client.listPrompts();
            assert.ok(prompts.some(({ name }) => name === "one__test_simple_prompt"));
            const prompt = await client.getPrompt({
                name: "one__test_prompt_with_embedded_resource",
                arguments: { resourceUri: "test://static-text" },
            });
            assert.match(JSON.stringify(prompt), /"uri":"one\+test:\/\/static-text"/);
            const { resources } = await client.listResources();
            assert.ok(resources.some(({ uri }) => uri === "two+test://static-text"));
            const { resourceTemplates } = await client.listResourceTemplates();
            assert.equal(resourceTemplates[0]?.uriTemplate, "one+test://template/{id}/data");
            const linked = await client.callTool({ name: "two__link" });
            const [link] = linked.content as { uri: string }[];
            const { contents } = await client.readResource({ uri: String(link?.uri) });
            assert.deepEqual(contents[0]?.uri, "two+test://static-text");
            const completed = await client.complete({
                ref: { type: "ref/prompt", name: "one__test_prompt_with_arguments" },
                argument: { name: "arg1", value: "o" },
            });
            assert.deepEqual(completed.completion.values, ["one", "two"]);
        }
    },
);

check("progress, input and log lines come through", async (t) => {
    const { gateway } = await stage(t);
    const session = await sessionClient(t, gateway.url());
    const modern = await modernClient(t, gateway.url());
    const seen: number[] = [];
    const onprogress = ({ progress }: { progress: number }): void => void seen.push(progress);
    await session.callTool({ name: "one__test_tool_with_progress" }, undefined, { onprogress });
    await modern.callTool({ name: "one__test_tool_with_progress" }, { onprogress });
    assert.deepEqual(seen, [0, 50, 100, 0, 50, 100]);
    for (const client of [session, modern]) {
        const answer = await client.callTool({
            name: "one__test_input_required_result_elicitation",
        });
        assert.equal(textOf(answer), "Hello!");
    }
});

check("roots are not handed on: no client moves a server's folders", async (t) => {
    const { gateway } = await stage(t);
    const params = {
        name: "one__test_input_required_result_capabilities",
        _meta: { "io.modelcontextprotocol/clientCapabilities": { roots: {}, sampling: {} } },
    };
    const { json } = await post(gateway.url(), "tools/call", params);
    assert.deepEqual(Object.keys(json.result?.inputRequests ?? {}), ["greeting"]);
    const rootless = {
        ...params,
        _meta: { "io.modelcontextprotocol/clientCapabilities": { roots: {} } },
    };
    const name = "one__test_input_required_result_list_roots";
    const answer = await post(gateway.url(), "tools/call", { ...rootless, name });
    assert.ok(answer.json.error, "the server may not ask for roots");
});

check(
    "a server that dies leaves the rest usable, is named in the list, and comes back",
    async (t) => {
        const { one, two, gateway } = await stage(t);
        const client = await sessionClient(t, gateway.url());
        let told = 0;
        client.setNotificationHandler(ToolListChangedNotificationSchema, () => void (told += 1));
        assert.ok((await client.listTools()).tools.some(({ name }) => name.startsWith("two__")));
        const { port } = two;
        await two.close();
        const after = await client.listTools();
        assert.ok(after.tools.some(({ name }) => name.startsWith("one__")));
        assert.ok(!after.tools.some(({ name }) => name.startsWith("two__")));
        const unavailable = after._meta?.["sutazai.gateway/unavailable"] as { server: string }[];
        assert.deepEqual(
            unavailable.map(({ server }) => server),
            ["two"],
        );
        await assert.rejects(client.callTool({ name: "two__echo" }), /two does not answer/);
        assert.equal(textOf(await client.callTool({ name: "one__echo" })), "{}");
        const again = await Everything.start({ port });
        t.after(() => again.close());
        await eventually("two is back", async () =>
            (await client.listTools()).tools.some(({ name }) => name.startsWith("two__")),
        );
        assert.equal(textOf(await client.callTool({ name: "two__echo" })), "{}");
        assert.ok(one.seen.length > 0);
        await eventually("told", () => told > 0);
    },
);

check("each client sees its servers, over connections of its own", async (t) => {
    const [alice, bob] = [newToken(), newToken()];
    const { one, gateway } = await stage(t, [
        { name: "alice", tokenSha256: alice.tokenSha256, servers: ["one"] },
        {
            name: "bob",
            tokenSha256: bob.tokenSha256,
            servers: ["two", "one"],
            tools: { deny: ["one__echo"] },
        },
    ]);
    const hers = await sessionClient(t, gateway.url(), alice.token);
    const his = await sessionClient(t, gateway.url(), bob.token);
    const tools = (await hers.listTools()).tools.map(({ name }) => name);
    assert.ok(tools.every((name) => name.startsWith("one__")));
    await assert.rejects(hers.callTool({ name: "two__echo" }), /No server of that name/);
    assert.equal(textOf(await his.callTool({ name: "two__echo" })), "{}");
    await assert.rejects(his.callTool({ name: "one__echo" }), /Unknown tool/);
    assert.equal(textOf(await hers.callTool({ name: "one__echo" })), "{}");
    const tokens = one.seen.map(({ authorization }) => authorization);
    assert.deepEqual([...new Set(tokens)], [undefined]);
    const calls = gateway
        .audit()
        .map(({ client, server, outcome }) => [client, server, outcome].join(" "));
    assert.deepEqual(calls, ["bob two ok", "bob one denied", "alice one ok"]);
});

check("an answer over the limit is an error here too, and a redirect leads nowhere", async (t) => {
    const { one, gateway } = await stage(t);
    const elsewhere = createServer((_req, res) => {
        res.writeHead(307, { Location: `${one.origin}/mcp` }).end();
    }).listen(0, "127.0.0.1");
    await once(elsewhere, "listening");
    t.after(() => elsewhere.close());
    t.after(() => elsewhere.closeAllConnections());
    const url = `http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}`;
    const servers = [
        { name: "one", url: one.origin },
        { name: "moved", url },
    ];
    const settings = { maxReplyBytes: 50_000 };
    await gateway.reconfigure({ servers, clients: [ANYONE], settings });
    const large = { name: "one__echo", arguments: { value: "x".repeat(60_000) } };
    const { json } = await post(gateway.url(), "tools/call", large);
    assert.match(String(json.error?.message), /one does not answer/);
    const { json: list } = await post(gateway.url(), "tools/list");
    const meta = list.result?._meta as Record<string, unknown>;
    assert.match(JSON.stringify(meta["sutazai.gateway/unavailable"]), /"server":"moved"/);
    const relayed = await post(gateway.url("moved"), "tools/list");
    assert.equal(relayed.status, 307);
    assert.equal(relayed.headers.location, undefined);
});

check(
    "a list that says nothing of a cursor is whole, however many pages the servers have",
    async (t) => {
        const everything = await Everything.start();
        t.after(() => everything.close());
        const servers = [{ name: "everything", url: everything.origin }];
        const gateway = await Gateway.ready(t, { servers, clients: [ANYONE] });
        const { json } = await post(gateway.url(), "tools/list");
        assert.ok((json.result?.tools as unknown[]).length > 20);
        assert.equal(json.result?.nextCursor, undefined);
    },
);
