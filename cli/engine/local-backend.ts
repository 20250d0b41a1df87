import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import * as path from "node:path";

import { PROJECT_NAME, type Project } from "../project";

/** True when the local backend knows this stack. */
export function hasState(project: Project): boolean {
    const file = `${project.stack}.json`;
    return existsSync(path.join(project.stateDir(), ".pulumi/stacks", PROJECT_NAME, file));
}

/**
 * Takes the encryption salt out of the settings file of a stack that is not there (any more): it belongs to a passphrase
 * of another machine, or of a state that is gone, and would make the next start fail. Kept when it is needed, that is
 * when settings are encrypted or the user brings a passphrase.
 */
export function dropForeignSalt(project: Project): void {
    const chosen =
        process.env.PULUMI_CONFIG_PASSPHRASE ?? process.env.PULUMI_CONFIG_PASSPHRASE_FILE;
    if (chosen !== undefined || project.encryptedKeys().length > 0) return;
    if (!existsSync(project.settingsFile)) return;
    const text = readFileSync(project.settingsFile, "utf8");
    const without = text.replace(/^encryptionsalt:.*\n?/m, "");
    if (without !== text) writeFileSync(project.settingsFile, without);
}

/**
 * Removes empty attribute files, which a run killed while it wrote leaves: with one the backend reads nothing
 * ("failed to load checkpoint: EOF"), without it takes defaults.
 */
export function dropHalfWritten(stateDir: string): void {
    const folder = path.join(stateDir, ".pulumi");
    if (!existsSync(folder)) return;
    for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
        const file = path.join(entry.parentPath, entry.name);
        if (entry.isFile() && file.endsWith(".attrs") && statSync(file).size === 0) rmSync(file);
    }
}

/** Files of this stack's locks: one for a run under way, or for one that died. */
function lockFiles(stateDir: string, stack: string): string[] {
    const locks = path.join(stateDir, ".pulumi", "locks");
    if (!existsSync(locks)) return [];
    return readdirSync(locks, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile() && entry.name.endsWith(".json"))
        .filter((entry) => path.basename(entry.parentPath) === stack)
        .map((entry) => path.join(entry.parentPath, entry.name));
}

/** Whether a run holds this stack's lock, or died with it. */
export function isLocked(stateDir: string, stack: string): boolean {
    return lockFiles(stateDir, stack).length > 0;
}

/** The process on this machine that holds this stack's lock and still lives. */
export function liveRun(stateDir: string, stack: string): number | undefined {
    return lockFiles(stateDir, stack)
        .map(lockHolder)
        .find((pid) => pid !== undefined && isAlive(pid));
}

/** The process a lock names; a lock that was cut short names none. */
function lockHolder(file: string): number | undefined {
    try {
        const lock = JSON.parse(readFileSync(file, "utf8")) as { pid?: number; hostname?: string };
        return lock.hostname === hostname() ? lock.pid : undefined;
    } catch {
        return undefined;
    }
}

/** Whether a process of this number runs on this machine. */
export function isAlive(pid: number): boolean {
    try {
        process.kill(pid, 0);
        return true;
    } catch (error) {
        // Somebody else's process is alive all the same.
        return (error as NodeJS.ErrnoException).code === "EPERM";
    }
}
