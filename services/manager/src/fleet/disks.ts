/** How full the disks are. */
import { statfs } from "node:fs/promises";

import type { Snapshot } from "../model.ts";

/**
 * Reads the file systems at these paths; one that cannot be read is left out.
 *
 * The root of a container lies on the inner daemon's data volume, and an overlay answers for the file system below it:
 * that spares Docker's own account of its disk, which walks through every layer.
 */
export async function readDisks(
    paths: Readonly<Record<string, string>>,
): Promise<Snapshot["disks"]> {
    const found = await Promise.all(
        Object.entries(paths).map(async ([name, path]) => {
            try {
                const { blocks, bfree, bavail, bsize } = await statfs(path);
                const usedBytes = (blocks - bfree) * bsize;
                // As df does: what is reserved for root counts neither as used nor as there.
                return [{ name, usedBytes, totalBytes: usedBytes + bavail * bsize }];
            } catch {
                return [];
            }
        }),
    );
    return found.flat();
}
