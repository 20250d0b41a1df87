/** Reads the central logs: the last records of a container, and those that are yet to come. */
import { setTimeout as pause } from "node:timers/promises";

import type { LogRecord } from "../model.ts";
import { currentFile, listFiles, rotatedFiles } from "./files.ts";
import { closeAll, openFile, openNewestFirst, type OpenFile } from "./open-files.ts";
import { decode, timeOf } from "./record.ts";
import { lastLineEnd, linesBackwards, readExactly } from "./tail.ts";

export interface TailOptions {
    /** Most records, the newest; without it all. */
    readonly tail?: number;
    /** ISO 8601 time in UTC, like `2026-11-27T15:39:02Z`: only records of then and later. */
    readonly since?: string;
}

export interface FollowOptions extends TailOptions {
    /** Ends the iteration; without an error. */
    readonly signal: AbortSignal;
}

/** Where records begin: in the file of that index, at that byte. */
interface Start {
    readonly file: number;
    readonly offset: number;
}

const CHUNK = 256 * 1024;
const POLL_MS = 200;
/** Records of stdout and stderr are only nearly in the order of time; so much further back is looked. */
const SKEW_MS = 2_000;
const NEWLINE = 10;

export class LogReader {
    readonly #dir: string;

    /** `dir`: folder of the log files. */
    constructor(dir: string) {
        this.#dir = dir;
    }

    /** Containers with a log, sorted; also those that are gone. */
    async names(): Promise<string[]> {
        const files = await listFiles(this.#dir);
        return [...new Set(files.map(({ container }) => container))].sort();
    }

    /**
     * The newest records, oldest first; none for a container without a log. Reads back from the end only as far as
     * asked for. Throws LogNameError for what cannot be a container's name, RangeError for a wrong option.
     */
    async *tail(
        name: string,
        options: TailOptions = {},
    ): AsyncGenerator<LogRecord, void, undefined> {
        const since = checked(options);
        const files = await openNewestFirst(this.#dir, name);
        try {
            yield* newest(files, options.tail, since);
        } finally {
            await closeAll(files);
        }
    }

    /** As `tail`, then every record that is written, across rotations, until `signal` aborts. */
    async *follow(
        name: string,
        options: FollowOptions,
    ): AsyncGenerator<LogRecord, void, undefined> {
        const { tail, signal } = options;
        const since = checked(options);
        const files = await openNewestFirst(this.#dir, name);
        let reading = files.shift();
        try {
            yield* newest(reading ? [reading, ...files] : files, tail, since);
            // Held any longer they would keep their place on the disk after they were swept away.
            await closeAll(files.splice(0));
            let offset = reading?.end ?? 0;
            while (!signal.aborted) {
                if (reading !== undefined) {
                    const next = await nextFile(this.#dir, name, reading);
                    // Looked at after the next one is there: nothing is written to a file that has a successor.
                    const { size } = await reading.handle.stat();
                    const end = await lastLineEnd(reading.handle, size);
                    yield* filtered(recordsBetween(reading, offset, end), since);
                    offset = Math.max(offset, end);
                    if (next !== undefined) {
                        await reading.handle.close();
                        reading = next;
                        offset = 0;
                        continue;
                    }
                } else reading = await openOldest(this.#dir, name);
                await pause(POLL_MS, undefined, { signal }).catch(() => undefined);
            }
        } finally {
            await closeAll(reading ? [reading, ...files] : files);
        }
    }
}

/** The first file of a container that had none before. */
async function openOldest(dir: string, name: string): Promise<OpenFile | undefined> {
    const files = await openNewestFirst(dir, name);
    const oldest = files.pop();
    await closeAll(files);
    return oldest;
}

/** The file after `file`; `undefined` while that one is still written to. */
async function nextFile(dir: string, name: string, file: OpenFile): Promise<OpenFile | undefined> {
    const current = await openFile(currentFile(dir, name));
    if (current === undefined) return undefined;
    if (current.inode === file.inode) {
        await current.handle.close();
        return undefined;
    }
    // Rotated more than once since the last look: those between come first.
    let successor = current;
    for (const { path } of (await rotatedFiles(dir, name)).reverse()) {
        const rotated = await openFile(path);
        if (rotated?.inode === file.inode) {
            await rotated.handle.close();
            return successor;
        }
        if (rotated === undefined || rotated.inode === successor.inode) {
            await rotated?.handle.close();
            continue;
        }
        await successor.handle.close();
        successor = rotated;
    }
    // What was read has been removed: the oldest there is follows it.
    return successor;
}

async function* newest(
    files: readonly OpenFile[],
    tail: number | undefined,
    since: string,
): AsyncGenerator<LogRecord, void, undefined> {
    const start = await startOf(files, tail ?? Infinity, since);
    for (let index = start.file; index >= 0; index--) {
        const file = files[index] as OpenFile;
        const offset = index === start.file ? start.offset : 0;
        yield* filtered(recordsBetween(file, offset, file.end), since);
    }
}

/** Looks back from the end for the record to begin with; file -1 for none. */
async function startOf(files: readonly OpenFile[], tail: number, since: string): Promise<Start> {
    const floor = since === "" ? "" : new Date(Date.parse(since) - SKEW_MS).toISOString();
    let start: Start = { file: -1, offset: 0 };
    let count = 0;
    if (tail === 0) return start;
    for (const [file, { handle, end }] of files.entries()) {
        if (tail === Infinity && floor === "") {
            start = { file, offset: 0 };
            continue;
        }
        for await (const lines of linesBackwards(handle, end)) {
            for (const { offset, bytes } of lines) {
                const time = timeOf(bytes);
                if (time === undefined) continue;
                if (time < floor) return start;
                if (time < since) continue;
                start = { file, offset };
                if (++count >= tail) return start;
            }
        }
    }
    return start;
}

async function* filtered(
    records: AsyncIterable<LogRecord>,
    since: string,
): AsyncGenerator<LogRecord, void, undefined> {
    for await (const record of records) if (record.time >= since) yield record;
}

/** `end` must be the end of a line. */
async function* recordsBetween(
    { handle }: OpenFile,
    start: number,
    end: number,
): AsyncGenerator<LogRecord, void, undefined> {
    let rest: Buffer = Buffer.alloc(0);
    for (let at = start; at < end; at += CHUNK) {
        const chunk = await readExactly(handle, at, Math.min(at + CHUNK, end));
        const data = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk;
        let from = 0;
        for (let to; (to = data.indexOf(NEWLINE, from)) !== -1; from = to + 1) {
            const record = decode(data.subarray(from, to));
            if (record !== undefined) yield record;
        }
        rest = data.subarray(from);
    }
}

/** `since` in the form of the records; "" for none. */
function checked({ tail, since }: TailOptions): string {
    if (tail !== undefined && !(Number.isSafeInteger(tail) && tail >= 0)) {
        throw new RangeError(`tail: ${tail} is not a number of records; give 0 or more`);
    }
    if (since === undefined) return "";
    const time = Date.parse(since);
    if (Number.isNaN(time)) {
        throw new RangeError(`since: ${since} is not a time; give one like 2026-11-27T15:39:02Z`);
    }
    // Without the Z: as text it would be greater than further digits.
    return new Date(time).toISOString().slice(0, -1);
}
