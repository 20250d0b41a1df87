import { getStaticTOMLValue, ParseError, parseTOML, type AST } from "toml-eslint-parser";

import { FormatIssue, type Data, type Entry, type Format } from "../types";

import { appendLines, applyEdits, cutLines, isBlank, lineEnd, lineEnding, lineStart } from "./text";

/*
 * toml-eslint-parser says where things are; the edits are whole lines of a table of its own for each entry. A library
 * that patches a file to a wanted value was tried (@decimalturn/toml-patch 3.3.0) and is no choice: it wrote inline
 * tables with a trailing comma, which TOML 1.0 refuses, and moved a comment.
 */

type Statement = AST.TOMLTopLevelTable["body"][number];

function parse(text: string): AST.TOMLProgram {
    try {
        return parseTOML(text, { tomlVersion: "1.1" });
    } catch (error) {
        if (error instanceof ParseError)
            throw new FormatIssue(`not valid TOML (${error.message})`, error.lineNumber);
        throw error;
    }
}

const startsWith = (keys: readonly (string | number)[], path: readonly string[]): boolean =>
    path.every((key, index) => keys[index] === key);

/** The tables at a path and below it. */
function tablesAt(text: string, path: readonly string[]): AST.TOMLTable[] {
    return parse(text).body[0].body.filter(
        (node) => node.type === "TOMLTable" && startsWith(node.resolvedKey, path),
    ) as AST.TOMLTable[];
}

function valueAt(data: unknown, path: readonly string[]): unknown {
    return path.reduce<unknown>((value, key) => (value as Data | undefined)?.[key], data);
}

const keyName = (key: string): string => (/^[\w-]+$/.test(key) ? key : JSON.stringify(key));

/** A JSON string is a TOML basic string as well. */
const line = (key: string, value: unknown): string => `${keyName(key)} = ${JSON.stringify(value)}`;

/** Offset after the lines of a table: its header, its keys, and comments on the same lines. */
function tableEnd(text: string, table: AST.TOMLTable): number {
    const last = table.body.at(-1) ?? table.key;
    return lineEnd(text, last.range[1]);
}

/** Refuses an entry that is not in tables of its own: inline, or by dotted keys. */
function refuseOther(text: string, path: readonly string[]): void {
    const other = (node: Statement): boolean => {
        const keys = getStaticTOMLValue(node.key);
        return node.type === "TOMLKeyValue"
            ? keys[0] === path[0]
            : node.resolvedKey.length === 1 && keys[0] === path[0] && node.body.length > 0;
    };
    const node = parse(text).body[0].body.find(other);
    const name = path.map(keyName).join(".");
    throw new FormatIssue(
        `${name} is not written as a table [${name}]`,
        node ? node.loc.start.line : undefined,
    );
}

function setKey(text: string, path: readonly string[], key: string, value: unknown): string {
    const table = tablesAt(text, path).find(
        ({ resolvedKey }) => resolvedKey.length === path.length,
    );
    if (!table) return text;
    const pair = table.body.find(({ key: { keys } }) => {
        const names = keys.map((each) => (each.type === "TOMLBare" ? each.name : each.value));
        return names.length === 1 && names[0] === key;
    });
    if (!pair) {
        if (value === undefined) return text;
        const at = tableEnd(text, table);
        const added = appendLines(text.slice(0, at), line(key, value) + lineEnding(text));
        return added + text.slice(at);
    }
    const [from, to] = pair.range;
    if (value === undefined) return cutLines(text, lineStart(text, from), lineEnd(text, to));
    if (getStaticTOMLValue(pair.value) === value) return text;
    const [start, end] = pair.value.range;
    return applyEdits(text, [{ from: start, to: end, text: JSON.stringify(value) }]);
}

function appendTable(text: string, path: readonly string[], entry: Entry): string {
    const eol = lineEnding(text);
    const lines = [
        ...(isBlank(text) ? [] : [""]),
        `[${path.map(keyName).join(".")}]`,
        ...Object.entries(entry).map(([key, value]) => line(key, value)),
        "",
    ];
    return appendLines(isBlank(text) ? "" : text, lines.join(eol));
}

/** Text without a table and the blank line that set it apart. */
function cutTable(text: string, table: AST.TOMLTable): string {
    const from = lineStart(text, table.range[0]);
    const to = tableEnd(text, table);
    const gap = /(?:^|\n)(\r?\n)$/.exec(text.slice(0, from))?.[1];
    if (gap !== undefined) return cutLines(text, from - gap.length, to);
    const gapBehind = from === 0 ? /^\r?\n/.exec(text.slice(to))?.[0].length : undefined;
    return cutLines(text, from, to + (gapBehind ?? 0));
}

/** TOML in which each entry is a table of its own; the values of an entry are strings. */
export const toml: Format = {
    name: "TOML",
    blank: "",

    read: (text): Data => getStaticTOMLValue(parse(text)),

    put(text, path, entry, owned) {
        const own = tablesAt(text, path).find(
            ({ resolvedKey }) => resolvedKey.length === path.length,
        );
        if (own) return owned.reduce((done, key) => setKey(done, path, key, entry[key]), text);
        const there = valueAt(toml.read(text), path) as Entry | undefined;
        if (there !== undefined && owned.every((key) => there[key] === entry[key])) return text;
        const appended = appendTable(text, path, entry);
        try {
            parse(appended);
        } catch {
            refuseOther(text, path);
        }
        return appended;
    },

    drop(text, path) {
        let done = text;
        for (;;) {
            const table = tablesAt(done, path).at(-1);
            if (!table) break;
            done = cutTable(done, table);
        }
        if (valueAt(toml.read(done), path) !== undefined) refuseOther(done, path);
        return isBlank(done) ? "" : done;
    },
};
