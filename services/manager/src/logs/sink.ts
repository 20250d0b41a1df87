/** The file of one container that is written to, rotated by size and age. */
import { once } from "node:events";
import { statSync, unlinkSync } from "node:fs";
import { mkdir, open, stat } from "node:fs/promises";

import { createStream, type RotatingFileStream } from "rotating-file-stream";

import { currentFile, rotatedFiles, rotatedName } from "./files.ts";
import type { LogLimits } from "./limits.ts";
import { lastLineEnd } from "./tail.ts";

/** Writing failed; what was written last may be torn. Open a new sink, which repairs that. */
export class SinkError extends Error {
    override readonly name = "SinkError";
}

const MODE = 0o640;
const DIRECTORY_MODE = 0o750;

export class Sink {
    readonly #stream: RotatingFileStream;
    readonly #path: string;
    /** Bytes the file must have once the write under way has ended. */
    #size: number;
    #pending = 0;
    #torn = false;
    #failure: Error | undefined;

    private constructor(stream: RotatingFileStream, path: string, size: number) {
        this.#stream = stream;
        this.#path = path;
        this.#size = size;
        stream.on("error", (error) => (this.#failure = error));
        stream.on("rotated", (rotated) => this.#onRotated(rotated));
    }

    /**
     * Opens or makes the file, after cutting off a line that a crash or a full disk left unfinished.
     * `onRotated` is called after every rotation. Throws SinkError, or LogNameError.
     */
    static async open(
        dir: string,
        name: string,
        limits: LogLimits,
        onRotated: () => void,
    ): Promise<Sink> {
        const path = currentFile(dir, name);
        try {
            await mkdir(dir, { recursive: true, mode: DIRECTORY_MODE });
            const size = await repair(path);
            let next = ((await rotatedFiles(dir, name)).at(-1)?.sequence ?? 0) + 1;
            const stream = createStream(
                (time) => (time ? rotatedName(name, next++) : `${name}.jsonl`),
                {
                    path: dir,
                    size: `${limits.fileBytes}B`,
                    interval: limits.interval,
                    // Also the file of a manager that did not run at the boundary is rotated, when it is opened.
                    intervalBoundary: true,
                    initialRotation: true,
                    intervalUTC: true,
                    mode: MODE,
                },
            );
            const sink = new Sink(stream, path, size);
            await once(stream, "open");
            stream.on("rotated", onRotated);
            return sink;
        } catch (error) {
            throw sinkError(path, error as Error);
        }
    }

    /** Writes whole lines; resolves when the kernel has them. Throws SinkError, after which only `close` is left. */
    async write(lines: Buffer): Promise<void> {
        this.#size += lines.length;
        this.#pending = lines.length;
        try {
            await new Promise<void>((resolve, reject) => {
                this.#stream.write(lines, (error) => (error ? reject(error) : resolve()));
            });
            this.#pending = 0;
            // The library takes a short write, as on a disk that fills up, for a whole one.
            if (this.#torn || (await stat(this.#path)).size !== this.#size) {
                throw new Error("ENOSPC: a write was cut short");
            }
        } catch (error) {
            throw sinkError(this.#path, this.#failure ?? (error as Error));
        }
    }

    /** Closes the file; never throws, since all that was written has been acknowledged. */
    async close(): Promise<void> {
        if (this.#stream.closed) return;
        const closed = once(this.#stream, "close");
        this.#stream.destroy();
        await closed;
    }

    #onRotated(rotated: string): void {
        const { size } = statSync(rotated);
        // By size it is rotated after the write under way, by age before it.
        if (size === this.#size) this.#size = 0;
        else if (size === this.#size - this.#pending) this.#size = this.#pending;
        else this.#torn = true;
        // An empty one would take the place of an old one that is not.
        if (size === 0) unlinkSync(rotated);
    }
}

/** Cuts an unfinished line off; returns the size that is left, 0 for a file that does not exist. */
async function repair(path: string): Promise<number> {
    let handle;
    try {
        handle = await open(path, "r+");
    } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "ENOENT") return 0;
        throw error;
    }
    try {
        const { size } = await handle.stat();
        const end = await lastLineEnd(handle, size);
        if (end < size) await handle.truncate(end);
        return end;
    } finally {
        await handle.close();
    }
}

function sinkError(path: string, cause: Error): SinkError {
    return new SinkError(`${path}: ${cause.message}`, { cause });
}
