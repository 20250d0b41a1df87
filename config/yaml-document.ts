import {
    isAlias,
    isMap,
    isPair,
    isScalar,
    isSeq,
    LineCounter,
    parseDocument,
    Parser,
    visit,
    type Alias,
    type CST,
    type Document,
    type Node,
    type YAMLError,
} from "yaml";
import { formatPath, type FieldPath } from "./manifest-issue";

/** A place in the text, both from 1. */
export interface Place {
    readonly line: number;
    readonly column: number;
}

/** Something wrong with the text itself. */
export interface SyntaxIssue extends Place {
    readonly field: string;
    readonly problem: string;
    readonly remedy: string;
}

/** A YAML text that was read. */
export interface YamlDocument {
    /** Plain data; `undefined` when the text is too broken to be looked at further. */
    readonly data: unknown;
    readonly issues: readonly SyntaxIssue[];
    /** Place of a field's key, or of a list's item; of the nearest parent when the field is missing. */
    locate(path: FieldPath): Place;
}

/** Most times the anchors of a file may be repeated, in all: stops alias bombs. */
const MOST_ALIASES = 50;

/** Most levels of nesting; the format itself has six. */
const DEEPEST = 50;

/**
 * In our own words: the library's messages repeat text of the file, which may be a secret in the wrong
 * place.
 */
const SYNTAX: Readonly<Record<string, readonly [problem: string, remedy: string]>> = {
    DUPLICATE_KEY: ["is written twice", "keep one of them"],
    MULTIPLE_DOCS: [
        "the file holds more than one document",
        "write one server a file, without ---",
    ],
    TAB_AS_INDENT: ["a tab is used for indentation", "indent with spaces"],
    BAD_INDENT: ["the indentation does not fit", "indent with two spaces a level"],
    BAD_ALIAS: ["the alias or anchor is malformed", "give it a plain name, or quote the text"],
    BAD_SCALAR_START: ["the text starts with a reserved character", "quote it"],
    BAD_DQ_ESCAPE: [
        "unknown escape in double quotes",
        "use single quotes, or \\\\ for a backslash",
    ],
    MISSING_CHAR: ["a quote, comma, colon or bracket is missing", "add it"],
    BLOCK_AS_IMPLICIT_KEY: ["a mapping starts where only a value fits", "quote the value"],
    MULTILINE_IMPLICIT_KEY: ["a key spans several lines", "check for a missing colon or quote"],
    TAG_RESOLVE_FAILED: ["the tag is unknown", "remove the !tag, or quote the text"],
};

const UNKNOWN_ALIAS = [
    "the alias has no anchor before it",
    "define &name first, or quote the text",
] as const;

const TOO_DEEP = broken("the text is nested too deeply", "write it like the other manifests");
const MULTIPLYING = broken("anchors and aliases repeat too much", "write the values out");

function broken(problem: string, remedy: string): YamlDocument {
    const start = { line: 1, column: 1 };
    return {
        data: undefined,
        issues: [{ ...start, field: "", problem, remedy }],
        locate: () => start,
    };
}

/** Reads one YAML 1.2 document. Never throws for what the text holds. */
export function readYaml(text: string): YamlDocument {
    const lines = new LineCounter();
    if (tooDeep(text)) return TOO_DEEP;
    const doc = parseDocument(text, { lineCounter: lines, prettyErrors: false, logLevel: "error" });
    const place = (offset: number): Place => {
        const { line, col } = lines.linePos(offset);
        return { line: Math.max(line, 1), column: Math.max(col, 1) };
    };
    const issues = uniquePlaces(
        [...doc.errors, ...doc.warnings].map((error) =>
            syntaxIssue(doc, error, place(error.pos[0])),
        ),
    );
    const locate = (path: FieldPath): Place => place(offsetOf(doc, path));
    if (!doc.errors.every((error) => error.code === "DUPLICATE_KEY")) {
        return { data: undefined, issues, locate };
    }
    const aliases = aliasesOf(doc);
    if (aliases.length > MOST_ALIASES) return MULTIPLYING;
    const unknown = aliases.filter((alias) => alias.resolve(doc) === undefined);
    if (unknown.length > 0) {
        const [problem, remedy] = UNKNOWN_ALIAS;
        const found = unknown.map((alias) => place(alias.range?.[0] ?? 0));
        const more = found.map((where) => ({ ...where, field: "", problem, remedy }));
        return { data: undefined, issues: [...issues, ...more], locate };
    }
    try {
        return { data: doc.toJS({ maxAliasCount: MOST_ALIASES }) as unknown, issues, locate };
    } catch {
        return MULTIPLYING;
    }
}

