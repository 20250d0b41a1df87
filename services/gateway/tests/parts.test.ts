/** The parts that need no process: patterns, names, messages, event streams. */
import assert from "node:assert/strict";
import { PassThrough, Readable } from "node:stream";
import type { ServerResponse } from "node:http";
import test from "node:test";

import { Access } from "../src/access.ts";
import { parseMessage } from "../src/message.ts";
import { innerName, innerUri, outerName, outerUri } from "../src/naming.ts";
import { pipeEvents, readJson, ReplyError, type Look } from "../src/reply.ts";
import { traceFrom, traceparentOf } from "../src/trace.ts";

void test("allow and deny lists", () => {
    const cases: [string[], string[], string, boolean][] = [
        [["*"], [], "anything", true],
        [[], [], "anything", false],
        [["read_*"], [], "read_file", true],
        [["read_*"], [], "unread_file", false],
        [["read_*"], ["read_secret"], "read_secret", false],
        [["s__read_*"], [], "read_file", true],
        [["t__read_*"], [], "read_file", false],
        [["*"], ["s__*"], "any", false],
        [["*"], ["t__*"], "any", true],
        [["a.b"], [], "a.b", true],
        [["a.b"], [], "axb", false],
        // A tool whose own name looks prefixed gets no other server's rights, nor out of a denial.
        [["t__read"], [], "t__read", false],
        [["*"], ["t__read"], "t__read", false],
        [["*"], [], "x".repeat(257), false],
        [["a*"], [], "a\nb", true],
    ];
    for (const [allow, deny, tool, expected] of cases) {
        assert.equal(
            new Access(allow, deny).permits("s", tool),
            expected,
            `${allow.join()} ${deny.join()} ${tool}`,
        );
    }
});

void test("names go out and come back", () => {
    assert.equal(outerName("files", "read_file"), "files__read_file");
    const inner = { server: "files", own: "a__b", shortened: false };
    assert.deepEqual(innerName("files__a__b"), inner);
    assert.deepEqual(innerUri(outerUri("files", "file:///a+b")), { ...inner, own: "file:///a+b" });
    for (const bad of ["read_file", "__x", ""]) assert.equal(innerName(bad), undefined);
    for (const bad of ["file:///a", "+x", ""]) assert.equal(innerUri(bad), undefined);
    const [one, two] = ["a", "b"].map((end) => outerName("files", `${"long_".repeat(20)}${end}`));
    assert.equal(one?.length, 64);
    assert.notEqual(one, two);
    assert.equal(innerName(String(one))?.shortened, true);
    assert.match(String(one), /^[A-Za-z0-9_.-]+$/);
});

void test("a message is written anew: the last of two members, every digit", () => {
    const text =
        '{"jsonrpc":"2.0","id":1,"method":"a","method":"tools/call","params":{"name":"x","name":"y","n":[9007199254740993,1.10000000000000000001,1e400,"1234567890123456789"]}}';
    const message = parseMessage(text);
    assert.ok("text" in message);
    assert.equal(
        message.text,
        '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"y","n":[9007199254740993,1.10000000000000000001,1e400,"1234567890123456789"]}}',
    );
    assert.equal(message.params?.name, "y");
});

function sink(): { res: ServerResponse; written: () => string } {
    const stream = new PassThrough();
    const parts: Buffer[] = [];
    stream.on("data", (part: Buffer) => parts.push(part));
    return {
        res: stream as unknown as ServerResponse,
        written: () => Buffer.concat(parts).toString(),
    };
}

const same: Look = (json) => json;

void test("events go on byte for byte, however they are cut; a changed one keeps its id", async () => {
    const text =
        ': hello\n\nid: 1\ndata:\n\nretry: 500\n\nevent: message\r\nid: 2\r\ndata: {"a":\r\ndata: "ü"}\r\n\r\ndata: not json\n\nid: 3\ndata: {"x":1}\n\n';
    const bytes = Buffer.from(text);
    for (const size of [1, 2, 3, 7, 1000]) {
        const chunks: Buffer[] = [];
        for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.subarray(at, at + size));
        const seen: unknown[] = [];
        const plain = sink();
        await pipeEvents(Readable.from(chunks), plain.res, 1_000, (json) => {
            seen.push(json);
            return json;
        });
        assert.equal(plain.written(), text);
        assert.deepEqual(seen, [{ a: "ü" }, { x: 1 }]);
        const changed = sink();
        await pipeEvents(Readable.from(chunks), changed.res, 1_000, (json) =>
            "x" in json ? { x: 2 } : json,
        );
        assert.equal(
            changed.written(),
            text.replace('id: 3\ndata: {"x":1}', 'id: 3\ndata: {"x":2}'),
        );
    }
});

void test("an event or an answer beyond the limit is an error", async () => {
    const long = Readable.from([Buffer.from(`data: ${"x".repeat(200)}`)]);
    await assert.rejects(pipeEvents(long, sink().res, 100, same), ReplyError);
    await assert.rejects(readJson(Readable.from([Buffer.alloc(200)]), 100, same), /over the limit/);
    await assert.rejects(readJson(Readable.from([Buffer.from("<html>")]), 100, same), /not JSON/);
    await assert.rejects(readJson(Readable.from([Buffer.from("[]")]), 100, same), /no. a message/);
    assert.equal(
        await readJson(Readable.from([Buffer.from('{ "a": 1 }')]), 100, same),
        '{ "a": 1 }',
    );
});

void test("a trace goes on from the first that is valid, or begins", () => {
    const [trace, parent] = ["0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"];
    const given = `00-${trace}-${parent}-01`;
    const next = traceFrom(undefined, "junk", given);
    assert.deepEqual([next.traceId, next.parentId, next.sampled], [trace, parent, true]);
    assert.match(traceparentOf(next), new RegExp(`^00-${trace}-[0-9a-f]{16}-01$`));
    assert.notEqual(next.spanId, parent);
    const bad = [
        `ff-${trace}-${parent}-01`,
        `00-${"0".repeat(32)}-${parent}-01`,
        `00-${trace}-${"0".repeat(16)}-01`,
    ];
    for (const text of bad) {
        const fresh = traceFrom(text);
        assert.notEqual(fresh.traceId, trace);
        assert.equal(fresh.parentId, undefined);
    }
    assert.equal(traceFrom(`00-${trace}-${parent}-00`).sampled, false);
});
