/** Answers that stay open: how many there may be, and what ends them. The API within this process, asked by socket. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { setTimeout as pause } from "node:timers/promises";

import type { FastifyInstance } from "fastify";
import { pino } from "pino";

import { createApi } from "../src/api/app.ts";
import { STREAM_TIMES, type StreamTimes } from "../src/api/streams.ts";
import { Tokens } from "../src/api/tokens.ts";
import { LogReader } from "../src/logs/index.ts";
import { OPERATE, READ } from "./support/stage.ts";
import { StillFleet } from "./support/still-fleet.ts";
import { timed } from "./support/timed.ts";

const FOLLOW = "/containers/gone-mcp/logs?tail=0&follow=true";
/** More than the buffers between two sockets take. */
const ALL = "/containers/gone-mcp/logs?tail=10000";
const LINE = {
    time: "2026-11-27T10:00:00.000000000Z",
    ...{ container: "gone-mcp", stream: "stdout", line: "x".repeat(2_000) },
};

interface Asked {
    readonly token?: string;
    /** Address the request comes from. */
    readonly from?: string;
}

/** The API with the log of one container that is gone. */
class Api {
    readonly dir: string;
    /** Awaited before the names of the logs are told. */
    held: Promise<void> = Promise.resolve();
    /** How many requests have come so far. */
    waited = 0;
    #app: FastifyInstance | undefined;
    port = 0;

    constructor(t: TestContext) {
        this.dir = mkdtempSync(join(tmpdir(), "streams-"));
        t.after(() => rmSync(this.dir, { recursive: true, force: true }));
    }

    static async start(t: TestContext, times: Partial<StreamTimes> = {}): Promise<Api> {
        const api = new Api(t);
        api.writeTokens(READ, OPERATE);
        writeFileSync(api.log, `${JSON.stringify(LINE)}\n`.repeat(10_000));
        const stopping = new AbortController();
        const reader = new LogReader(api.dir);
        const files = { read: join(api.dir, "read"), operate: join(api.dir, "operate") };
        const app = await createApi({
            tokens: new Tokens(files),
            allowedHosts: new Set(["localhost"]),
            context: {
                fleet: new StillFleet([]),
                // None of these paths asks them.
                ...{ daemon: undefined as never, lifecycle: undefined as never },
                logs: {
                    names: async () => {
                        api.waited++;
                        await api.held;
                        return reader.names();
                    },
                    tail: (...given) => reader.tail(...given),
                    follow: (...given) => reader.follow(...given),
                },
                consul: () => ({ configured: false }),
                edge: () => ({ configured: false }),
                ...{ stack: "dev", version: "0", startedAt: new Date() },
                stopping: stopping.signal,
                streamTimes: { ...STREAM_TIMES, ...times },
            },
            folders: { "/": join(import.meta.dirname, "../dashboard") },
            requestsPerMinute: 1_000_000,
            log: pino({ level: "silent" }),
            onAnswer: () => undefined,
        });
        t.after(async () => {
            stopping.abort();
            await app.close();
        });
        await app.listen({ host: "127.0.0.1", port: 0 });
        api.#app = app;
        api.port = (app.server.address() as AddressInfo).port;
        return api;
    }

    get log(): string {
        return join(this.dir, "gone-mcp.jsonl");
    }

    writeTokens(read: string, operate: string): void {
        writeFileSync(join(this.dir, "read"), read);
        writeFileSync(join(this.dir, "operate"), operate);
    }

    /** Asks on a connection of its own; nothing of the body is read. */
    async ask(path: string, { token = READ, from = "127.0.0.1" }: Asked = {}): Promise<Answer> {
        const sent = request({
            ...{ host: "127.0.0.1", port: this.port, path, localAddress: from, agent: false },
            headers: { host: "localhost", authorization: `Bearer ${token}` },
        });
        sent.end();
        const [response] = (await once(sent, "response")) as [IncomingMessage];
        response.on("error", () => undefined);
        return response;
    }

    async statuses(count: number, path: string, asked: Asked = {}): Promise<Set<number>> {
        const answers = await Promise.all(
            Array.from({ length: count }, () => this.ask(path, asked)),
        );
        return new Set(answers.map(({ statusCode = 0 }) => statusCode));
    }

    /** Connections that are open. */
    connections(): Promise<number> {
        return new Promise((resolve, reject) => {
            this.#app?.server.getConnections((error, count) =>
                error ? reject(error) : resolve(count),
            );
        });
    }
}

type Answer = IncomingMessage;

/** Waits until something is so; the test's limit ends it. */
async function until(test: () => boolean | Promise<boolean>): Promise<void> {
    while (!(await test())) await pause(20);
}

