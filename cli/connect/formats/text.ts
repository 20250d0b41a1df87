/** One replacement in a text: what lies between two offsets gives way to something else. */
export interface Edit {
    readonly from: number;
    readonly to: number;
    readonly text: string;
}

/** Text after edits that do not overlap; of two insertions at one place the earlier in the list comes first. */
export function applyEdits(text: string, edits: readonly Edit[]): string {
    const ordered = edits.toSorted((a, b) => a.from - b.from);
    let done = 0;
    let result = "";
    for (const edit of ordered) {
        result += text.slice(done, edit.from) + edit.text;
        done = edit.to;
    }
    return result + text.slice(done);
}

/** The line ending a text uses; a newline when it has none yet. */
export function lineEnding(text: string): string {
    return /\r?\n/.exec(text)?.[0] ?? "\n";
}

/** Offset of the start of the line that holds `offset`. */
export function lineStart(text: string, offset: number): number {
    return text.lastIndexOf("\n", offset - 1) + 1;
}

/** Offset after the end of the line that holds `offset`, its line ending included. */
export function lineEnd(text: string, offset: number): number {
    const found = text.indexOf("\n", offset);
    return found === -1 ? text.length : found + 1;
}

/** Number of the line that holds `offset`, from 1. */
export function lineNumber(text: string, offset: number): number {
    return text.slice(0, offset).split("\n").length;
}

/** White space at the start of the line that holds `offset`. */
export function indentOf(text: string, offset: number): string {
    return /^[ \t]*/.exec(text.slice(lineStart(text, offset)))?.[0] ?? "";
}

/** True for text without anything in it but white space. */
export function isBlank(text: string): boolean {
    return text.trim() === "";
}

/**
 * Text without the lines between two offsets. Where they were the last and the text ends without a line ending, the
 * one before them goes as well: appending leaves such a text without its ending, and this takes back what it did.
 */
export function cutLines(text: string, from: number, to: number): string {
    const before = text.slice(0, from);
    const last = to === text.length && !text.endsWith("\n");
    return (last ? before.replace(/\r?\n$/, "") : before) + text.slice(to);
}

/** Lines after the end of a text, which keeps its way to end: with a line ending or without one. */
export function appendLines(text: string, lines: string): string {
    if (text === "" || text.endsWith("\n")) return text + lines;
    const eol = lineEnding(text);
    return text + eol + (lines.endsWith(eol) ? lines.slice(0, -eol.length) : lines);
}
