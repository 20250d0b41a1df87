/** JSON-RPC messages as clients post them: parsed once, checked, and written anew for the server. */
import { CODE, type Id, type Refusal } from "./refusal.ts";

/** An object of a message, of unknown content. */
export type Json = Readonly<Record<string, unknown>>;

/** A message from a client; `text` is what a server gets to read. */
export interface Message {
    readonly kind: "request" | "notification" | "response";
    readonly id: Id;
    /** Empty for a response. */
    readonly method: string;
    readonly params: Json | undefined;
    /** `_meta` of the params; empty when there is none. */
    readonly meta: Json;
    readonly json: Json;
    readonly text: string;
}

/** The request that stays open for notifications (2026-07-28). */
export const LISTEN = "subscriptions/listen";

const MEMBERS = ["jsonrpc", "id", "method", "params", "result", "error"];
/** Methods whose `params` say by this member what is asked for, as policy and audit read it. */
const SUBJECTS: Readonly<Record<string, "name" | "uri">> = {
    "tools/call": "name",
    "prompts/get": "name",
    "resources/read": "uri",
};
const LONGEST_METHOD = 128;
const LONGEST_ID = 256;

/**
 * Reads one message.
 *
 * The server gets the message written anew: of a member that stands twice, or in a spelling that
 * some parsers take for the same, it sees exactly what was checked here. Numbers keep their digits.
 */
export function parseMessage(text: string): Message | Refusal {
    let json: unknown;
    let written: string;
    try {
        json = parseExactly(text);
        // Fails for what is nested deeper than the stack.
        written = JSON.stringify(json);
    } catch {
        return malformed("Parse error: the body is not JSON", CODE.parse);
    }
    if (Array.isArray(json)) {
        return malformed(
            "Invalid Request: batches are not part of the protocol",
            CODE.invalidRequest,
        );
    }
    if (!isObject(json) || json.jsonrpc !== "2.0") {
        return malformed("Invalid Request: not a JSON-RPC 2.0 message", CODE.invalidRequest);
    }
    const { id, method, params } = json;
    const strange = Object.keys(json).find((key) => !MEMBERS.includes(key));
    if (strange !== undefined) {
        return malformed(
            "Invalid Request: a member that JSON-RPC does not have",
            CODE.invalidRequest,
        );
    }
    if (params !== undefined && !isObject(params)) {
        return malformed("Invalid Request: params must be an object", CODE.invalidRequest);
    }
    const hasId = isId(id);
    if (id !== undefined && id !== null && !hasId) {
        return malformed("Invalid Request: id must be a string or an integer", CODE.invalidRequest);
    }
    if (method === undefined) {
        if ("result" in json === "error" in json || (id === undefined && !("error" in json))) {
            return malformed("Invalid Request: neither call nor answer", CODE.invalidRequest);
        }
        const answer = { kind: "response", method: "", params: undefined, meta: {} } as const;
        return { ...answer, id: hasId ? id : null, json, text: written };
    }
    if (typeof method !== "string" || method === "" || method.length > LONGEST_METHOD) {
        return malformed("Invalid Request: method must be a short string", CODE.invalidRequest);
    }
    if ("result" in json || "error" in json || id === null) {
        return malformed("Invalid Request: neither call nor answer", CODE.invalidRequest);
    }
    const ambiguous = params && ambiguousMember(method, params);
    if (ambiguous) return malformed(ambiguous, CODE.invalidParams);
    const kind = id === undefined ? "notification" : "request";
    const meta = isObject(params?._meta) ? params._meta : {};
    return { kind, id: hasId ? id : null, method, params, meta, json, text: written };
}

/** Whether a value is an object that is no array. */
export function isObject(value: unknown): value is Json {
    return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Whether a value can be a JSON-RPC id. */
export function isId(value: unknown): value is string | number {
    if (typeof value === "string") return value.length <= LONGEST_ID;
    return Number.isSafeInteger(value);
}

/** `name` in another spelling of upper and lower case, which Go's parser would take for it. */
function ambiguousMember(method: string, params: Json): string | undefined {
    const subject = SUBJECTS[method];
    if (!subject) return undefined;
    if (typeof params[subject] !== "string") {
        return `Invalid params: ${subject} must be a string`;
    }
    const twin = Object.keys(params).find((k) => k !== subject && k.toLowerCase() === subject);
    return twin === undefined ? undefined : `Invalid params: ${subject} stands twice`;
}

function malformed(message: string, code: number): Refusal {
    return { status: 400, reason: "malformed", message, code };
}

/** Only long runs of digits can lose some; looking for them is cheaper than a reviver for all. */
const LONG_NUMBER = /\d{16}/;

interface Source {
    readonly source?: string;
}

/** Parses JSON so that writing it again gives each number the digits it came with. */
function parseExactly(text: string): unknown {
    if (!LONG_NUMBER.test(text)) return JSON.parse(text);
    const { rawJSON } = JSON as unknown as { readonly rawJSON: (source: string) => unknown };
    const reviver = (_key: string, value: unknown, context?: Source): unknown =>
        typeof value === "number" && context?.source !== undefined && !exact(value, context.source)
            ? rawJSON(context.source)
            : value;
    return JSON.parse(text, reviver);
}

function exact(value: number, source: string): boolean {
    return JSON.stringify(value) === source;
}
