/** A folder of logs, a stand-in daemon and a pipeline between them. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { setTimeout as pause } from "node:timers/promises";

import { pino } from "pino";

import { DEFAULT_LIMITS, LogPipeline, LogReader, type LogLimits } from "../../src/logs/index.ts";
import type { ContainerView, LogRecord } from "../../src/model.ts";
import { LogDaemon } from "./log-daemon.ts";
import { server, StillFleet } from "./still-fleet.ts";

/** A test with a time limit, generous since the machine may be busy. */
export function check(name: string, body: (t: TestContext) => void | Promise<void>): void {
    void test(name, { timeout: 120_000 }, body);
}

/** A folder that goes with the test. */
export function folder(t: TestContext): string {
    const dir = mkdtempSync(join(tmpdir(), "mcp-logs-"));
    t.after(() => rmSync(dir, { recursive: true, force: true }));
    return dir;
}

/** Waits until `holds`; the test's limit ends it. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
    while (!(await holds())) await pause(10);
}

export async function all(records: AsyncIterable<LogRecord>): Promise<LogRecord[]> {
    const found: LogRecord[] = [];
    for await (const record of records) found.push(record);
    return found;
}

export class LogStage {
    readonly lines: string[] = [];
    readonly dir: string;
    readonly daemon: LogDaemon;
    readonly fleet: StillFleet;
    readonly reader: LogReader;
    pipeline: LogPipeline;
    readonly #limits: LogLimits;

    private constructor(
        dir: string,
        daemon: LogDaemon,
        containers: readonly ContainerView[],
        limits: Partial<LogLimits>,
    ) {
        this.dir = dir;
        this.daemon = daemon;
        this.fleet = new StillFleet(containers);
        this.reader = new LogReader(dir);
        this.#limits = { ...DEFAULT_LIMITS, ...limits };
        this.pipeline = this.#newPipeline();
    }

    /** With one server, `a`, unless others are given; the pipeline is not started. */
    static async set(
        t: TestContext,
        limits: Partial<LogLimits> = {},
        containers: readonly ContainerView[] = [server("a")],
    ): Promise<LogStage> {
        const stage = new LogStage(folder(t), await LogDaemon.start(t), containers, limits);
        t.after(() => stage.pipeline.stop());
        return stage;
    }

    /** Stops the pipeline as SIGTERM does, and starts another on the same folder. */
    async restart(): Promise<void> {
        await this.pipeline.stop();
        this.pipeline = this.#newPipeline();
        this.pipeline.start();
    }

    /** Names of the files, sorted. */
    files(): string[] {
        return readdirSync(this.dir).sort();
    }

    /** Texts of all records of a container. */
    async texts(name = "a"): Promise<string[]> {
        return (await all(this.reader.tail(name))).map(({ line }) => line);
    }

    /** Waits until so many records are there, and returns their texts. */
    async untilLines(count: number, name = "a"): Promise<string[]> {
        await until(async () => (await this.texts(name)).length >= count);
        return this.texts(name);
    }

    /** What was logged, as objects. */
    get logged(): Record<string, unknown>[] {
        return this.lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    }

    raw(file: string): string {
        return readFileSync(join(this.dir, file), "utf8");
    }

    #newPipeline(): LogPipeline {
        const { dir, fleet, daemon } = this;
        const log = pino({ base: null }, { write: (line: string) => void this.lines.push(line) });
        return new LogPipeline({ docker: daemon.docker, fleet, dir, limits: this.#limits, log });
    }
}
