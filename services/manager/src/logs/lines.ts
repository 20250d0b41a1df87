/** From Docker's messages, each with a timestamp before it, to lines: parts joined, length bounded, text made safe. */
import { FrameError, type Stream } from "./frames.ts";

/** One line of a container's output. */
export interface Line {
    /** RFC 3339 in UTC with nine digits, always 30 characters: comparing text compares time. */
    readonly time: string;
    readonly stream: Stream;
    readonly text: string;
    /** Bytes the container wrote, without the line end; what was cut counts. */
    readonly bytes: number;
    readonly truncated: boolean;
}

/** Longest line that is kept whole. */
export const LONGEST_LINE = 64 * 1024;

/** Length of `2026-11-27T15:39:02.123456789Z`, which is how Docker writes a time in a log. */
const TIME_LENGTH = 30;
const TIME = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z$/;
const NEWLINE = 10;
const SPACE = 32;
const Z = 90;

interface Open {
    readonly time: string;
    readonly parts: Buffer[];
    kept: number;
    bytes: number;
}

/** Joins the messages of both streams to lines. Docker gives every part of a line the time of the first. */
export class LineJoiner {
    readonly #onLine: (line: Line) => void;
    readonly #open: Partial<Record<Stream, Open>> = {};

    constructor(onLine: (line: Line) => void) {
        this.#onLine = onLine;
    }

    /** Takes one message; throws FrameError when it does not begin with a time. */
    add(stream: Stream, data: Buffer, start: number, end: number): void {
        const space = timeEnd(data, start, end);
        const ended = data[end - 1] === NEWLINE;
        const from = space + 1;
        const to = Math.max(from, ended ? end - 1 : end);
        const open = this.#open[stream];
        if (open === undefined && ended && to - from <= LONGEST_LINE) {
            const time = timeAt(data, start, space);
            const text = data.toString("utf8", from, to);
            this.#onLine({ time, stream, text, bytes: to - from, truncated: false });
            return;
        }
        const line = open ?? { time: timeAt(data, start, space), parts: [], kept: 0, bytes: 0 };
        const keep = Math.min(to - from, LONGEST_LINE - line.kept);
        // Copied, since the message's memory is a whole chunk of the network.
        if (keep > 0) line.parts.push(Buffer.from(data.subarray(from, from + keep)));
        line.kept += keep;
        line.bytes += to - from;
        if (ended) this.#close(stream, line);
        else this.#open[stream] = line;
    }

    /** Hands on what the container wrote last without a line end; to be called when it has ended. */
    flush(): void {
        for (const stream of ["stdout", "stderr"] as const) {
            const line = this.#open[stream];
            if (line !== undefined) this.#close(stream, line);
        }
    }

    #close(stream: Stream, line: Open): void {
        this.#open[stream] = undefined;
        const truncated = line.bytes > line.kept;
        const data = line.parts.length === 1 ? line.parts[0] : Buffer.concat(line.parts);
        const text = textOf(data as Buffer, truncated);
        this.#onLine({ time: line.time, stream, text, bytes: line.bytes, truncated });
    }
}

/** UTF-8, with U+FFFD for what is none; a character that was cut in two is left out. */
function textOf(data: Buffer, truncated: boolean): string {
    let end = data.length;
    if (truncated) {
        let lead = end - 1;
        while (lead > end - 4 && ((data[lead] as number) & 0xc0) === 0x80) lead--;
        if ((data[lead] as number) >= 0xc0) end = lead;
    }
    return data.toString("utf8", 0, end);
}

function timeEnd(data: Buffer, start: number, end: number): number {
    const usual = start + TIME_LENGTH;
    if (usual < end && data[usual] === SPACE && data[usual - 1] === Z) return usual;
    const space = data.indexOf(SPACE, start);
    if (space === -1 || space >= end || space - start > TIME_LENGTH) {
        throw new FrameError("a message of the log stream does not begin with a time");
    }
    return space;
}

function timeAt(data: Buffer, start: number, space: number): string {
    const text = data.toString("latin1", start, space);
    if (text.length === TIME_LENGTH) return text;
    const [, seconds, fraction = ""] = TIME.exec(text) ?? [];
    if (seconds === undefined) {
        throw new FrameError(`a message of the log stream begins with no time: ${text}`);
    }
    return `${seconds}.${fraction.padEnd(9, "0")}Z`;
}
