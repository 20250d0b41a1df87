/** Lines of a file from its end, without reading more of it than asked for. */
import type { FileHandle } from "node:fs/promises";

/** A line without its end, and where it begins. */
export interface FoundLine {
    readonly offset: number;
    readonly bytes: Buffer;
}

const BLOCK = 64 * 1024;
const NEWLINE = 10;

/** Where the last whole line ends, looking back from `size`; 0 when there is none. */
export async function lastLineEnd(handle: FileHandle, size: number): Promise<number> {
    for (let at = size; at > 0;) {
        const from = Math.max(0, at - BLOCK);
        const found = (await readExactly(handle, from, at)).lastIndexOf(NEWLINE);
        if (found !== -1) return from + found + 1;
        at = from;
    }
    return 0;
}

/** The lines before `end`, which must be the end of a line, newest first, in groups of a block of the file. */
export async function* linesBackwards(
    handle: FileHandle,
    end: number,
): AsyncGenerator<FoundLine[], void, undefined> {
    // End of a line that begins in a block not read yet.
    let tail: Buffer = Buffer.alloc(0);
    for (let at = end; at > 0;) {
        const from = Math.max(0, at - BLOCK);
        const block = await readExactly(handle, from, at);
        const data = tail.length > 0 ? Buffer.concat([block, tail]) : block;
        const lines: FoundLine[] = [];
        let stop = data.length;
        while (stop > 1) {
            const newline = data.lastIndexOf(NEWLINE, stop - 2);
            if (newline === -1) break;
            lines.push({ offset: from + newline + 1, bytes: data.subarray(newline + 1, stop - 1) });
            stop = newline + 1;
        }
        tail = data.subarray(0, stop);
        if (from === 0) lines.push({ offset: 0, bytes: data.subarray(0, stop - 1) });
        yield lines;
        at = from;
    }
}

/** The bytes from `start` to `end`, fewer where the file ends before. */
export async function readExactly(handle: FileHandle, start: number, end: number): Promise<Buffer> {
    const buffer = Buffer.allocUnsafe(end - start);
    let length = 0;
    while (length < buffer.length) {
        const { bytesRead } = await handle.read(
            buffer,
            length,
            buffer.length - length,
            start + length,
        );
        if (bytesRead === 0) break;
        length += bytesRead;
    }
    return buffer.subarray(0, length);
}
