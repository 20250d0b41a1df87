/** Rotation by size and age, what is kept, and reading back over all of it. */
import assert from "node:assert/strict";
import { readdirSync, readlinkSync, truncateSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

import { LogNameError, LogReader, DEFAULT_LIMITS } from "../src/logs/index.ts";
import { sweep } from "../src/logs/retention.ts";
import { at, entry, type Entry } from "./support/log-daemon.ts";
import { all, check, folder, LogStage, until } from "./support/log-stage.ts";

const KIB = 1024;

function numbered(from: number, to: number): Entry[] {
    return Array.from({ length: to - from }, (_, index) => {
        return entry("stdout", at((from + index) * 1000), `${from + index}\n`);
    });
}

function numbers(from: number, to: number): string[] {
    return Array.from({ length: to - from }, (_, index) => String(from + index));
}

/** Records as the pipeline writes them, a second apart. */
function jsonl(container: string, from: number, to: number): string {
    return numbers(from, to)
        .map((line) => {
            const time = at(Number(line) * 1_000_000);
            return `${JSON.stringify({ time, container, stream: "stdout", line })}\n`;
        })
        .join("");
}

check("a file is rotated by size, and so many are kept", async (t) => {
    const stage = await LogStage.set(t, { fileBytes: 4 * KIB, files: 3 });
    const { entries } = stage.daemon.add("a");
    stage.pipeline.start();
    for (let from = 0; from < 1_000; from += 50) {
        entries.push(...numbered(from, from + 50));
        stage.daemon.changed();
        await until(() => stage.pipeline.stats.containers.get("a")?.lines === from + 50);
    }
    await until(() => stage.files().length <= 3);
    const texts = await stage.texts();
    assert.deepEqual(texts, numbers(1_000 - texts.length, 1_000));
    assert.ok(texts.length >= 60);
    await stage.restart();
    entries.push(...numbered(1_000, 1_100));
    stage.daemon.changed();
    await until(async () => (await stage.texts()).at(-1) === "1099");
    const after = await stage.texts();
    assert.deepEqual(after, numbers(1_100 - after.length, 1_100));
});

check("a file is rotated by age, and an empty one leaves nothing", async (t) => {
    const stage = await LogStage.set(t, { interval: "1s" });
    const { entries } = stage.daemon.add("a");
    entries.push(...numbered(0, 1));
    stage.pipeline.start();
    await until(() => stage.files().includes("a@00000001.jsonl"));
    await until(() => stage.raw("a@00000001.jsonl") !== "" && stage.files().includes("a.jsonl"));
    // Two more boundaries pass without a line.
    const begun = Date.now();
    await until(() => Date.now() > begun + 2_100);
    entries.push(...numbered(1, 2));
    stage.daemon.changed();
    assert.deepEqual(await stage.untilLines(2), numbers(0, 2));
    assert.ok(stage.files().length <= 3);
});

check("a file of an earlier day is rotated when the manager comes back", async (t) => {
    const stage = await LogStage.set(t);
    const { entries } = stage.daemon.add("a");
    entries.push(...numbered(0, 3));
    stage.pipeline.start();
    await stage.untilLines(3);
    await stage.pipeline.stop();
    const twoDaysAgo = Date.now() / 1000 - 2 * 86_400;
    utimesSync(join(stage.dir, "a.jsonl"), twoDaysAgo, twoDaysAgo);
    entries.push(...numbered(3, 6));
    await stage.restart();
    assert.deepEqual(await stage.untilLines(6), numbers(0, 6));
    assert.deepEqual(stage.files(), ["a.jsonl", "a@00000001.jsonl"]);
});

check(
    "over the total the oldest rotated files go first, then those of containers that are gone",
    async (t) => {
        const dir = folder(t);
        const put = (file: string, age: number) => {
            const path = join(dir, file);
            writeFileSync(path, "x".repeat(1_000));
            utimesSync(path, 1_000_000 - age, 1_000_000 - age);
        };
        put("a@00000001.jsonl", 50);
        put("a@00000002.jsonl", 10);
        put("b@00000007.jsonl", 30);
        put("gone.jsonl", 40);
        put("a.jsonl", 60);
        put("b.jsonl", 1);
        writeFileSync(join(dir, "notes.txt"), "x".repeat(5_000));
        const left = async (totalBytes: number) => {
            await sweep(dir, { ...DEFAULT_LIMITS, totalBytes }, (name) => name !== "gone");
            const names: string[] = [];
            for (const name of await new LogReader(dir).names()) names.push(name);
            return { names, bytes: await sweep(dir, DEFAULT_LIMITS, () => true) };
        };
        assert.deepEqual(await left(6_000), { names: ["a", "b", "gone"], bytes: 6_000 });
        assert.deepEqual(await left(5_000), { names: ["a", "b", "gone"], bytes: 5_000 });
        assert.deepEqual(await left(4_999), { names: ["a", "b"], bytes: 4_000 });
        assert.deepEqual(await left(0), { names: ["a", "b"], bytes: 2_000 });
    },
);

check("tail reads the newest records over rotated files", async (t) => {
    const dir = folder(t);
    writeFileSync(join(dir, "a@00000009.jsonl"), jsonl("a", 0, 1_000));
    writeFileSync(join(dir, "a@00000010.jsonl"), jsonl("a", 1_000, 2_000));
    writeFileSync(join(dir, "a.jsonl"), `${jsonl("a", 2_000, 2_003)}{"time":"torn`);
    writeFileSync(join(dir, "a.b.jsonl"), jsonl("a.b", 0, 1));
    const reader = new LogReader(dir);
    const texts = async (options: object) =>
        (await all(reader.tail("a", options))).map(({ line }) => line);
    assert.deepEqual(await reader.names(), ["a", "a.b"]);
    assert.deepEqual(await texts({}), numbers(0, 2_003));
    assert.deepEqual(await texts({ tail: 0 }), []);
    assert.deepEqual(await texts({ tail: 2 }), numbers(2_001, 2_003));
    assert.deepEqual(await texts({ tail: 3 }), numbers(2_000, 2_003));
    assert.deepEqual(await texts({ tail: 1_500 }), numbers(503, 2_003));
    assert.deepEqual(await texts({ tail: 9_999 }), numbers(0, 2_003));
    assert.deepEqual(await texts({ since: at(1_998_000_000) }), numbers(1_998, 2_003));
    assert.deepEqual(await texts({ since: at(1_998_000_000), tail: 2 }), numbers(2_001, 2_003));
    assert.deepEqual(await texts({ since: "2027-01-01T00:00:00Z" }), []);
    assert.deepEqual(await texts({ since: "2020-01-01" }), numbers(0, 2_003));
    assert.deepEqual(await all(reader.tail("nobody", { tail: 5 })), []);
});

check("what cannot be read is refused in one line", async (t) => {
    const reader = new LogReader(folder(t));
    for (const name of ["", "../a", "a/b", ".a", "a@1", "a\0", "x".repeat(300)]) {
        await assert.rejects(all(reader.tail(name)), LogNameError);
    }
    await assert.rejects(
        all(reader.tail("a", { since: "noon" })),
        /^RangeError: since: noon is not/,
    );
    await assert.rejects(all(reader.tail("a", { tail: -1 })), /^RangeError: tail: -1 is not/);
    assert.deepEqual(await new LogReader("/nonexistent/logs").names(), []);
});

check("follow gives every record once, across rotations, until it is aborted", async (t) => {
    const stage = await LogStage.set(t, { fileBytes: 2 * KIB, files: 1_000 });
    const { entries } = stage.daemon.add("a");
    const stop = new AbortController();
    const followed: string[] = [];
    const following = (async () => {
        for await (const { line } of stage.reader.follow("a", { signal: stop.signal })) {
            followed.push(line);
        }
    })();
    stage.pipeline.start();
    for (let from = 0; from < 2_000; from += 100) {
        entries.push(...numbered(from, from + 100));
        stage.daemon.changed();
        await until(() => stage.pipeline.stats.containers.get("a")?.lines === from + 100);
    }
    await until(() => followed.length >= 2_000);
    assert.deepEqual(followed, numbers(0, 2_000));
    assert.ok(stage.files().length > 20);
    stop.abort();
    await following;
});

check("follow keeps no older file open: what is swept away is gone from the disk", async (t) => {
    const dir = folder(t);
    for (const index of ["00000001", "00000002", "00000003"]) {
        writeFileSync(join(dir, `a@${index}.jsonl`), jsonl("a", 0, 3));
    }
    writeFileSync(join(dir, "a.jsonl"), jsonl("a", 3, 6));
    const stop = new AbortController();
    const records = new LogReader(dir).follow("a", { tail: 12, signal: stop.signal });
    for (let line = 0; line < 12; line++) await records.next();
    const waiting = records.next();
    const open = (): string[] =>
        readdirSync("/proc/self/fd").flatMap((fd) => {
            try {
                const target = readlinkSync(`/proc/self/fd/${fd}`);
                return target.startsWith(dir) ? [target.slice(dir.length + 1)] : [];
            } catch {
                return [];
            }
        });
    await until(() => open().length === 1);
    assert.deepEqual(open(), ["a.jsonl"]);
    stop.abort();
    await waiting;
});

check("follow begins with the tail, and waits for a torn line to be whole", async (t) => {
    const dir = folder(t);
    const path = join(dir, "a.jsonl");
    writeFileSync(path, jsonl("a", 0, 10));
    const stop = new AbortController();
    const records = new LogReader(dir).follow("a", { tail: 1, signal: stop.signal });
    assert.equal((await records.next()).value?.line, "9");
    const whole = jsonl("a", 10, 11);
    writeFileSync(path, whole.slice(0, 20), { flag: "a" });
    const next = records.next();
    // Time to look at the torn line, more than once.
    await pause(700);
    const size = jsonl("a", 0, 10).length;
    truncateSync(path, size);
    writeFileSync(path, whole, { flag: "a" });
    assert.equal((await next).value?.line, "10");
    stop.abort();
    assert.equal((await records.next()).done, true);
});
