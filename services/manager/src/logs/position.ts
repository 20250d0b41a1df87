/**
 * How far a container's log has been written. The files alone tell: a note of the position beside them could be ahead
 * of what a power failure left on the disk, and so lose lines, or behind it, and so double them.
 */
import type { Stream } from "./frames.ts";
import { closeAll, openNewestFirst, type OpenFile } from "./open-files.ts";
import { streamOf, timeOf } from "./record.ts";
import { linesBackwards } from "./tail.ts";

/** The newest lines of one stream: their time, and how many have that very time. */
export interface Mark {
    readonly time: string;
    readonly count: number;
}

export interface Position {
    /** Unix time in whole seconds to ask Docker from; 0 for a log without records. */
    readonly since: number;
    readonly stdout?: Mark;
    readonly stderr?: Mark;
}

/**
 * Docker takes the times of stdout and stderr in two goroutines: between the two, order is only nearly that of time.
 * So much before the newest record is asked for again.
 */
const SKEW_SECONDS = 2;

/** Reads the position from the end of the newest files. */
export async function readPosition(dir: string, name: string): Promise<Position> {
    const files = await openNewestFirst(dir, name);
    try {
        return await positionIn(files, name);
    } finally {
        await closeAll(files);
    }
}

async function positionIn(files: readonly OpenFile[], name: string): Promise<Position> {
    const marks: Partial<Record<Stream, { time: string; count: number; done: boolean }>> = {};
    let since = 0;
    let floor = "";
    for (const { handle, end } of files) {
        for await (const lines of linesBackwards(handle, end)) {
            for (const { bytes } of lines) {
                const time = timeOf(bytes);
                if (time === undefined) continue;
                if (since === 0) {
                    since = Math.floor(Date.parse(`${time.slice(0, 19)}Z`) / 1000) - SKEW_SECONDS;
                    floor = new Date((since - SKEW_SECONDS) * 1000).toISOString();
                }
                if (time < floor) return { since, ...marks };
                const stream = streamOf(bytes, name);
                const mark = marks[stream];
                if (mark === undefined) marks[stream] = { time, count: 1, done: false };
                else if (!mark.done && mark.time === time) mark.count++;
                else mark.done = true;
                if (marks.stdout?.done && marks.stderr?.done) return { since, ...marks };
            }
        }
    }
    return { since, ...marks };
}

/** Tells the lines that are in the files already from those that are not. */
export class Duplicates {
    readonly #marks: Record<Stream, Mark | undefined>;
    readonly #seen: Record<Stream, number> = { stdout: 0, stderr: 0 };
    /** A last known line before this is not given again, and so not missed. */
    readonly #expectedFrom: string;

    /** `created`: when the container was made; older records are of one of its name before it. */
    constructor(position: Position, created: string) {
        this.#marks = { stdout: position.stdout, stderr: position.stderr };
        const since = new Date(position.since * 1000).toISOString();
        this.#expectedFrom = since > created ? since : created;
    }

    /**
     * `known`: the line is in the files. `new`: it is not. `gap`: it is not, and Docker did not give the last known
     * line before it: what came between has been rotated away.
     */
    judge(stream: Stream, time: string): "known" | "new" | "gap" {
        const mark = this.#marks[stream];
        if (mark === undefined) return "new";
        if (time < mark.time) return "known";
        if (time === mark.time && this.#seen[stream] < mark.count) {
            this.#seen[stream]++;
            return "known";
        }
        // From here on nothing is judged: a clock that is set back must not make new lines look known.
        this.#marks[stream] = undefined;
        return this.#seen[stream] < mark.count && mark.time >= this.#expectedFrom ? "gap" : "new";
    }
}
