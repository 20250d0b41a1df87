import { isDeepStrictEqual } from "node:util";

import type { Client, Token } from "./clients";
import { dropElement, putElement } from "./formats/json";
import { FormatIssue, type ConnectTarget, type Data, type Entry } from "./types";

/** What becomes of a client's file. */
export interface Change {
    /** Text to write; blank when the file has nothing else in it and can go. */
    readonly text: string;
    /** Names of entries that are new or changed. */
    readonly written: readonly string[];
    /** Names of entries taken out. */
    readonly removed: readonly string[];
}

/** The token of a target as this client's file refers to it. */
export type TokenOf = (target: ConnectTarget) => Token | undefined;

/** The servers of a client's file, by name. */
export function serversIn(client: Client, text: string): Readonly<Record<string, Entry>> {
    const data = client.format.read(text);
    const found = client
        .above(data)
        .reduce<unknown>((value, key) => (value as Data | undefined)?.[key], data);
    return typeof found === "object" && found !== null ? (found as Record<string, Entry>) : {};
}

/** True for an entry this command may change: an address on the host of the target, whatever the port. */
function isOurs(client: Client, entry: Entry | undefined, target: ConnectTarget): boolean {
    const address = entry?.[client.address];
    return (
        typeof address === "string" &&
        URL.canParse(address) &&
        new URL(address).hostname === new URL(target.url).hostname
    );
}

/**
 * The text of a client's file with an entry for each of `wanted`. Entries of `known` targets that are not wanted and
 * point to that very address go: they are of an earlier call. Throws a {@link FormatIssue} for a broken file and for a
 * server of the same name that is somebody else's.
 */
export function connected(
    client: Client,
    text: string,
    wanted: readonly ConnectTarget[],
    known: readonly ConnectTarget[],
    tokenOf: TokenOf,
): Change {
    const names = new Set(wanted.map(({ name }) => name));
    const stale = known.filter(
        ({ name, url }) =>
            !names.has(name) && serversIn(client, text)[name]?.[client.address] === url,
    );
    const start = disconnected(client, text, stale);
    let done = start.text;
    const written: string[] = [];
    for (const target of wanted) {
        const there = serversIn(client, done)[target.name];
        if (there !== undefined && !isOurs(client, there, target)) {
            throw new FormatIssue(`has a server ${target.name} of its own, with another address`);
        }
        const token = tokenOf(target);
        const entry = client.entry(target, token);
        const before = done;
        const path = [...client.above(client.format.read(done)), target.name];
        done = client.format.put(done, path, entry, client.owned);
        const support = token && client.support?.(token.variable);
        if (support) done = putElement(done, support.key, support.element);
        if (done !== before) written.push(target.name);
    }
    demandRest(client, text, done, [...names, ...start.removed]);
    return { text: done, written, removed: start.removed };
}

/** The text of a client's file without the entries of `targets` that are this command's. */
export function disconnected(
    client: Client,
    text: string,
    targets: readonly ConnectTarget[],
): Change {
    let done = text;
    const removed: string[] = [];
    for (const target of targets) {
        if (!isOurs(client, serversIn(client, done)[target.name], target)) continue;
        const path = [...client.above(client.format.read(done)), target.name];
        done = client.format.drop(done, path, client.keep ?? 0);
        removed.push(target.name);
    }
    for (const { tokenEnv } of targets) {
        const support = tokenEnv === undefined ? undefined : client.support?.(tokenEnv);
        const reference = tokenEnv === undefined ? undefined : client.reference?.(tokenEnv);
        if (support && reference !== undefined && !done.includes(reference))
            done = dropElement(done, support.key, support.element.id);
    }
    demandRest(client, text, done, removed);
    return { text: done, written: [], removed };
}

/** The last guard before a user's file is written: apart from the named entries it must say what it said. */
function demandRest(client: Client, before: string, after: string, names: readonly string[]): void {
    const rest = (text: string): unknown => {
        const data = client.format.read(text);
        const ours = [client.above(data)[0], ...(client.support ? ["inputs"] : [])];
        const servers = Object.entries(serversIn(client, text));
        return [
            Object.entries(data).filter(([key]) => !ours.includes(key)),
            servers.filter(([name]) => !names.includes(name)),
        ].map((entries) => Object.fromEntries(entries));
    };
    if (!isDeepStrictEqual(rest(before), rest(after)))
        throw new Error(
            `${client.name}: the edit would have changed more than ${names.join(", ")}`,
        );
}
