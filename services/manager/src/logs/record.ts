/** A record as a line of a file, and back. */
import type { LogRecord } from "../model.ts";
import type { Stream } from "./frames.ts";
import type { Line } from "./lines.ts";

const HEAD = '{"time":"';
const TIME_LENGTH = 30;
/** Up to the stream, everything of a line is fixed but the container's name. */
const STDOUT = '","stream":"stdout"';

/** Makes the encoder of one container. `time` comes first and has a fixed length: it is read without parsing. */
export function encoderOf(container: string): (line: Line) => string {
    const name = `","container":${JSON.stringify(container)},"stream":"`;
    return ({ time, stream, text, truncated }) =>
        HEAD +
        time +
        name +
        stream +
        '","line":' +
        JSON.stringify(text) +
        (truncated ? ',"truncated":true}\n' : "}\n");
}

/** Time of an encoded record without parsing it; `undefined` when the line is none. */
export function timeOf(line: Buffer): string | undefined {
    if (line.length < HEAD.length + TIME_LENGTH) return undefined;
    const start = line.toString("latin1", 0, HEAD.length + TIME_LENGTH);
    return start.startsWith(HEAD) && start.endsWith("Z") ? start.slice(HEAD.length) : undefined;
}

/** Stream of an encoded record of that container; meaningless for a line that is none. */
export function streamOf(line: Buffer, container: string): Stream {
    const end = HEAD.length + TIME_LENGTH + '","container":"'.length + container.length;
    return line.toString("latin1", end, end + STDOUT.length) === STDOUT ? "stdout" : "stderr";
}

/** The record of a line; `undefined` for one that a power failure left unreadable. */
export function decode(line: Buffer): LogRecord | undefined {
    try {
        return JSON.parse(line.toString("utf8")) as LogRecord;
    } catch {
        return undefined;
    }
}
