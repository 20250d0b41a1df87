import { isDeepStrictEqual } from "node:util";

import {
    Document,
    isMap,
    isScalar,
    parseDocument,
    type Pair,
    type Scalar,
    type YAMLMap,
} from "yaml";

import { FormatIssue, type Data, type Entry, type Format } from "../types";

import {
    appendLines,
    applyEdits,
    cutLines,
    isBlank,
    lineEnd,
    lineEnding,
    lineNumber,
    lineStart,
} from "./text";

/*
 * yaml says where things are; the edits are whole lines. Its `toString` of the whole document would set indentation,
 * line width and blank lines anew.
 */

type Member = Pair<Scalar, unknown>;

function parse(text: string): Document.Parsed {
    const document = parseDocument(text);
    const [error] = document.errors;
    if (error !== undefined) {
        const what = error.message.split(/ at line \d|\n/)[0] ?? error.code;
        throw new FormatIssue(`not valid YAML (${what})`, error.linePos?.[0].line);
    }
    if (
        document.contents !== null &&
        !isMap(document.contents) &&
        !isEmptyScalar(document.contents)
    )
        throw new FormatIssue("the file holds no YAML mapping", 1);
    return document;
}

const isEmptyScalar = (node: unknown): boolean => isScalar(node) && node.value === null;

const startOf = (member: Member): number => member.key.range?.[0] ?? 0;

/** Offset after the lines of a member, comments on its last line included. */
function memberEnd(text: string, member: Member): number {
    const value = member.value as { range?: [number, number, number] } | null;
    const end = value?.range?.[1] ?? member.key.range?.[1] ?? 0;
    return text[end - 1] === "\n" ? end : lineEnd(text, end);
}

function memberOf(map: unknown, key: string): Member | undefined {
    if (!isMap(map)) return undefined;
    return map.items.find((pair) => isScalar(pair.key) && pair.key.value === key) as
        Member | undefined;
}

/** Lines of a document, indented. */
function render(text: string, document: Document, indent: string): string {
    const lines = document.toString({ lineWidth: 0 }).trimEnd().split("\n");
    const eol = lineEnding(text);
    return lines.map((line) => (line === "" ? line : indent + line)).join(eol) + eol;
}

/** A mapping in block style below a key; flow style leaves no line to add. */
function blockBelow(text: string, member: Member): YAMLMap | undefined {
    if (isMap(member.value) && member.value.items.length > 0) {
        if (member.value.flow !== true) return member.value;
        const name = String(member.key.value);
        throw new FormatIssue(
            `"${name}" is written on one line, in braces`,
            lineNumber(text, startOf(member)),
        );
    }
    if (member.value === null || isMap(member.value) || isEmptyScalar(member.value))
        return undefined;
    throw new FormatIssue(
        `"${String(member.key.value)}" is not a mapping`,
        lineNumber(text, startOf(member)),
    );
}

/** Text with lines right below the line of a key whose value is empty so far, or a block. */
function insertBelow(text: string, member: Member, lines: string): string {
    const value = member.value as { range?: [number, number, number] } | null;
    const bare = blockBelow(text, member)
        ? text
        : applyEdits(text, [
              {
                  from: member.key.range?.[1] ?? 0,
                  to: value?.range?.[1] ?? member.key.range?.[1] ?? 0,
                  text: ":",
              },
          ]);
    const at = lineEnd(bare, startOf(member));
    return appendLines(bare.slice(0, at), lines) + bare.slice(at);
}

/** Text in which a member has the owned keys set; its other keys and its comments stay. */
function update(text: string, member: Member, says: Entry, entry: Entry, owned: readonly string[]) {
    const key = String(member.key.value);
    const document = new Document({ [key]: {} });
    (document.contents as unknown as YAMLMap).items = [member.clone()];
    for (const name of owned.filter((each) => !isDeepStrictEqual(says[each], entry[each]))) {
        if (entry[name] === undefined) document.deleteIn([key, name]);
        else document.setIn([key, name], document.createNode(entry[name]));
    }
    const from = lineStart(text, startOf(member));
    const lines = render(text, document, text.slice(from, startOf(member)));
    return appendLines(text.slice(0, from), lines) + text.slice(memberEnd(text, member));
}

/** YAML in which an entry is a block mapping below a top-level key: the path has two keys. */
export const yaml: Format = {
    name: "YAML",
    blank: "",

    read: (text): Data => (parse(text).toJS() as Data | null) ?? {},

    put(text, [top = "", name = ""], entry, owned) {
        const document = parse(text);
        const member = memberOf(document.contents, top);
        if (!member) {
            if (isMap(document.contents) && document.contents.flow === true)
                throw new FormatIssue("the file is written on one line, in braces", 1);
            const lines = render(text, new Document({ [top]: { [name]: entry } }), "");
            return isBlank(text) ? lines : appendLines(text, lines);
        }
        const block = blockBelow(text, member);
        const there = memberOf(block, name);
        const first = block?.items[0] as Member | undefined;
        const indent = first ? text.slice(lineStart(text, startOf(first)), startOf(first)) : "  ";
        if (!there)
            return insertBelow(text, member, render(text, new Document({ [name]: entry }), indent));
        const says = (document.toJS() as Record<string, Record<string, Entry>>)[top]?.[name] ?? {};
        if (!isMap(there.value))
            throw new FormatIssue(
                `"${top}.${name}" is not a mapping`,
                lineNumber(text, startOf(there)),
            );
        if (owned.every((key) => isDeepStrictEqual(says[key], entry[key]))) return text;
        return update(text, there, says, entry, owned);
    },

    drop(text, [top = "", name = ""]) {
        const member = memberOf(parse(text).contents, top);
        if (!member) return text;
        const block = blockBelow(text, member);
        const there = memberOf(block, name);
        if (!there) return text;
        const from = lineStart(text, startOf(there));
        const to = memberEnd(text, there);
        const header = lineEnd(text, startOf(member));
        if (block?.items.length !== 1) return cutLines(text, from, to);
        if (isBlank(text.slice(header, from))) {
            const rest = cutLines(text, lineStart(text, startOf(member)), to);
            return isBlank(rest) ? "" : rest;
        }
        const emptied = applyEdits(text, [
            {
                from: member.key.range?.[1] ?? 0,
                to: (member.key.range?.[1] ?? 0) + 1,
                text: ": {}",
            },
        ]);
        return cutLines(emptied, from + 3, to + 3);
    },
};
