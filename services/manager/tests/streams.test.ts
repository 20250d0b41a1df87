import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before } from "node:test";

import { createParser } from "eventsource-parser";

import type { ManagerEvent } from "../src/model.ts";
import { READ, Stage } from "./support/stage.ts";
import { timed } from "./support/timed.ts";

let stage: Stage;
before(async () => {
    stage = await Stage.open(["files-mcp"]);
    const line = {
        time: "2026-11-27T10:00:00.000000000Z",
        container: "gone-mcp",
        stream: "stdout",
    };
    const text = ["one", "two", "three"].map((word) => JSON.stringify({ ...line, line: word }));
    mkdirSync(join(stage.dir, "logs"), { recursive: true });
    writeFileSync(join(stage.dir, "logs/gone-mcp.jsonl"), `${text.join("\n")}\n`);
});
after(() => stage.close());

interface Heard {
    readonly events: (ManagerEvent & { readonly name: string | undefined })[];
    readonly end: () => void;
}

async function listen(lastEventId?: number): Promise<Heard> {
    const stop = new AbortController();
    const response = await fetch(`${stage.api}/events`, {
        signal: stop.signal,
        headers: {
            authorization: `Bearer ${READ}`,
            ...(lastEventId === undefined ? {} : { "last-event-id": String(lastEventId) }),
        },
    });
    assert.equal(response.status, 200);
    assert.match(response.headers.get("content-type") ?? "", /^text\/event-stream/);
    const events: Heard["events"] = [];
    const parser = createParser({
        onEvent: ({ data, event }) =>
            events.push({ ...(JSON.parse(data) as ManagerEvent), name: event }),
    });
    const read = async (): Promise<void> => {
        const decoder = new TextDecoder();
        for await (const part of response.body ?? [])
            parser.feed(decoder.decode(part as Uint8Array));
    };
    void read().catch(() => undefined);
    return { events, end: () => stop.abort() };
}

function container(name: string): Parameters<Stage["daemon"]["emit"]>[1] {
    const found = [...stage.daemon.containers.values()].find((one) => one.name === name);
    assert.ok(found);
    return found;
}

timed(
    "events are told as they happen, and taken up after a break without a gap or a double",
    async () => {
        const first = await listen();
        stage.daemon.emit("oom", container("files-mcp"));
        await stage.until("heard", () => first.events.some(({ type }) => type === "oom"));
        first.end();
        const last = first.events.at(-1)?.id ?? 0;
        for (let count = 0; count < 5; count++) stage.daemon.emit("pause", container("files-mcp"));
        const second = await listen(last);
        await stage.until(
            "all five heard",
            () => second.events.filter(({ type }) => type === "pause").length === 5,
        );
        const ids = second.events.map(({ id }) => id);
        assert.deepEqual(
            ids,
            Array.from(ids, (_, index) => last + 1 + index),
        );
        second.end();
        const { json } = await stage.get("/containers/files-mcp");
        assert.equal(json.oomKills, 1);
    },
);

timed("an id of another manager, or too old a one, is told as a gap", async () => {
    const heard = await listen(1_000_000);
    await stage.until("the ring is told", () => heard.events.length > 1);
    assert.equal(heard.events[0]?.name, "gap");
    heard.end();
});

timed("logs of a container that is gone are read, bounded by tail and since", async () => {
    const words = async (query: string): Promise<string[]> => {
        const { status, text, headers } = await stage.get(`/containers/gone-mcp/logs${query}`);
        assert.equal(status, 200, text);
        assert.match(headers.get("content-type") ?? "", /^application\/x-ndjson/);
        const lines = text.split("\n").filter((line) => line !== "");
        return lines.map((line) => (JSON.parse(line) as { line: string }).line);
    };
    assert.deepEqual(await words(""), ["one", "two", "three"]);
    assert.deepEqual(await words("?tail=1"), ["three"]);
    assert.deepEqual(await words("?since=2026-11-27T10:00:01Z"), []);
    assert.equal((await stage.get("/containers/never-mcp/logs")).status, 404);
    for (const query of ["tail=-1", "tail=x", "tail=1e9", "since=yesterday", "follow=maybe"]) {
        assert.equal((await stage.get(`/containers/gone-mcp/logs?${query}`)).status, 400, query);
    }
});

timed("followed logs go on with what is written", async () => {
    const stop = new AbortController();
    const response = await fetch(`${stage.api}/containers/gone-mcp/logs?tail=1&follow=true`, {
        signal: stop.signal,
        headers: { authorization: `Bearer ${READ}` },
    });
    const line = {
        time: "2026-11-27T10:00:05.000000000Z",
        container: "gone-mcp",
        stream: "stderr",
    };
    const four = `${JSON.stringify({ ...line, line: "four" })}\n`;
    let text = "";
    for await (const part of response.body ?? []) {
        if (text === "") writeFileSync(join(stage.dir, "logs/gone-mcp.jsonl"), four, { flag: "a" });
        text += new TextDecoder().decode(part as Uint8Array);
        if (text.includes("four")) break;
    }
    stop.abort();
    assert.match(text, /"three"[^]*"four"/);
});

timed("the manager stops within 5 s, open streams or not", async () => {
    await listen();
    const begun = performance.now();
    assert.equal(await stage.stop(), 0);
    assert.ok(performance.now() - begun < 5_000);
});
