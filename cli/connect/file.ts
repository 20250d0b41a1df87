import {
    lstatSync,
    mkdirSync,
    readFileSync,
    readlinkSync,
    realpathSync,
    rmSync,
    statSync,
} from "node:fs";
import * as path from "node:path";

import writeFileAtomic from "write-file-atomic";

import { CliError } from "../errors";

/** A configuration file as it is on disk. */
export interface ConfigFile {
    /** Where the file is; the end of the links for a link. */
    readonly real: string;
    readonly exists: boolean;
    readonly linked: boolean;
    /** Permission bits; undefined for a file that does not exist. */
    readonly mode: number | undefined;
    /** Content without the byte order mark; blank for a file that does not exist. */
    readonly text: string;
    /** The byte order mark it begins with, or nothing. */
    readonly mark: string;
}

const MARK = "\uFEFF";

function realPath(file: string): string | undefined {
    try {
        return realpathSync(file);
    } catch {
        return undefined;
    }
}

/** Reads a configuration file. A link to nowhere and bytes that are not UTF-8 are errors that name the file. */
export function readConfig(file: string): ConfigFile {
    const real = realPath(file);
    if (real === undefined) {
        if (lstatSync(file, { throwIfNoEntry: false })?.isSymbolicLink() === true) {
            throw new CliError(
                `${file}: a link to ${readlinkSync(file)}, which does not exist`,
                "make that file, or remove the link",
            );
        }
        return { real: file, exists: false, linked: false, mode: undefined, text: "", mark: "" };
    }
    const stats = statSync(real);
    if (!stats.isFile()) throw new CliError(`${file}: not a file`, "move it out of the way");
    const content = decode(file, readFileSync(real));
    const mark = content.startsWith(MARK) ? MARK : "";
    return {
        real,
        exists: true,
        linked: lstatSync(file).isSymbolicLink(),
        mode: stats.mode & 0o777,
        text: content.slice(mark.length),
        mark,
    };
}

function decode(file: string, bytes: Buffer): string {
    try {
        return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    } catch {
        throw new CliError(`${file}: not UTF-8`, "save it as UTF-8, then run this again");
    }
}

/**
 * Puts text in place of a file's content: a new file beside it, then a rename, so that nobody ever reads half of it.
 * Mode, owner and links stay; a new file gets `newMode`.
 */
export async function writeConfig(file: ConfigFile, text: string, newMode: number): Promise<void> {
    mkdirSync(path.dirname(file.real), { recursive: true });
    await writeFileAtomic(file.real, file.mark + text, file.exists ? {} : { mode: newMode });
}

/** Removes a file in which nothing is left. */
export function removeConfig(file: ConfigFile): void {
    rmSync(file.real);
}
