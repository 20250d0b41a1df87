/** Sends a message to its server and brings back the answer. */
import { errors, type Dispatcher } from "undici";

import { answerIn } from "./calls.ts";
import type { Delivery } from "./exchange.ts";
import { headersToClient, headersToServer } from "./headers.ts";
import { isObject, LISTEN, type Json } from "./message.ts";
import type { Pins } from "./pins.ts";
import { visibleTools } from "./policy.ts";
import type { Pools } from "./pools.ts";
import type { Refusal } from "./refusal.ts";
import { pipeEvents, readJson, readText, ReplyError, type Look } from "./reply.ts";
import type { Sessions } from "./sessions.ts";
import { traceparentOf } from "./trace.ts";

/** An exchange that has no message to deliver. */
export type Bodiless = Omit<Delivery, "message">;

type Anything = Bodiless & Partial<Pick<Delivery, "message">>;

/** How long a server may take for what is no call. */
const SHORT_MS = 10_000;
const LONGEST_ERROR = 65_536;

interface ForwardParts {
    readonly pools: Pools;
    readonly sessions: Sessions;
    readonly pins: Pins;
    /** A server's tools have changed, or it did not answer: it should be looked at. */
    readonly onSuspicion: (server: string) => void;
}

/** The way to the servers and back. */
export class Forward {
    readonly #parts: ForwardParts;

    constructor(parts: ForwardParts) {
        this.#parts = parts;
    }

    /** Delivers a message; resolves when the answer is out, or with a refusal in its place. */
    async message(delivery: Delivery): Promise<Refusal | undefined> {
        const { message, server } = delivery;
        const silenceMs = message.method === LISTEN ? 0 : server.timeoutSeconds * 1000;
        return this.#send(delivery, "POST", { body: message.text, silenceMs });
    }

    /** Passes on a GET or DELETE. */
    async bodiless(delivery: Bodiless): Promise<Refusal | undefined> {
        if (delivery.req.method === "GET") return this.#send(delivery, "GET", {});
        return this.#send(delivery, "DELETE", { silenceMs: SHORT_MS });
    }

    async #send(
        delivery: Anything,
        method: "GET" | "POST" | "DELETE",
        rest: { readonly body?: string; readonly silenceMs?: number },
    ): Promise<Refusal | undefined> {
        const { req, res, server, session, signal, trace } = delivery;
        const headers = headersToServer(req.headers, {
            ...(session && { "mcp-session-id": session.upstreamId }),
            traceparent: traceparentOf(trace),
        });
        try {
            const answer = await this.#parts.pools.request(server, {
                method,
                headers,
                signal,
                ...rest,
            });
            return await this.#answer(delivery, answer);
        } catch (error) {
            if (signal.aborted) {
                res.destroy();
                return undefined;
            }
            const refusal = refusalOf(server.name, error);
            delivery.call?.failed(refusal.reason);
            this.#parts.onSuspicion(server.name);
            if (!res.headersSent) return refusal;
            // Part of the answer is out: only breaking off tells the client that it is not whole.
            res.destroy();
            return undefined;
        }
    }

    async #answer(
        delivery: Anything,
        { statusCode, headers, body }: Dispatcher.ResponseData,
    ): Promise<Refusal | undefined> {
        const { res, session, settings } = delivery;
        const type = String(headers["content-type"] ?? "");
        if (statusCode === 404 && session) this.#parts.sessions.close(session);
        const own = {
            ...headersToClient(headers),
            ...this.#sessionHeader(delivery, statusCode, headers),
        };
        const look = this.#lookOf(delivery);
        if (/^text\/event-stream\b/i.test(type)) {
            res.writeHead(statusCode, { ...own, "Content-Type": "text/event-stream" });
            // Not with the first event: until then the client does not know that it listens. What the
            // server has sent together goes on together, so a short answer is one write and not three.
            const uncork = corked(res);
            res.flushHeaders();
            await pipeEvents(body, res, settings.maxReplyBytes, look);
            delivery.call?.answered(delivery.signal.aborted ? "cancelled" : "detached");
            // Ending writes out what is held back.
            clearImmediate(uncork);
            res.end();
            return undefined;
        }
        if (/^application\/json\b/i.test(type)) {
            const text = await readJson(body, settings.maxReplyBytes, look);
            res.writeHead(statusCode, { ...own, "Content-Type": "application/json" }).end(text);
            return undefined;
        }
        const text = await readText(body, LONGEST_ERROR);
        if (text === "") res.writeHead(statusCode, own).end();
        // Whatever it is, a browser must not take it for a page.
        else
            res.writeHead(statusCode, { ...own, "Content-Type": "text/plain; charset=utf-8" }).end(
                text,
            );
        return undefined;
    }

    #sessionHeader(
        { client, server, session, message }: Anything,
        status: number,
        headers: Dispatcher.ResponseData["headers"],
    ): Record<string, string> {
        const given = headers["mcp-session-id"];
        if (session) return given === undefined ? {} : { "Mcp-Session-Id": session.id };
        if (typeof given !== "string" || status >= 300 || message?.method !== "initialize")
            return {};
        const opened = this.#parts.sessions.open(client.name, server.name, given);
        return { "Mcp-Session-Id": opened.id };
    }

    #lookOf(delivery: Anything): Look {
        const { message, server, call, req } = delivery;
        const { pins, onSuspicion } = this.#parts;
        // A stream that is taken up again may bring the answer to any earlier request.
        const mayList = message?.method === "tools/list" || req.method === "GET";
        return (json) => {
            if (json.method === "notifications/tools/list_changed") onSuspicion(server.name);
            const answer = message && answerIn(json, message);
            if (answer) call?.answered(answer);
            if (!mayList || !isObject(json.result) || !Array.isArray(json.result.tools))
                return json;
            const tools = visibleTools(delivery, json.result.tools as unknown[], pins);
            return tools === json.result.tools ? json : withTools(json, json.result, tools);
        };
    }
}

/** Holds writes back until what has already arrived has been read, or the response ends. */
function corked({ socket }: Delivery["res"]): NodeJS.Immediate {
    // The connection, not the response: Node 22's corked responses put their chunks before their head.
    socket?.cork();
    return setImmediate(() => socket?.uncork());
}

function withTools(message: Json, result: Json, tools: readonly unknown[]): Json {
    return { ...message, result: { ...result, tools } };
}

function refusalOf(server: string, error: unknown): Refusal {
    if (error instanceof ReplyError) {
        return {
            status: 502,
            reason: "upstream",
            message: `Bad Gateway: ${server}: ${error.message}`,
        };
    }
    const late =
        error instanceof errors.HeadersTimeoutError ||
        error instanceof errors.BodyTimeoutError ||
        error instanceof errors.ConnectTimeoutError;
    if (late) {
        const message = `Gateway Timeout: ${server} does not answer`;
        return { status: 504, reason: "upstream_timeout", message };
    }
    const message = `Bad Gateway: ${server} cannot be reached`;
    return { status: 502, reason: "upstream", message, headers: { "Retry-After": "5" } };
}
