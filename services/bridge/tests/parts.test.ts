/** The parts that need no process: framing, call accounting, sessions, body budget. */
import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import test from "node:test";

import type { Server } from "@modelcontextprotocol/server";

import { BodyBudget } from "../src/budget.ts";
import { CallTracker, type Outcome } from "../src/calls.ts";
import { LineSplitter } from "../src/lines.ts";
import { SessionTable } from "../src/sessions.ts";

function split(limit: number, chunks: readonly string[]): unknown[] {
    const seen: unknown[] = [];
    const splitter = new LineSplitter(limit, {
        line: (text) => seen.push(text),
        tooLong: (head, tail, bytes) => seen.push([head.slice(0, 3), tail.slice(-3), bytes]),
    });
    for (const chunk of chunks) splitter.push(Buffer.from(chunk, "latin1"));
    splitter.end();
    return seen;
}

void test("lines come out whole however the bytes arrive", () => {
    const text = "one\r\ntwo\n\nü\nlast";
    const bytes = Buffer.from(text).toString("latin1");
    const expected = ["one", "two", "", "ü", "last"];
    assert.deepEqual(split(100, [bytes]), expected);
    assert.deepEqual(split(100, [...bytes]), expected);
    assert.deepEqual(split(100, []), []);
});

void test("a line over the limit keeps its ends, and the next one is whole", () => {
    const line = `abc${"-".repeat(5000)}xyz`;
    for (const chunks of [[`${line}\nnext\n`], [...`${line}\nnext\n`], [line, "\n", "next\n"]]) {
        assert.deepEqual(split(1000, chunks), [["abc", "xyz", 5006], "next"]);
    }
    assert.deepEqual(split(4, ["1234\n12345\n"]), ["1234", ["123", "345", 5]]);
});

void test("each tool call is counted once, by how it ended", () => {
    const outcomes: Outcome[] = [];
    const calls = new CallTracker(60_000, (outcome) => outcomes.push(outcome));
    const call = (id: number, method = "tools/call"): void =>
        calls.sent({ jsonrpc: "2.0", id, method });
    for (const id of [1, 2, 3, 4, 5]) call(id);
    call(6, "tools/list");
    calls.sent({ jsonrpc: "2.0", method: "notifications/initialized" });
    assert.equal(calls.pending, 6);
    calls.received({ jsonrpc: "2.0", id: 1, result: {} });
    calls.received({ jsonrpc: "2.0", id: 1, result: {} });
    calls.received({ jsonrpc: "2.0", id: 2, result: { isError: true } });
    calls.received({ jsonrpc: "2.0", id: 3, error: { code: -1, message: "no" } });
    calls.received({ jsonrpc: "2.0", id: 99, result: {} });
    calls.received({ jsonrpc: "2.0", id: 5, method: "roots/list" });
    const params = { requestId: 4 };
    calls.sent({ jsonrpc: "2.0", method: "notifications/cancelled", params });
    assert.deepEqual(outcomes, ["ok", "tool_error", "error", "cancelled"]);
    assert.equal(calls.pending, 2);
    calls.lost();
    assert.deepEqual(outcomes.slice(4), ["lost"]);
    assert.equal(calls.pending, 0);
});

void test("a cancellation after the time limit counts as a timeout", () => {
    const outcomes: Outcome[] = [];
    const calls = new CallTracker(0, (outcome) => outcomes.push(outcome));
    calls.sent({ jsonrpc: "2.0", id: 1, method: "tools/call" });
    calls.sent({ jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: 1 } });
    assert.deepEqual(outcomes, ["timeout"]);
});

/** Goes through one `initialize` request; without an id it was refused after the server was made. */
function initialize(sessions: SessionTable, sessionId?: string): { closed: boolean } {
    const req = { headers: {} } as IncomingMessage;
    const res = new EventEmitter() as ServerResponse;
    const state = { closed: false };
    const close = (): Promise<void> => {
        state.closed = true;
        return Promise.resolve();
    };
    sessions.request(req, res);
    sessions.created(req, { transport: { sessionId }, close } as unknown as Server);
    res.emit("close");
    return state;
}

void test("a server whose initialize was refused is released, a session is kept", () => {
    const sessions = new SessionTable(10);
    assert.equal(initialize(sessions).closed, true);
    assert.equal(sessions.size, 0);
    assert.equal(initialize(sessions, "a").closed, false);
    assert.equal(sessions.size, 1);
});

void test("large bodies wait for room in the order they came; small and over-long ones do not", (t) => {
    t.mock.timers.enable({ apis: ["setTimeout"] });
    const budget = new BodyBudget(1_000_000);
    const log: string[] = [];
    const post = (name: string, length?: string): EventEmitter => {
        const res = new EventEmitter();
        const req = { method: "POST", headers: { "content-length": length } };
        budget.admit(
            req as unknown as IncomingMessage,
            res as ServerResponse,
            () => log.push(name),
            () => log.push(`${name} refused`),
        );
        return res;
    };
    const a = post("a", "1000000");
    const b = post("b");
    const left = post("left", "900000");
    post("c", "900000");
    const d = post("d", "200000");
    post("small", "1000");
    post("over", "1000001");
    assert.deepEqual(log.splice(0), ["a", "b", "small", "over"]);
    left.emit("close");
    a.emit("close");
    assert.deepEqual(log.splice(0), ["c"]);
    d.emit("close");
    post("e", "1000000");
    t.mock.timers.tick(10_000);
    b.emit("close");
    assert.deepEqual(log, ["e refused"]);
});
