/** How things of a server are called on the endpoint of all servers. */
import { createHash } from "node:crypto";

import { SEPARATOR } from "./access.ts";
import { isObject, type Json } from "./message.ts";

/** Several clients and model APIs take no longer names. */
const LONGEST_NAME = 64;
const HASH_DIGITS = 8;

/** What an outer name or URI stands for. */
export interface Inner {
    readonly server: string;
    /** The server's own name or URI for it. */
    readonly own: string;
    /** Whether `own` is a shortened name, to be looked up among the server's. */
    readonly shortened: boolean;
}

/** The name of a server's tool or prompt: `server__name`, with a hash for its end when that is too long. */
export function outerName(server: string, own: string): string {
    const full = `${server}${SEPARATOR}${own}`;
    if (full.length <= LONGEST_NAME) return full;
    const hash = createHash("sha256").update(full).digest("hex").slice(0, HASH_DIGITS);
    return `${full.slice(0, LONGEST_NAME - HASH_DIGITS - 1)}-${hash}`;
}

/** Whose tool or prompt a name is; undefined when it has no server in it. */
export function innerName(outer: string): Inner | undefined {
    // A server's name has no underscore, so the first separator is the gateway's.
    const at = outer.indexOf(SEPARATOR);
    if (at < 1) return undefined;
    const own = outer.slice(at + SEPARATOR.length);
    return { server: outer.slice(0, at), own, shortened: outer.length === LONGEST_NAME };
}

/** The URI, or URI template, of a server's resource: the server becomes part of the scheme. */
export function outerUri(server: string, own: string): string {
    return `${server}+${own}`;
}

/** Whose resource a URI is; undefined when it has no server in it. */
export function innerUri(outer: string): Inner | undefined {
    const at = outer.indexOf("+");
    if (at < 1) return undefined;
    return { server: outer.slice(0, at), own: outer.slice(at + 1), shortened: false };
}

/** An item of a list under its outer name. */
export function renamed(server: string, item: Json): Json {
    return {
        ...item,
        ...(typeof item.name === "string" && { name: outerName(server, item.name) }),
        ...(typeof item.uri === "string" && { uri: outerUri(server, item.uri) }),
        ...(typeof item.uriTemplate === "string" && {
            uriTemplate: outerUri(server, item.uriTemplate),
        }),
    };
}

/** A result whose links and embedded resources have URIs that can be read on this endpoint. */
export function withOuterUris(server: string, result: Json): Json {
    const changed: Record<string, unknown> = {};
    for (const key of ["content", "contents", "messages"]) {
        const items = result[key];
        if (Array.isArray(items)) changed[key] = items.map((item) => outerItem(server, item));
    }
    return { ...result, ...changed };
}

function outerItem(server: string, item: unknown): unknown {
    if (!isObject(item)) return item;
    const { uri, resource, content } = item;
    return {
        ...item,
        ...(typeof uri === "string" && { uri: outerUri(server, uri) }),
        ...(resource !== undefined && { resource: outerItem(server, resource) }),
        ...(isObject(content) && { content: outerItem(server, content) }),
    };
}
