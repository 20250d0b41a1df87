/** Splits a byte stream into lines with bounded memory. */

const NEWLINE = 0x0a;
/** How much of each end of an over-long line is kept to tell what it was. */
const KEPT = 512;

/** Where lines go. */
export interface LineSink {
    /** A complete line, without its line break. */
    line(text: string): void;
    /** A line over the limit: only its first and last characters were kept. */
    tooLong(head: string, tail: string, bytes: number): void;
}

/**
 * Collects chunks until a line is complete. Chunks are joined once a line, not once a chunk: a reply
 * of megabytes arrives in 64 KiB pieces.
 */
export class LineSplitter {
    readonly #limit: number;
    readonly #sink: LineSink;
    #parts: Buffer[] = [];
    #bytes = 0;
    /** Set while the current line is over the limit: its beginning. */
    #head: string | undefined;
    #tail: Buffer = Buffer.alloc(0);

    constructor(limit: number, sink: LineSink) {
        this.#limit = limit;
        this.#sink = sink;
    }

    push(chunk: Buffer): void {
        let start = 0;
        for (;;) {
            const end = chunk.indexOf(NEWLINE, start);
            if (end === -1) break;
            this.#append(chunk.subarray(start, end));
            this.#finish();
            start = end + 1;
        }
        if (start < chunk.length) this.#append(chunk.subarray(start));
    }

    /** Hands over a last line that has no line break. */
    end(): void {
        if (this.#bytes > 0) this.#finish();
    }

    #append(part: Buffer): void {
        this.#bytes += part.length;
        if (this.#head === undefined) {
            this.#parts.push(part);
            if (this.#bytes <= this.#limit) return;
            const whole = Buffer.concat(this.#parts);
            this.#parts = [];
            this.#head = whole.toString("utf8", 0, KEPT);
            // A copy: a view would keep the whole line in memory.
            this.#tail = Buffer.from(whole.subarray(-KEPT));
        } else {
            this.#tail = Buffer.from(Buffer.concat([this.#tail, part]).subarray(-KEPT));
        }
    }

    #finish(): void {
        const [head, tail, bytes, parts] = [this.#head, this.#tail, this.#bytes, this.#parts];
        this.#parts = [];
        this.#bytes = 0;
        this.#head = undefined;
        if (head !== undefined) this.#sink.tooLong(head, tail.toString("utf8"), bytes);
        else this.#sink.line(Buffer.concat(parts).toString("utf8").replace(/\r$/, ""));
    }
}
