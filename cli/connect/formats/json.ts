import { isDeepStrictEqual } from "node:util";

import {
    findNodeAtLocation,
    getNodeValue,
    parseTree,
    printParseErrorCode,
    visit,
    type Node,
    type ParseError,
} from "jsonc-parser";

import { FormatIssue, type Data, type Entry, type Format } from "../types";

import { applyEdits, indentOf, isBlank, lineEnding, lineNumber, type Edit } from "./text";

/*
 * Edits are made on jsonc-parser's tree and not with its `modify`, which puts a new member between a member and the
 * comment behind it, so that the comment then speaks of the wrong one.
 */

interface Parsed {
    readonly text: string;
    /** Undefined for blank text. */
    readonly root: Node | undefined;
    readonly commas: readonly number[];
    /** Start and end of each comment. */
    readonly comments: readonly (readonly [number, number])[];
}

function parse(text: string): Parsed {
    const errors: ParseError[] = [];
    const commas: number[] = [];
    const comments: [number, number][] = [];
    const root = parseTree(text, errors, { allowTrailingComma: true });
    const [error] = errors;
    if (error !== undefined && !isBlank(text)) {
        const what = printParseErrorCode(error.error)
            .replace(/([a-z])([A-Z])/g, "$1 $2")
            .toLowerCase();
        throw new FormatIssue(`not valid JSON (${what})`, lineNumber(text, error.offset));
    }
    visit(text, {
        onSeparator: (character, offset) => {
            if (character === ",") commas.push(offset);
        },
        onComment: (offset, length) => comments.push([offset, offset + length]),
    });
    if (root && root.type !== "object")
        throw new FormatIssue("the file holds no JSON object", lineNumber(text, root.offset));
    return { text, root, commas, comments };
}

const endOf = (node: Node): number => node.offset + node.length;

/** The value of a node; jsonc-parser's objects have no prototype, and would not be equal to others. */
const valueOf = (node: Node): unknown => JSON.parse(JSON.stringify(getNodeValue(node)));

/** First comma between two offsets. */
function commaIn({ commas }: Parsed, from: number, to: number): number | undefined {
    return commas.find((at) => at >= from && at < to);
}

/** End of the last comma or comment between two offsets; `from` when there is none. */
function contentEnd({ commas, comments }: Parsed, from: number, to: number): number {
    const ends = [
        ...commas.filter((at) => at >= from && at < to).map((at) => at + 1),
        ...comments.filter(([start]) => start >= from && start < to).map(([, end]) => end),
    ];
    return Math.max(from, ...ends);
}

/** One level of indentation, as the file's first member has it. */
function indentUnit({ text, root }: Parsed): string {
    const first = root?.children?.[0];
    return (first && indentOf(text, first.offset)) || "  ";
}

function render(value: unknown, parsed: Parsed, indent: string): string {
    const lines = JSON.stringify(value, null, indentUnit(parsed)).split("\n");
    return lines.join(lineEnding(parsed.text) + indent);
}

/** Text with a member (an element, when `key` is undefined) at the end of an object or array. */
function append(parsed: Parsed, container: Node, key: string | undefined, value: unknown): string {
    const { text } = parsed;
    const eol = lineEnding(text);
    const label = key === undefined ? "" : `${JSON.stringify(key)}: `;
    const close = endOf(container) - 1;
    const first = container.children?.[0];
    const last = container.children?.at(-1);
    const after = last ? endOf(last) : container.offset + 1;
    const end = contentEnd(parsed, after, close);
    const outer = indentOf(text, container.offset);
    const aligned = first && /\n\s*$/.test(text.slice(container.offset + 1, first.offset));
    const indent = aligned ? indentOf(text, first.offset) : outer + indentUnit(parsed);
    const member = label + render(value, parsed, indent);
    if (!last && end === after) {
        const body = `${eol}${indent}${member}${eol}${outer}`;
        return applyEdits(text, [{ from: after, to: close, text: body }]);
    }
    const comma = commaIn(parsed, after, close);
    const tail = comma === undefined ? "" : ",";
    const flat = !text.slice(container.offset, close).includes("\n");
    const piece = flat ? ` ${label}${JSON.stringify(value)}` : `${eol}${indent}${member}`;
    const edits: Edit[] = [{ from: end, to: end, text: piece + tail }];
    if (last && comma === undefined) edits.unshift({ from: after, to: after, text: "," });
    return applyEdits(text, edits);
}