function aliasesOf(doc: Document.Parsed): Alias[] {
    const aliases: Alias[] = [];
    visit(doc, { Alias: (_, alias) => void aliases.push(alias) });
    return aliases;
}

/**
 * The composer below calls itself for each level: a text of brackets alone would end the process. The
 * token tree is built without that.
 */
function tooDeep(text: string): boolean {
    const open: { token: CST.Token; depth: number }[] = [];
    for (const token of new Parser().parse(text)) open.push({ token, depth: 0 });
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
        const { token, depth } = next;
        if (depth > DEEPEST) return true;
        if (token.type === "document" && token.value) open.push({ token: token.value, depth });
        if (!("items" in token)) continue;
        for (const { key, value } of token.items) {
            for (const child of [key, value]) {
                if (child) open.push({ token: child, depth: depth + 1 });
            }
        }
    }
    return false;
}

function syntaxIssue(doc: Document.Parsed, error: YAMLError, place: Place): SyntaxIssue {
    const [problem, remedy] = SYNTAX[error.code] ?? [
        "this is not valid YAML",
        "check quotes, colons and indentation here",
    ];
    const field = error.code === "DUPLICATE_KEY" ? fieldAt(doc, error.pos[0]) : "";
    return { ...place, field, problem, remedy };
}

/** One broken character often gives several errors: the first of each place is enough. */
function uniquePlaces(issues: readonly SyntaxIssue[]): SyntaxIssue[] {
    const seen = new Set<string>();
    return issues.filter(({ line, column, field }) => {
        const place = field === "" ? `${line}` : `${line}:${column}`;
        return !seen.has(place) && seen.add(place);
    });
}

/** Path of the field whose key starts at the offset. */
function fieldAt(doc: Document.Parsed, offset: number): string {
    let found = "";
    visit(doc, {
        Pair(_, pair, ancestors) {
            if (!isScalar(pair.key) || pair.key.range?.[0] !== offset) return undefined;
            const path: (string | number)[] = [];
            [...ancestors, pair].forEach((node, index, all) => {
                if (isPair(node) && isScalar(node.key)) path.push(String(node.key.value));
                if (isSeq(node)) path.push(node.items.findIndex((item) => item === all[index + 1]));
            });
            found = formatPath(path);
            return visit.BREAK;
        },
    });
    return found;
}

function offsetOf(doc: Document.Parsed, path: FieldPath): number {
    let node: Node | null = doc.contents;
    let offset = node?.range?.[0] ?? 0;
    for (const part of path) {
        if (isAlias(node)) node = node.resolve(doc) ?? null;
        if (isMap(node)) {
            const pair = node.items.findLast(
                ({ key }) => isScalar(key) && String(key.value) === String(part),
            );
            if (pair === undefined || !isScalar(pair.key)) return offset;
            offset = pair.key.range?.[0] ?? offset;
            node = (pair.value ?? null) as Node | null;
        } else if (isSeq(node) && typeof part === "number") {
            node = (node.items[part] ?? null) as Node | null;
            offset = node?.range?.[0] ?? offset;
        } else {
            return offset;
        }
    }
    return offset;
}
