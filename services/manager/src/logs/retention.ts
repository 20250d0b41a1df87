/** Removes what the limits do not keep: the oldest files of a container, then the oldest of all. */
import { stat, unlink } from "node:fs/promises";

import { listFiles, type LogFile } from "./files.ts";
import type { LogLimits } from "./limits.ts";

interface Sized extends LogFile {
    readonly bytes: number;
    readonly modified: number;
}

/**
 * Sweeps once; returns the bytes that are left. A file for which `inUse` says that its container is followed is kept
 * whatever its size; that of a container that is gone counts as rotated.
 */
export async function sweep(
    dir: string,
    limits: LogLimits,
    inUse: (container: string) => boolean,
): Promise<number> {
    const kept: Sized[] = [];
    for (const group of groups(await sized(await listFiles(dir))).values()) {
        const rotated = group
            .filter(({ sequence }) => sequence !== undefined)
            .sort((a, b) => (a.sequence ?? 0) - (b.sequence ?? 0));
        // One of the files kept is, or will be, the one that is written to.
        const tooMany = rotated.splice(0, Math.max(0, rotated.length - (limits.files - 1)));
        for (const { path } of tooMany) await unlink(path);
        kept.push(...group.filter((file) => !tooMany.includes(file)));
    }
    let total = kept.reduce((sum, { bytes }) => sum + bytes, 0);
    const removable = kept
        .filter(({ sequence, container }) => sequence !== undefined || !inUse(container))
        .sort((a, b) => a.modified - b.modified);
    for (const { path, bytes } of removable) {
        if (total <= limits.totalBytes) break;
        await unlink(path);
        total -= bytes;
    }
    return total;
}

function groups(files: readonly Sized[]): Map<string, Sized[]> {
    return Map.groupBy(files, ({ container }) => container);
}

async function sized(files: readonly LogFile[]): Promise<Sized[]> {
    const found: Sized[] = [];
    for (const file of files) {
        // Renamed or removed meanwhile: the next sweep sees it.
        const stats = await stat(file.path).catch(() => undefined);
        if (stats) found.push({ ...file, bytes: stats.size, modified: stats.mtimeMs });
    }
    return found;
}