/** Text without one child of an object or array, and without the comma that stood for it. */
function remove(parsed: Parsed, container: Node, child: Node): string {
    const children = container.children ?? [];
    const index = children.indexOf(child);
    const previous = children[index - 1];
    const next = children[index + 1];
    const from = previous ? endOf(previous) : container.offset + 1;
    const to = next ? next.offset : endOf(container) - 1;
    const edits: Edit[] = [
        { from: contentEnd(parsed, from, child.offset), to: endOf(child), text: "" },
    ];
    const comma = commaIn(parsed, endOf(child), to) ?? commaIn(parsed, from, child.offset);
    if (comma !== undefined) edits.push({ from: comma, to: comma + 1, text: "" });
    return applyEdits(parsed.text, edits);
}

const nest = (keys: readonly string[], value: unknown): unknown =>
    keys.reduceRight((inner, key) => ({ [key]: inner }), value);

function propertyOf(container: Node, key: string): Node | undefined {
    return container.children?.find((property) => property.children?.[0]?.value === key);
}

/** The object at a path; undefined when a key on the way is missing. Anything else there is an issue. */
function objectAt({ text, root }: Parsed, path: readonly string[]): Node | undefined {
    let node = root;
    for (const [index, key] of path.entries()) {
        node = node && propertyOf(node, key)?.children?.[1];
        if (node && node.type !== "object") {
            const name = path.slice(0, index + 1).join(".");
            throw new FormatIssue(`"${name}" is not an object`, lineNumber(text, node.offset));
        }
    }
    return node;
}

function setMember(text: string, path: readonly string[], key: string, value: unknown): string {
    const parsed = parse(text);
    const container = objectAt(parsed, path);
    if (!container) return text;
    const property = propertyOf(container, key);
    const node = property?.children?.[1];
    if (!property || !node)
        return value === undefined ? text : append(parsed, container, key, value);
    if (value === undefined) return remove(parsed, container, property);
    if (isDeepStrictEqual(valueOf(node), value)) return text;
    const rendered = render(value, parsed, indentOf(text, property.offset));
    return applyEdits(text, [{ from: node.offset, to: endOf(node), text: rendered }]);
}

/** JSON as editors write it: comments and trailing commas are allowed, and stay. */
export const json: Format = {
    name: "JSON",
    blank: "{}\n",

    read(text): Data {
        const { root } = parse(text);
        return root ? (valueOf(root) as Data) : {};
    },

    put(text, path, entry, owned) {
        const parsed = parse(text);
        if (!parsed.root) return `${JSON.stringify(nest(path, entry), null, 2)}\n`;
        if (objectAt(parsed, path))
            return owned.reduce((done, key) => setMember(done, path, key, entry[key]), text);
        const depth = path.findIndex((_, index) => !objectAt(parsed, path.slice(0, index + 1)));
        const container = objectAt(parsed, path.slice(0, depth)) ?? parsed.root;
        return append(parsed, container, path[depth], nest(path.slice(depth + 1), entry));
    },

    drop(text, path, keep) {
        const parsed = parse(text);
        const above = path.slice(0, -1);
        const container = objectAt(parsed, above);
        const property = container && propertyOf(container, path.at(-1) ?? "");
        if (!container || !property) return text;
        return closeUp(remove(parsed, container, property), above, keep);
    },
};

/** Text without the object or array at a path, and those above it, as far as nothing is in them any more. */
function closeUp(text: string, path: readonly string[], keep: number): string {
    const parsed = parse(text);
    const node = parsed.root && findNodeAtLocation(parsed.root, [...path]);
    if (!node || !isBlank(text.slice(node.offset + 1, endOf(node) - 1))) return text;
    if (path.length === 0) return isBlank(text.slice(endOf(node))) && node.offset === 0 ? "" : text;
    if (path.length > keep) return json.drop(text, path, keep);
    const inner = { from: node.offset + 1, to: endOf(node) - 1, text: "" };
    return applyEdits(text, [inner]);
}

/** The array under a top-level key and the element in it that has the `id` of another. */
function elementOf(parsed: Parsed, key: string, id: unknown): { array?: Node; node?: Node } {
    const array = parsed.root && propertyOf(parsed.root, key)?.children?.[1];
    if (array && array.type !== "array") {
        const line = lineNumber(parsed.text, array.offset);
        throw new FormatIssue(`"${key}" is not an array`, line);
    }
    const node = array?.children?.find((each) => (valueOf(each) as Entry | null)?.id === id);
    return { array, node };
}

/** Text with an element in the array under a top-level key, unless one of its `id` is there. */
export function putElement(text: string, key: string, element: Entry): string {
    const parsed = parse(text);
    const { array, node } = elementOf(parsed, key, element.id);
    if (node || !parsed.root) return text;
    if (array) return append(parsed, array, undefined, element);
    return append(parsed, parsed.root, key, [element]);
}

/** Text without the element of that `id`; the array goes when it becomes empty. */
export function dropElement(text: string, key: string, id: unknown): string {
    const parsed = parse(text);
    const { array, node } = elementOf(parsed, key, id);
    return array && node ? closeUp(remove(parsed, array, node), [key], 0) : text;
}
