/**
 * Names of the log files. `<name>.jsonl` is written to; `<name>@00000042.jsonl` are rotated ones, numbered upwards
 * for ever: unlike times, numbers keep their order when the clock is set back. A container's name can hold no `@`.
 */
import { readdir } from "node:fs/promises";
import { join } from "node:path";

/** A container name that cannot be a file name; the message says what is wrong. */
export class LogNameError extends Error {
    override readonly name = "LogNameError";
}

export interface RotatedFile {
    readonly path: string;
    readonly sequence: number;
}

export interface LogFile {
    readonly path: string;
    readonly container: string;
    /** `undefined` for the file that is written to. */
    readonly sequence: number | undefined;
}

const SUFFIX = ".jsonl";
const SEQUENCE_DIGITS = 8;
/** Docker's own rule, and short enough for a file name with everything that is added. */
const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,199}$/;
const FILE = /^([a-zA-Z0-9][a-zA-Z0-9_.-]{0,199})(?:@(\d{8,15}))?\.jsonl$/;

/** Whether a container's name may become a file name: no separator, no leading dot, no `@`. */
export function isLogName(name: string): boolean {
    return NAME.test(name);
}

/** The file that is written to; throws LogNameError. */
export function currentFile(dir: string, name: string): string {
    if (!isLogName(name)) {
        throw new LogNameError(
            `log name ${JSON.stringify(name.slice(0, 80))}: not a container name; ` +
                "use letters, digits, _ . - and begin with a letter or digit",
        );
    }
    return join(dir, name + SUFFIX);
}

/** Base name of a rotated file. */
export function rotatedName(name: string, sequence: number): string {
    return `${name}@${String(sequence).padStart(SEQUENCE_DIGITS, "0")}${SUFFIX}`;
}

/** Every log file of the folder, in no order; a folder that does not exist has none. */
export async function listFiles(dir: string): Promise<LogFile[]> {
    let entries: string[];
    try {
        entries = await readdir(dir);
    } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
        throw error;
    }
    const files: LogFile[] = [];
    for (const entry of entries) {
        const [, container, sequence] = FILE.exec(entry) ?? [];
        if (container === undefined) continue;
        const path = join(dir, entry);
        files.push({ path, container, sequence: sequence ? Number(sequence) : undefined });
    }
    return files;
}

/** The rotated files of one container, oldest first. */
export async function rotatedFiles(dir: string, name: string): Promise<RotatedFile[]> {
    const found: RotatedFile[] = [];
    for (const { path, container, sequence } of await listFiles(dir)) {
        if (container === name && sequence !== undefined) found.push({ path, sequence });
    }
    return found.sort((a, b) => a.sequence - b.sequence);
}
