/** Docker's multiplexed stream: frames of one byte stream, three of zero, four of length, then a message. */

/** What is not Docker's stream, or the daemon's own word in it that reading failed. */
export class FrameError extends Error {
    override readonly name = "FrameError";
}

export type Stream = "stdout" | "stderr";

/** Called with every whole message; `data` is valid from `start` to `end` and only during the call. */
export type OnMessage = (stream: Stream, data: Buffer, start: number, end: number) => void;

const HEADER = 8;
/** Docker splits what a container writes at 16 KiB; a longer frame is another protocol, and would fill memory. */
const LONGEST = 4 * 1024 * 1024;
const STDERR = 2;
const SYSTEM_ERROR = 3;

/** Cuts chunks, split wherever the network pleased, into messages. */
export class FrameParser {
    readonly #onMessage: OnMessage;
    /** Begin of a frame whose rest has not come. */
    #parts: Buffer[] = [];
    #have = 0;
    #need = HEADER;

    constructor(onMessage: OnMessage) {
        this.#onMessage = onMessage;
    }

    /** Takes the next bytes; throws FrameError, after which the parser is of no more use. */
    push(chunk: Buffer): void {
        let data = chunk;
        if (this.#have > 0) {
            this.#parts.push(chunk);
            this.#have += chunk.length;
            // Joined once the frame is whole: a long one in small pieces would be copied over and over.
            if (this.#have < this.#need) return;
            data = Buffer.concat(this.#parts);
        }
        const rest = this.#cut(data);
        this.#parts = rest < data.length ? [data.subarray(rest)] : [];
        this.#have = data.length - rest;
        this.#need = this.#have < HEADER ? HEADER : HEADER + data.readUInt32BE(rest + 4);
    }

    /** Whether the bytes so far end in the middle of a frame. */
    get torn(): boolean {
        return this.#have > 0;
    }

    /** Hands on the whole frames; returns where the first one begins that is not. */
    #cut(data: Buffer): number {
        let at = 0;
        while (data.length - at >= HEADER) {
            const type = data[at] as number;
            const size = data.readUInt32BE(at + 4);
            const zeros = data.readUInt32BE(at) & 0xffffff;
            if (type > SYSTEM_ERROR || zeros !== 0 || size > LONGEST) {
                const header = data.toString("hex", at, at + HEADER);
                throw new FrameError(`not a frame of Docker's log stream: ${header}`);
            }
            const start = at + HEADER;
            const end = start + size;
            if (end > data.length) break;
            if (type === SYSTEM_ERROR) {
                throw new FrameError(`the daemon: ${data.toString("utf8", start, end).trim()}`);
            }
            this.#onMessage(type === STDERR ? "stderr" : "stdout", data, start, end);
            at = end;
        }
        return at;
    }
}
