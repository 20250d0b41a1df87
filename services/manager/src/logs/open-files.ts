/** All files of one container, opened so that a rotation meanwhile neither hides nor doubles one. */
import { open, type FileHandle } from "node:fs/promises";

import { currentFile, rotatedFiles } from "./files.ts";
import { lastLineEnd } from "./tail.ts";

export interface OpenFile {
    readonly handle: FileHandle;
    readonly inode: bigint;
    /** End of the last whole line when it was opened. */
    readonly end: number;
}

/** Opens the files, newest first; none for a container without a log. Throws LogNameError. */
export async function openNewestFirst(dir: string, name: string): Promise<OpenFile[]> {
    const files: OpenFile[] = [];
    try {
        // The current one first: rotated after that, it is found again below, by its inode.
        await add(files, currentFile(dir, name));
        const rotated = await rotatedFiles(dir, name);
        for (const { path } of rotated.reverse()) await add(files, path);
        return files;
    } catch (error) {
        await closeAll(files);
        throw error;
    }
}

/** Opens one file; `undefined` when there is none of that name. */
export async function openFile(path: string): Promise<OpenFile | undefined> {
    let handle;
    try {
        handle = await open(path);
    } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
        throw error;
    }
    try {
        const { ino, size } = await handle.stat({ bigint: true });
        return { handle, inode: ino, end: await lastLineEnd(handle, Number(size)) };
    } catch (error) {
        await handle.close();
        throw error;
    }
}

export async function closeAll(files: readonly OpenFile[]): Promise<void> {
    await Promise.all(files.map(({ handle }) => handle.close()));
}

async function add(files: OpenFile[], path: string): Promise<void> {
    const file = await openFile(path);
    if (file === undefined) return;
    if (files.some(({ inode }) => inode === file.inode)) await file.handle.close();
    else files.push(file);
}
