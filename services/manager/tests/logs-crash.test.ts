/** A manager that is killed in the middle of heavy streams, a disk that fills up, and a power failure. */
import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";

import { LogReader } from "../src/logs/index.ts";
import { at, entry, LogDaemon, type Entry } from "./support/log-daemon.ts";
import { check, folder, LogStage, until } from "./support/log-stage.ts";

const PROCESS = fileURLToPath(new URL("support/log-process.ts", import.meta.url));
const NAMES = ["a", "b", "c"];
const LINES = 60_000;
const KILLS = 5;

/** Heavy output: lines of some 300 bytes, three at one time, both streams. */
function heavy(): Entry[] {
    const filler = "x".repeat(280);
    return Array.from({ length: LINES }, (_, index) => {
        const stream = index % 7 === 0 ? "stderr" : "stdout";
        return entry(stream, at(Math.floor(index / 3) * 100), `${index} ${filler}\n`);
    });
}

/** Starts the process; with `kibibytes` it can write no file that is larger. */
function start(t: TestContext, dir: string, port: number, kibibytes?: number): ChildProcess {
    const limit = kibibytes === undefined ? "" : `ulimit -f ${kibibytes}; `;
    const command = ["--import", "tsx", PROCESS, dir, String(port), ...NAMES];
    const args = ["-c", `${limit}exec "$0" "$@"`, process.execPath, ...command];
    const child = spawn("bash", args, { stdio: ["ignore", "pipe", "inherit"] });
    t.after(() => child.kill("SIGKILL"));
    return child;
}

/** Waits for the last line of every container; each line must be there once and in order. */
async function assertWhole(dir: string, lines: number): Promise<void> {
    const reader = new LogReader(dir);
    for (const name of NAMES) {
        await until(async () => {
            for await (const { line } of reader.tail(name, { tail: 1 })) {
                if (line.startsWith(`${lines - 1} `)) return true;
            }
            return false;
        });
        let expected = 0;
        for await (const { line } of reader.tail(name)) {
            assert.equal(Number.parseInt(line), expected++);
        }
        assert.equal(expected, lines);
    }
}

function stored(dir: string): number {
    const sizes = readdirSync(dir).map((file) => {
        return statSync(join(dir, file), { throwIfNoEntry: false })?.size ?? 0;
    });
    return sizes.reduce((sum, size) => sum + size, 0);
}

check(
    `kill -9 in the middle of heavy streams, ${KILLS} times: no line lost, none double`,
    async (t) => {
        const dir = folder(t);
        const daemon = await LogDaemon.start(t);
        const entries = heavy();
        for (const name of NAMES) daemon.add(name, { entries });
        const whole = entries.reduce((sum, { frame }) => sum + frame.length, 0) * NAMES.length;
        for (let kill = 1; kill <= KILLS; kill++) {
            const child = start(t, dir, daemon.port);
            await until(() => stored(dir) > (whole * kill) / (KILLS + 1));
            const closed = once(child, "close");
            child.kill("SIGKILL");
            await closed;
        }
        const child = start(t, dir, daemon.port);
        await assertWhole(dir, LINES);
        assert.ok(readdirSync(dir).length > NAMES.length * 2, "rotated meanwhile");
        const closed = once(child, "close");
        child.kill("SIGTERM");
        assert.deepEqual(await closed, [0, null]);
    },
);

check("writes that are cut short, as on a full disk, lose and double nothing", async (t) => {
    const dir = folder(t);
    const daemon = await LogDaemon.start(t);
    const lines = 10_000;
    const entries = heavy().slice(0, lines);
    for (const name of NAMES) daemon.add(name, { entries });
    const limited = start(t, dir, daemon.port, 1_024);
    let told = "";
    limited.stdout?.on("data", (part: Buffer) => (told += part.toString()));
    // More than one try: each reads on from where the file ends, and none must do harm.
    await until(() => daemon.asked.length >= 4 * NAMES.length);
    const closed = once(limited, "close");
    limited.kill("SIGTERM");
    assert.deepEqual(await closed, [0, null]);
    assert.equal(told.match(/logs cannot be written/g)?.length, 1, told);
    start(t, dir, daemon.port);
    await assertWhole(dir, lines);
});

check("a line that a crash tore is cut off and read again", async (t) => {
    const stage = await LogStage.set(t);
    const container = stage.daemon.add("a");
    container.entries.push(entry("stdout", at(1), "one\n"));
    stage.pipeline.start();
    await stage.untilLines(1);
    await stage.pipeline.stop();
    appendFileSync(join(stage.dir, "a.jsonl"), '{"time":"2026-11-27T12:00:00.0000020');
    container.entries.push(entry("stdout", at(2), "two\n"));
    await stage.restart();
    assert.deepEqual(await stage.untilLines(2), ["one", "two"]);
    assert.equal(stage.raw("a.jsonl").split("\n").length, 3);
});

check("zeros that a power failure left are passed over", async (t) => {
    const stage = await LogStage.set(t);
    const container = stage.daemon.add("a");
    container.entries.push(entry("stdout", at(1), "one\n"));
    stage.pipeline.start();
    await stage.untilLines(1);
    await stage.pipeline.stop();
    appendFileSync(join(stage.dir, "a.jsonl"), `${"\0".repeat(5_000)}\n${"\0".repeat(100)}`);
    container.entries.push(entry("stdout", at(2), "two\n"));
    await stage.restart();
    assert.deepEqual(await stage.untilLines(2), ["one", "two"]);
});

check("a disk that cannot be written is told once; it goes on where it was", async (t) => {
    const stage = await LogStage.set(t);
    const container = stage.daemon.add("a");
    container.entries.push(entry("stdout", at(1), "one\n"), entry("stdout", at(2), "two\n"));
    const obstacle = join(stage.dir, "a.jsonl");
    mkdirSync(obstacle);
    stage.pipeline.start();
    await until(() => (stage.pipeline.stats.containers.get("a")?.failures ?? 0) >= 3);
    assert.equal(stage.pipeline.stats.writeFailing, true);
    rmSync(obstacle, { recursive: true });
    assert.deepEqual(await stage.untilLines(2), ["one", "two"]);
    await until(() => !stage.pipeline.stats.writeFailing);
    const messages = stage.logged.map(({ msg }) => msg);
    assert.deepEqual(messages, ["logs cannot be written", "logs are written again"]);
});

check("a file without records, or of another's making, is no obstacle", async (t) => {
    const stage = await LogStage.set(t);
    writeFileSync(join(stage.dir, "a.jsonl"), "not ours\n\n{}\n");
    stage.daemon.add("a").entries.push(entry("stdout", at(1), "one\n"));
    stage.pipeline.start();
    assert.ok((await stage.untilLines(1)).includes("one"));
});
