/** Reads one container's log from Docker into its file, until the container ends or is given up. */
import { setTimeout as pause } from "node:timers/promises";
import type { IncomingMessage } from "node:http";

import type Docker from "dockerode";
import type { Logger } from "pino";

import { FrameError, FrameParser } from "./frames.ts";
import { LineJoiner } from "./lines.ts";
import type { LogLimits } from "./limits.ts";
import { Duplicates, readPosition } from "./position.ts";
import { encoderOf } from "./record.ts";
import { Sink, SinkError } from "./sink.ts";
import type { ContainerLogStats } from "./stats.ts";

export interface FollowerOptions {
    readonly docker: Pick<Docker, "getContainer">;
    readonly id: string;
    readonly name: string;
    readonly dir: string;
    readonly limits: LogLimits;
    readonly stats: ContainerLogStats;
    readonly log: Logger;
    readonly onRotated: () => void;
    /** Told about every outcome of a write. */
    readonly onDisk: (failure: Error | undefined) => void;
}

/** Between two attempts: the first, doubled up to the most. */
const FIRST_PAUSE_MS = 200;
const MOST_PAUSE_MS = 10_000;
/** Failures in a row before it is worth a line: a daemon that restarts is not. */
const FAILURES_TO_TELL = 4;
/** A daemon that vanished without a word is noticed by this, since a log may be silent for days. */
const KEEP_ALIVE_MS = 30_000;
/** Docker's answers for a container that is gone, or about to be. */
const GONE = new Set([404, 409]);
/** Docker's answer where the container's log driver keeps nothing that can be read. */
const UNREADABLE = 501;

/** `ended`: it may be read again once it runs. `unreadable`: it never can, and that has been logged. */
export type Outcome = "ended" | "unreadable";

/**
 * Follows until the container has ended and all it wrote is in the file, or `signal` aborts. Never throws for what
 * Docker or the disk do: it tries again from where the file ends.
 */
export async function followContainer(
    options: FollowerOptions,
    signal: AbortSignal,
): Promise<Outcome> {
    const { name, log, stats } = options;
    let failures = 0;
    while (!signal.aborted) {
        const before = stats.lines;
        try {
            await followOnce(options, signal);
            return "ended";
        } catch (error) {
            if (signal.aborted) break;
            if (error instanceof SinkError) options.onDisk(error);
            const { statusCode = 0, message } = error as Error & { statusCode?: number };
            if (GONE.has(statusCode)) break;
            if (statusCode === UNREADABLE) {
                log.warn({ container: name, reason: message }, "log cannot be read");
                return "unreadable";
            }
            stats.failures++;
            failures = stats.lines > before ? 1 : failures + 1;
            if (failures === FAILURES_TO_TELL && !(error instanceof SinkError)) {
                log.warn({ container: name, reason: message }, "log is not read; trying again");
            }
            const ms = Math.min(FIRST_PAUSE_MS * 2 ** (failures - 1), MOST_PAUSE_MS);
            await pause(ms, undefined, { signal }).catch(() => undefined);
        }
    }
    return "ended";
}

async function followOnce(options: FollowerOptions, signal: AbortSignal): Promise<void> {
    const { dir, name, limits, docker, onRotated } = options;
    const sink = await Sink.open(dir, name, limits, onRotated);
    try {
        const container = docker.getContainer(options.id);
        const { Created, Config } = await container.inspect({ abortSignal: signal });
        if (Config.Tty) {
            const unsupported = new Error("it has a TTY, whose log has no streams; turn tty off");
            throw Object.assign(unsupported, { statusCode: UNREADABLE });
        }
        const position = await readPosition(dir, name);
        const stream = (await container.logs({
            follow: true,
            stdout: true,
            stderr: true,
            timestamps: true,
            since: position.since,
            abortSignal: signal,
        })) as IncomingMessage;
        stream.socket.setKeepAlive(true, KEEP_ALIVE_MS);
        await copy(stream, sink, new Duplicates(position, Created), options);
    } finally {
        await sink.close();
    }
}

async function copy(
    stream: IncomingMessage,
    sink: Sink,
    duplicates: Duplicates,
    { name, stats, onDisk }: FollowerOptions,
): Promise<void> {
    const encode = encoderOf(name);
    let text = "";
    const lines = { lines: 0, bytes: 0, truncated: 0 };
    const joiner = new LineJoiner((line) => {
        const verdict = duplicates.judge(line.stream, line.time);
        if (verdict === "known") return;
        if (verdict === "gap") stats.gaps++;
        text += encode(line);
        lines.lines++;
        lines.bytes += line.bytes;
        if (line.truncated) lines.truncated++;
    });
    const parser = new FrameParser((...message) => joiner.add(...message));
    const write = async () => {
        if (text === "") return;
        const batch = Buffer.from(text);
        text = "";
        await sink.write(batch);
        stats.lines += lines.lines;
        stats.bytes += lines.bytes;
        stats.truncated += lines.truncated;
        Object.assign(lines, { lines: 0, bytes: 0, truncated: 0 });
        onDisk(undefined);
    };
    // While a batch is written nothing is read, so that a slow disk holds Docker's stream back.
    for await (const chunk of stream) {
        parser.push(chunk as Buffer);
        await write();
    }
    if (parser.torn) throw new FrameError("the log stream ended within a frame");
    joiner.flush();
    await write();
}
