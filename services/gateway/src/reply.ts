/** Carries a server's answer to the client, looking at each message on the way. */
import type { ServerResponse } from "node:http";
import { StringDecoder } from "node:string_decoder";
import type { Readable } from "node:stream";

import { createParser } from "eventsource-parser";

import { isObject, type Json } from "./message.ts";

/** Sees a message; what it returns goes to the client in its place. */
export type Look = (message: Json) => Json;

/** The server's answer is larger than allowed, or not what it says it is. */
export class ReplyError extends Error {}

/**
 * Reads a JSON answer to its end.
 *
 * @returns what to write: the very text unless `look` has changed the message
 * @throws {ReplyError} beyond `limit` bytes, or when it is not JSON
 */
export async function readJson(body: Readable, limit: number, look: Look): Promise<string> {
    const text = await readText(body, limit);
    let json: unknown;
    try {
        json = JSON.parse(text);
    } catch {
        throw new ReplyError("the server's answer is not JSON");
    }
    if (!isObject(json)) throw new ReplyError("the server's answer is not a message");
    const seen = look(json);
    return seen === json ? text : JSON.stringify(seen);
}

/** Reads a body to its end. @throws {ReplyError} beyond `limit` bytes */
export async function readText(body: Readable, limit: number): Promise<string> {
    const parts: Buffer[] = [];
    let length = 0;
    for await (const part of body as AsyncIterable<Buffer>) {
        length += part.length;
        if (length > limit) throw tooLong(limit);
        parts.push(part);
    }
    return Buffer.concat(parts).toString("utf8");
}

/**
 * Writes an event stream on to the client as it comes, event by event.
 *
 * An event that `look` leaves alone goes on byte for byte, with its id and without loss of those
 * that carry no data. Waits for a client that reads slowly.
 *
 * @throws {ReplyError} when one event is longer than `limit` characters
 */
export async function pipeEvents(
    body: Readable,
    res: ServerResponse,
    limit: number,
    look: Look,
): Promise<void> {
    const decoder = new StringDecoder("utf8");
    let rest = "";
    for await (const part of body as AsyncIterable<Buffer>) {
        const from = Math.max(0, rest.length - 3);
        rest += decoder.write(part);
        const { whole, left } = cut(rest, from);
        rest = left;
        if (rest.length > limit) throw tooLong(limit);
        const text = whole.map((event) => passEvent(event, look)).join("");
        if (text !== "" && !res.write(text) && !res.destroyed) await drained(res);
        if (res.destroyed) return;
    }
}

/** Where an event ends: at an empty line, in any of the three ways to end a line. */
const BOUNDARY = /\r\n\r\n|\n\n|\r\r|\n\r\n/g;

function cut(text: string, from: number): { whole: string[]; left: string } {
    const whole: string[] = [];
    let begin = 0;
    BOUNDARY.lastIndex = from;
    while (BOUNDARY.exec(text)) {
        whole.push(text.slice(begin, BOUNDARY.lastIndex));
        begin = BOUNDARY.lastIndex;
    }
    return { whole, left: text.slice(begin) };
}

function passEvent(text: string, look: Look): string {
    let passed = text;
    const parser = createParser({
        onEvent: ({ data, id, event }) => {
            const json = parseObject(data);
            if (!json) return;
            const seen = look(json);
            if (seen === json) return;
            const head = [
                ...(id === undefined ? [] : [`id: ${id}\n`]),
                ...(event === undefined ? [] : [`event: ${event}\n`]),
            ];
            passed = `${head.join("")}data: ${JSON.stringify(seen)}\n\n`;
        },
    });
    parser.feed(text);
    return passed;
}

/** Waits until the client has read on, or has left. */
function drained(res: ServerResponse): Promise<void> {
    return new Promise((resolve) => {
        const done = (): void => {
            res.off("drain", done);
            res.off("close", done);
            resolve();
        };
        res.on("drain", done);
        res.on("close", done);
    });
}

function parseObject(text: string): Json | undefined {
    try {
        const json: unknown = JSON.parse(text);
        return isObject(json) ? json : undefined;
    } catch {
        return undefined;
    }
}

function tooLong(limit: number): ReplyError {
    return new ReplyError(`the server's answer is over the limit of ${limit} bytes`);
}