timed("one client has so many streams and no more, which costs nobody else his", async (t) => {
    const api = await Api.start(t);
    const own = await Promise.all(Array.from({ length: 8 }, () => api.ask("/events")));
    assert.deepEqual(new Set(own.map(({ statusCode }) => statusCode)), new Set([200]));
    const ninth = await api.ask("/events");
    assert.equal(ninth.statusCode, 429);
    assert.equal(ninth.headers["retry-after"], "10");
    assert.deepEqual(await api.statuses(8, FOLLOW), new Set([200]));
    assert.equal((await api.ask(FOLLOW)).statusCode, 429);
    assert.equal((await api.ask("/events", { token: OPERATE })).statusCode, 200);
    assert.equal((await api.ask("/events", { from: "127.0.0.2" })).statusCode, 200);
    own[0]?.destroy();
    await until(async () => (await api.ask("/events")).statusCode === 200);
});

timed("all clients together have so many, and closed ones count no more", async (t) => {
    const api = await Api.start(t);
    const open: Answer[] = [];
    for (let client = 1; client <= 8; client++) {
        for (let stream = 0; stream < 8; stream++) {
            open.push(await api.ask("/events", { from: `127.0.0.${client}` }));
        }
    }
    assert.ok(open.every(({ statusCode }) => statusCode === 200));
    const next = { from: "127.0.0.9" };
    assert.equal((await api.ask("/events", next)).statusCode, 503);
    for (const one of open) one.destroy();
    await until(async () => (await api.ask("/events", next)).statusCode === 200);
});

timed("who reads slowly what is there takes no follower's place", async (t) => {
    const api = await Api.start(t);
    const slow = await Promise.all(Array.from({ length: 32 }, () => api.ask(ALL)));
    assert.deepEqual(new Set(slow.map(({ statusCode }) => statusCode)), new Set([200]));
    assert.equal((await api.ask(ALL)).statusCode, 429);
    assert.deepEqual(await api.statuses(8, FOLLOW), new Set([200]));
});

timed("a client that takes nothing is cut off, one that there is nothing for is not", async (t) => {
    const api = await Api.start(t, { idleMs: 300 });
    const silent = await api.ask(FOLLOW);
    let heard = "";
    silent.setEncoding("utf8").on("data", (part: string) => (heard += part));
    const slow = await api.ask(ALL);
    assert.equal(await api.connections(), 2);
    await until(async () => (await api.connections()) === 1);
    await assert.rejects(slow.toArray(), { code: "ECONNRESET" });
    writeFileSync(api.log, `${JSON.stringify({ ...LINE, line: "still heard" })}\n`, { flag: "a" });
    await until(() => heard.includes("still heard"));
});

timed("a client that takes a little now and then is not cut off", async (t) => {
    // The kernel tells of room only when a third of its buffer is free: a shorter limit would pass meanwhile.
    const idleMs = 1_500;
    const api = await Api.start(t, { idleMs });
    const begun = performance.now();
    let bytes = 0;
    for await (const part of await api.ask(ALL)) {
        bytes += (part as Buffer).length;
        await pause(10);
    }
    assert.ok(bytes > 20_000_000, `${bytes} bytes`);
    assert.ok(performance.now() - begun > idleMs);
});

timed("a rotated token ends the streams that were opened with it, and no others", async (t) => {
    const api = await Api.start(t, { heartbeatMs: 100 });
    const ended = [await api.ask("/events"), await api.ask(FOLLOW)].map((one) => one.toArray());
    const other = await api.ask("/events", { token: OPERATE });
    let beats = 0;
    other.on("data", () => beats++);
    api.writeTokens("another-read-token-0000", OPERATE);
    const [events] = await Promise.all(ended);
    assert.match(Buffer.concat(events as Buffer[]).toString(), /: still here/);
    const before = beats;
    await until(() => beats > before + 2);
});

timed("a client that is gone before it is answered leaves no place taken", async (t) => {
    const api = await Api.start(t);
    let release = (): void => undefined;
    api.held = new Promise((resolve) => (release = resolve));
    const impatient = Array.from({ length: 8 }, () => {
        const sent = request({
            ...{ host: "127.0.0.1", path: FOLLOW, port: api.port, agent: false },
            headers: { host: "localhost", authorization: `Bearer ${READ}` },
        });
        sent.on("error", () => undefined).end();
        return sent;
    });
    await until(() => api.waited === 8);
    for (const one of impatient) one.destroy();
    await until(async () => (await api.connections()) === 0);
    release();
    assert.deepEqual(await api.statuses(8, FOLLOW), new Set([200]));
});
