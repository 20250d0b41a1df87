/** Reads one JSON-RPC answer out of an HTTP response: plain JSON, or an event of a stream. */
import type { IncomingMessage } from "node:http";

import { createParser } from "eventsource-parser";

import { drain, readText, TooLarge } from "./http.ts";
import { tidy } from "./reasons.ts";

/** The part of an answer that matters to a health check. */
export interface Message {
    readonly id?: unknown;
    readonly result?: Readonly<Record<string, unknown>>;
    readonly error?: unknown;
}

/** The server answered, but not with what was asked for. */
export class AnswerError extends Error {
    /** Whether it is about the server as such, rather than about what this revision may ask. */
    readonly serverSide: boolean;

    constructor(message: string, serverSide: boolean) {
        super(message);
        this.serverSide = serverSide;
    }
}

const MIB = 1024 * 1024;
const MOST_BYTES = 4 * MIB;
/** JSON-RPC: the server itself failed. */
const INTERNAL_ERROR = -32603;

/** How much answers may have in all, in bytes; `left` is what the ones before have not used. */
export interface Budget {
    readonly whole: number;
    left: number;
}

/**
 * The result in the response to request `id`.
 *
 * @param budget what this answer is taken from
 * @throws AnswerError also when the budget does not suffice
 */
export async function readResult(
    response: IncomingMessage,
    id: number,
    budget: Budget = { whole: MOST_BYTES, left: MOST_BYTES },
): Promise<Readonly<Record<string, unknown>>> {
    const { statusCode: status = 0, headers } = response;
    const type = String(headers["content-type"] ?? "").split(";")[0] ?? "";
    let message: Message | undefined;
    try {
        message =
            type.trim().toLowerCase() === "text/event-stream"
                ? await messageInStream(response, id, budget)
                : await messageIn(response, budget);
    } catch (error) {
        if (error instanceof TooLarge) {
            throw new AnswerError(`answer larger than ${budget.whole / MIB} MiB`, true);
        }
        throw error;
    }
    const error = message?.error as { message?: unknown; code?: unknown } | undefined;
    if (typeof error?.message === "string") {
        const serverSide = status >= 500 || error.code === INTERNAL_ERROR;
        throw new AnswerError(tidy(error.message) || `HTTP ${status}`, serverSide);
    }
    if (status !== 200) throw new AnswerError(`HTTP ${status}`, status >= 500);
    const { result } = message ?? {};
    if (typeof result !== "object" || result === null) {
        throw new AnswerError(`not an MCP answer (${tidy(type) || "no content type"})`, true);
    }
    return result;
}

function parsed(text: string): Message | undefined {
    try {
        const value = JSON.parse(text) as unknown;
        return typeof value === "object" && value !== null ? value : undefined;
    } catch {
        // Not JSON, so not MCP: what is missing from it says so.
        return undefined;
    }
}

async function messageIn(response: IncomingMessage, budget: Budget): Promise<Message | undefined> {
    const text = await readText(response, budget.left);
    budget.left -= Buffer.byteLength(text);
    return parsed(text);
}

function messageInStream(
    response: IncomingMessage,
    id: number,
    budget: Budget,
): Promise<Message | undefined> {
    return new Promise((resolve, reject) => {
        const done = (message: Message): void => {
            resolve(message);
            drain(response);
        };
        const parser = createParser({
            onEvent: ({ data }) => {
                const message = parsed(data);
                // Others are notifications, or the server's own requests.
                const answer = message && ("result" in message || "error" in message);
                if (answer && message.id === id) done(message);
            },
        });
        response.setEncoding("utf8");
        response.on("data", (part: string) => {
            budget.left -= Buffer.byteLength(part);
            if (budget.left >= 0) {
                parser.feed(part);
                return;
            }
            reject(new TooLarge());
            response.destroy();
        });
        response.on("end", () => resolve(undefined));
        response.on("error", reject);
        // Only if nothing was settled before.
        response.on("close", () => reject(new Error("connection closed")));
    });
}
