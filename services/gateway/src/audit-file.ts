/** Where audit lines go: standard output, or a file that is rotated by size. */
import { existsSync, renameSync, statSync } from "node:fs";

import { pino } from "pino";

import type { Logger } from "./log.ts";

export interface AuditFileOptions {
    /** A path, or "-" for standard output, which is not rotated. */
    readonly file: string;
    /** Size that a file does not grow beyond; one line that is longer has a file of its own. */
    readonly maxBytes: number;
    /** Files kept, the one that is written included, at least 2: FILE, FILE.1 and so on, the oldest last. */
    readonly files: number;
}

type Destination = ReturnType<typeof pino.destination>;

/** Writes whole lines, each before the call returns. What goes wrong is logged, no more. */
export class AuditFile {
    readonly #options: AuditFileOptions;
    readonly #log: Logger;
    readonly #isFile: boolean;
    #lines: Destination;
    #size = 0;
    /** Size at which the file is rotated. */
    #limit = Infinity;

    /** Throws when the file cannot be opened: there is nothing older to go on with. */
    constructor(options: AuditFileOptions, log: Logger) {
        this.#options = options;
        this.#log = log;
        this.#isFile = options.file !== "-";
        this.#lines = this.#open();
    }

    write(line: string): void {
        const bytes = Buffer.byteLength(line);
        if (this.#size > 0 && this.#size + bytes > this.#limit) this.#rotate();
        this.#size += bytes;
        this.#lines.write(line);
    }

    /** Goes on in a new file of the same name, in case the old one was moved. */
    reopen(): void {
        if (!this.#isFile) return;
        try {
            const old = this.#lines;
            this.#lines = this.#open();
            old.end();
        } catch (error) {
            this.#log.error({ err: error }, "audit file cannot be opened; the old one stays");
        }
    }

    #open(): Destination {
        const { file, maxBytes } = this.#options;
        const dest = this.#isFile ? file : 1;
        const lines = pino.destination({ dest, sync: true, mkdir: true, mode: 0o600 });
        lines.on("error", (error: Error) => this.#log.error({ err: error }, "audit line lost"));
        if (this.#isFile) {
            const stats = statSync(file);
            this.#size = stats.size;
            // A pipe or a device does not grow.
            this.#limit = stats.isFile() ? maxBytes : Infinity;
        }
        return lines;
    }

    #rotate(): void {
        // Until it has grown by as much again when this fails: not at every line.
        this.#limit = this.#size + this.#options.maxBytes;
        try {
            this.#shift();
        } catch (error) {
            this.#log.error({ err: error }, "audit file cannot be rotated; it grows on");
            return;
        }
        this.reopen();
    }

    /** From the oldest on, so that what fails in between overwrites nothing but the oldest. */
    #shift(): void {
        const { file, files } = this.#options;
        // Moved away by somebody else: a new one is all that is needed.
        if (!existsSync(file)) return;
        for (let n = files - 1; n > 0; n -= 1) {
            const from = n === 1 ? file : `${file}.${n - 1}`;
            if (existsSync(from)) renameSync(from, `${file}.${n}`);
        }
    }
}
