/** The HTTP+SSE transport of 2024-11-05, for clients that have no other; off unless asked for. */
import { randomUUID } from "node:crypto";

import { StreamableHTTPClientTransport, type JSONRPCMessage } from "@modelcontextprotocol/client";

import { readMessage, UNKNOWN_SESSION, type Admission } from "./admission.ts";
import type { Exchange, RefusedMessage } from "./exchange.ts";
import { isObject, type Message } from "./message.ts";
import type { Pair } from "./policy.ts";
import { CODE } from "./refusal.ts";

const KEEP_ALIVE_MS = 15_000;

interface Stream {
    readonly client: string;
    readonly server: string;
    readonly exchange: Exchange;
    /** To the gateway's own endpoint of the server. */
    readonly transport: StreamableHTTPClientTransport;
}

interface LegacyParts {
    readonly admission: Admission;
    /** Base URL of the gateway itself. */
    readonly origin: () => string;
}

/**
 * Each stream is a client of the gateway's own `/servers/NAME/mcp`, with the token of whoever opened
 * it: policy, limits, audit and sessions are those of that endpoint, and exist once.
 */
export class LegacySse {
    readonly #parts: LegacyParts;
    readonly #streams = new Map<string, Stream>();

    constructor(parts: LegacyParts) {
        this.#parts = parts;
    }

    /** GET: opens a stream and tells on it where to post. Resolves when the client has left. */
    async open(exchange: Exchange, { client, server }: Pair): Promise<RefusedMessage | undefined> {
        const { req, res } = exchange;
        const end = this.#parts.admission.bodiless(req, client);
        if (typeof end !== "function") return { refusal: end, id: null };
        const { authorization } = req.headers;
        const url = new URL(`/servers/${server.name}/mcp`, this.#parts.origin());
        const transport = new StreamableHTTPClientTransport(url, {
            requestInit: { headers: authorization === undefined ? {} : { authorization } },
        });
        const id = randomUUID();
        this.#streams.set(id, { client: client.name, server: server.name, exchange, transport });
        transport.onmessage = (message) => {
            const version = versionIn(message);
            if (version !== undefined) transport.setProtocolVersion(version);
            say(exchange, "message", JSON.stringify(message));
        };
        await transport.start();
        res.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-store" });
        say(exchange, "endpoint", `/servers/${server.name}/message?sessionId=${id}`);
        const heartbeat = setInterval(() => res.write(": alive\n\n"), KEEP_ALIVE_MS);
        await new Promise<void>((resolve) => {
            if (exchange.signal.aborted) resolve();
            exchange.signal.addEventListener("abort", () => resolve(), { once: true });
        });
        clearInterval(heartbeat);
        this.#streams.delete(id);
        end();
        res.destroy();
        await transport.terminateSession().catch(() => undefined);
        await transport.close();
        return undefined;
    }

    /** POST: one message; what comes of it is said on the stream. */
    async message(
        { req, res }: Exchange,
        { client, server }: Pair,
    ): Promise<RefusedMessage | undefined> {
        const id = new URLSearchParams(req.url?.split("?")[1]).get("sessionId");
        const stream = this.#streams.get(id ?? "");
        if (stream?.client !== client.name || stream.server !== server.name) {
            return { refusal: UNKNOWN_SESSION, id: null };
        }
        const message = await readMessage(req, client.limits.bodyBytes);
        if ("status" in message) return { refusal: message, id: null };
        res.writeHead(202).end();
        try {
            await stream.transport.send(message.json as JSONRPCMessage);
        } catch (error) {
            sayError(stream.exchange, message, error);
        }
        return undefined;
    }
}

function say({ res }: Exchange, event: string, data: string): void {
    if (!res.destroyed) res.write(`event: ${event}\ndata: ${data}\n\n`);
}

/** The endpoint refused the message, or the server was not reached. */
function sayError(exchange: Exchange, { kind, id }: Message, error: unknown): void {
    if (kind !== "request") return;
    const message = error instanceof Error ? error.message : "not delivered";
    const answer = { jsonrpc: "2.0", id, error: { code: CODE.refused, message } };
    say(exchange, "message", JSON.stringify(answer));
}

/** The revision that an `initialize` was answered with; later requests have to name it. */
function versionIn(message: JSONRPCMessage): string | undefined {
    const result = "result" in message ? (message.result as unknown) : undefined;
    if (!isObject(result) || typeof result.protocolVersion !== "string") return undefined;
    return result.protocolVersion;
}
