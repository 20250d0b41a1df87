import assert from "node:assert/strict";
import { after, before } from "node:test";

import { FakeMcp, type Behaviour } from "../../reporter/tests/support/fake-mcp.ts";
import { Stage, type Body } from "./support/stage.ts";
import { timed } from "./support/timed.ts";

let stage: Stage;
before(async () => {
    stage = await Stage.open(["fat-mcp", "fat-stream-mcp", "many-mcp", "wordy-mcp", "files-mcp"]);
});
after(() => stage.close());

async function behave(index: number, behaviour: Partial<Behaviour>): Promise<void> {
    const server = stage.servers[index];
    assert.ok(server instanceof FakeMcp);
    Object.assign(server.is, behaviour);
    const name = `asked ${server.port} again`;
    const before = server.calls.length;
    await stage.until(name, () => server.calls.length > before + 3);
}

async function mcp(name: string): Promise<Body["mcp"]> {
    return (await stage.get(`/containers/${name}`)).json.mcp;
}

timed("a server whose list does not end in time or size is down, with the reason", async () => {
    await Promise.all([
        behave(0, { tools: 400, pageSize: 20, description: 100_000 }),
        behave(1, { tools: 400, pageSize: 5, description: 100_000, stream: "ends" }),
        behave(2, { tools: 1_001, pageSize: 100 }),
    ]);
    for (const [name, words] of [
        ["fat-mcp", "answer larger than 1 MiB"],
        ["fat-stream-mcp", "answer larger than 1 MiB"],
        ["many-mcp", "more than 1000 tools"],
    ] as const) {
        await stage.until(`${name} is down`, async () => (await mcp(name))?.up === false);
        assert.equal((await mcp(name))?.reason, words);
    }
    assert.equal((await mcp("files-mcp"))?.up, true);
});

timed("names and descriptions are cut, and those of one server do not fill the list", async () => {
    await behave(3, { tools: 900, pageSize: 300, description: 1_000 });
    const tools = async (): Promise<NonNullable<Body["mcp"]>["tools"]> =>
        (await mcp("wordy-mcp"))?.tools ?? [];
    await stage.until("all are shown", async () => (await tools()).length === 900);
    const lengths = (await tools()).map(({ description }) => description?.length ?? 0);
    assert.equal(Math.max(...lengths), 256);
    const all = lengths.reduce((sum, length) => sum + length, 0);
    assert.equal(all, 32 * 1024);
    const { text } = await stage.get("/containers");
    assert.ok(text.length < 200_000, `${text.length} characters`);
});
