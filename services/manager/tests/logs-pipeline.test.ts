/** From the stand-in daemon into the files: what Docker does, what the network does, what restarts do. */
import assert from "node:assert/strict";
import { statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

import { at, entry, type Entry } from "./support/log-daemon.ts";
import { all, check, LogStage, until } from "./support/log-stage.ts";
import { server } from "./support/still-fleet.ts";

const MODE_BITS = 0o777;

/** Lines of both streams; three share one time, as happens with a fast writer. */
function lines(from: number, to: number): Entry[] {
    const made: Entry[] = [];
    for (let index = from; index < to; index++) {
        const stream = index % 5 === 0 ? "stderr" : "stdout";
        made.push(entry(stream, at(Math.floor(index / 3) * 10), `line ${index}\n`));
    }
    return made;
}

function texts(from: number, to: number): string[] {
    return Array.from({ length: to - from }, (_, index) => `line ${from + index}`);
}

check(
    "a line becomes a record with time, container and stream, in a file of mode 0640",
    async (t) => {
        const stage = await LogStage.set(t);
        stage.daemon
            .add("a")
            .entries.push(
                entry("stdout", at(1), "hello\n"),
                entry("stderr", "2026-11-27T12:00:00.5Z", 'quoted "ö" \\ \t\n'),
            );
        stage.pipeline.start();
        await stage.untilLines(2);
        assert.deepEqual(await all(stage.reader.tail("a")), [
            { time: at(1), container: "a", stream: "stdout", line: "hello" },
            {
                time: "2026-11-27T12:00:00.500000000Z",
                container: "a",
                stream: "stderr",
                line: 'quoted "ö" \\ \t',
            },
        ]);
        assert.equal(statSync(join(stage.dir, "a.jsonl")).mode & MODE_BITS, 0o640);
        await until(() => stage.pipeline.stats.containers.get("a")?.lines === 2);
        assert.equal(stage.pipeline.stats.containers.get("a")?.bytes, 5 + 15);
    },
);

for (const pieces of [[1], [7], [1, 8, 3, 31], [4096]]) {
    check(`frames cut into pieces of ${pieces.join(", ")} bytes are put together`, async (t) => {
        const stage = await LogStage.set(t);
        stage.daemon.add("a", { pieces, running: false }).entries.push(...lines(0, 100));
        stage.pipeline.start();
        assert.deepEqual(await stage.untilLines(100), texts(0, 100));
    });
}

check("what Docker split at 16 KiB is one line again, with the other stream between", async (t) => {
    const stage = await LogStage.set(t);
    const part = "x".repeat(16 * 1024);
    stage.daemon
        .add("a")
        .entries.push(
            entry("stdout", at(1), part),
            entry("stderr", at(2), "between\n"),
            entry("stdout", at(1), part),
            entry("stdout", at(1), "end\n"),
        );
    stage.pipeline.start();
    assert.deepEqual(await stage.untilLines(2), ["between", `${part}${part}end`]);
});

check("a line of 1 MB is cut at 64 KiB and says so, within a character or not", async (t) => {
    const stage = await LogStage.set(t);
    const part = Buffer.from("€".repeat(16 * 1024)).subarray(0, 16 * 1024);
    const { entries } = stage.daemon.add("a");
    for (let index = 0; index < 64; index++) entries.push(entry("stdout", at(1), part));
    entries.push(entry("stdout", at(1), "\n"), entry("stdout", at(2), "next\n"));
    const euros = Buffer.from("€".repeat(25_000) + "\n");
    entries.push(entry("stdout", at(3), euros));
    stage.pipeline.start();
    await stage.untilLines(3);
    const [long, next, cut] = await all(stage.reader.tail("a"));
    assert.equal(long?.truncated, true);
    assert.ok(Buffer.byteLength(long.line) <= 64 * 1024 * 1.5);
    assert.deepEqual([next?.line, next?.truncated], ["next", undefined]);
    assert.equal(cut?.line, "€".repeat(Math.floor((64 * 1024) / 3)));
    await until(() => stage.pipeline.stats.containers.get("a")?.truncated === 2);
});

check("bytes that are no text become safe text, on one line", async (t) => {
    const stage = await LogStage.set(t);
    const binary = Buffer.from([0x00, 0xff, 0xfe, 0x0d, 0x1b, 0x5b, 0xc3, 0x0a]);
    stage.daemon
        .add("a")
        .entries.push(
            entry("stdout", at(1), binary),
            entry("stdout", at(2), "\n"),
            entry("stdout", at(3), "after\n"),
        );
    stage.pipeline.start();
    assert.deepEqual(await stage.untilLines(3), ["\0��\r\u001b[�", "", "after"]);
    assert.equal(stage.raw("a.jsonl").split("\n").length, 4);
});

check("what a container wrote last without a line end is kept when it ends", async (t) => {
    const stage = await LogStage.set(t);
    const container = stage.daemon.add("a");
    container.entries.push(entry("stderr", at(1), "panic: no"));
    stage.pipeline.start();
    await until(() => stage.daemon.asked.length === 1);
    assert.deepEqual(await stage.texts(), []);
    container.running = false;
    stage.daemon.changed();
    assert.deepEqual(await stage.untilLines(1), ["panic: no"]);
});

check(
    "a connection that breaks in a frame, again and again, loses and doubles nothing",
    async (t) => {
        const stage = await LogStage.set(t);
        const container = stage.daemon.add("a", { breakAfter: 1_003, pieces: [17] });
        container.entries.push(...lines(0, 200));
        stage.pipeline.start();
        await stage.untilLines(200);
        stage.daemon.breakAll();
        container.entries.push(...lines(200, 400));
        assert.deepEqual(await stage.untilLines(400), texts(0, 400));
        assert.ok(stage.daemon.asked.length >= 3);
        assert.equal(stage.pipeline.stats.containers.get("a")?.gaps, 0);
    },
);

check("a restart goes on within lines of the same time", async (t) => {
    const stage = await LogStage.set(t);
    const container = stage.daemon.add("a");
    // 0 and 1 share their time with 2, which comes only after the restart.
    container.entries.push(...lines(0, 98));
    stage.pipeline.start();
    await stage.untilLines(98);
    await stage.pipeline.stop();
    container.entries.push(...lines(98, 150));
    await stage.restart();
    assert.deepEqual(await stage.untilLines(150), texts(0, 150));
    const asked = Number(stage.daemon.asked.at(-1)) * 1000;
    assert.equal(asked, Date.UTC(2026, 10, 27, 12) - 2_000, "2 s before the newest record");
});

check("streams whose times run against each other are neither lost nor doubled", async (t) => {
    const stage = await LogStage.set(t);
    const container = stage.daemon.add("a");
    container.entries.push(
        entry("stdout", at(500), "out 1\n"),
        entry("stdout", at(900), "out 2\n"),
        entry("stderr", at(700), "err 1\n"),
    );
    stage.pipeline.start();
    await stage.untilLines(3);
    await stage.pipeline.stop();
    // Taken before, written after what is in the file.
    container.entries.push(
        entry("stderr", at(800), "err 2\n"),
        entry("stdout", at(950), "out 3\n"),
    );
    await stage.restart();
    const found = await stage.untilLines(5);
    assert.deepEqual(found, ["out 1", "out 2", "err 1", "err 2", "out 3"]);
});

check("lines that Docker rotated away unread are told as a gap", async (t) => {
    const stage = await LogStage.set(t);
    const container = stage.daemon.add("a");
    container.entries.push(...lines(0, 50));
    stage.pipeline.start();
    await stage.untilLines(50);
    await stage.pipeline.stop();
    container.entries.splice(0, 50, ...lines(90, 100));
    await stage.restart();
    assert.deepEqual(await stage.untilLines(60), [...texts(0, 50), ...texts(90, 100)]);
    await until(() => (stage.pipeline.stats.containers.get("a")?.gaps ?? 0) > 0);
});

check("a container made anew under its name goes on in the same file, without a gap", async (t) => {
    const stage = await LogStage.set(t);
    const old = stage.daemon.add("a");
    old.entries.push(...lines(0, 10));
    stage.pipeline.start();
    await stage.untilLines(10);
    stage.daemon.add("b", { created: at(90) }).entries.push(...lines(30, 40));
    stage.fleet.change({ containers: [server("a", { id: "b" })] });
    // The old one's last lines are still on their way: two must not write to one file.
    await pause(300);
    assert.deepEqual(stage.daemon.asked.length, 1);
    old.entries.push(...lines(10, 12));
    old.running = false;
    stage.daemon.changed();
    assert.deepEqual(await stage.untilLines(22), [...texts(0, 12), ...texts(30, 40)]);
    assert.deepEqual(stage.files(), ["a.jsonl"]);
    assert.equal(stage.pipeline.stats.containers.get("a")?.gaps, 0);
});

check("containers come and go; the counters of those that are gone go too", async (t) => {
    const stage = await LogStage.set(t);
    const a = stage.daemon.add("a");
    a.entries.push(...lines(0, 3));
    stage.daemon.add("b", { running: false }).entries.push(...lines(0, 4));
    stage.pipeline.start();
    await stage.untilLines(3);
    stage.fleet.change({ containers: [server("a"), server("b", { state: "exited" })] });
    await stage.untilLines(4, "b");
    await until(() => stage.pipeline.stats.following === 1);
    a.running = false;
    stage.daemon.changed();
    stage.daemon.containers.delete("a");
    stage.fleet.change({ containers: [server("b", { state: "exited" })] });
    await until(() => !stage.pipeline.stats.containers.has("a"));
    assert.deepEqual(await stage.reader.names(), ["a", "b"]);
    assert.equal(stage.daemon.asked.length, 2, "one that has ended is read once");
});

check(
    "names that are no file names, a TTY and a driver without logs are refused, once",
    async (t) => {
        const containers = [
            server("../evil", { id: "evil" }),
            server("tty"),
            server("none"),
            server("new", { state: "created" }),
        ];
        const stage = await LogStage.set(t, {}, containers);
        stage.daemon.add("evil").entries.push(...lines(0, 3));
        stage.daemon.add("tty", { tty: true });
        stage.daemon.add("none", { status: 501 });
        stage.pipeline.start();
        await until(() => stage.logged.length >= 3);
        // Longer than a look at the fleet takes to come round.
        await pause(1_300);
        stage.fleet.change({});
        assert.deepEqual(stage.logged.map(({ container }) => container).sort(), [
            "../evil",
            "none",
            "tty",
        ]);
        assert.deepEqual(stage.daemon.asked, []);
    },
);

check("stop does not wait for a daemon that hangs", async (t) => {
    const stage = await LogStage.set(t, {}, [server("a"), server("b")]);
    stage.daemon.add("a", { hangs: true });
    stage.daemon.add("b");
    stage.pipeline.start();
    await until(() => stage.daemon.asked.length === 1 && stage.daemon.hanging === 1);
    await stage.pipeline.stop();
    assert.equal(stage.pipeline.stats.following, 0);
});
