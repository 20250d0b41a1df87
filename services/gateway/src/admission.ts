/** What every posted message has to pass before anyone looks at what it asks for. */
import type { IncomingMessage } from "node:http";

import { readBody } from "./body.ts";
import type { ClientConfig } from "./config.ts";
import type { Exchange } from "./exchange.ts";
import type { Limits } from "./limits.ts";
import { LISTEN, parseMessage, type Message } from "./message.ts";
import { CODE, type Refusal } from "./refusal.ts";
import type { Session, Sessions } from "./sessions.ts";

const NO_ROOM: Refusal = {
    status: 503,
    reason: "sessions",
    message: "Service Unavailable: all of the client's sessions are in use",
    headers: { "Retry-After": "10" },
};
const NOT_JSON: Refusal = {
    status: 415,
    reason: "malformed",
    message: "Unsupported Media Type: Content-Type must be application/json",
};
const IN_SESSION: Refusal = {
    status: 400,
    reason: "malformed",
    code: CODE.invalidRequest,
    message: "Invalid Request: initialize within a session",
};
/** The answer for a session that is unknown, over, or somebody else's. */
export const UNKNOWN_SESSION: Refusal = {
    status: 404,
    reason: "session",
    code: CODE.sessionNotFound,
    message: "Session not found",
};

/** Reads and checks the message of a POST. */
export async function readMessage(req: IncomingMessage, limit: number): Promise<Message | Refusal> {
    const type = req.headers["content-type"] ?? "";
    if (!/^application\/json\s*(?:;|$)/i.test(type)) return NOT_JSON;
    const body = await readBody(req, limit);
    return typeof body === "string" ? parseMessage(body) : body;
}

/** The session that a request names; undefined when it names none. */
export function sessionOf(
    req: IncomingMessage,
    sessions: Sessions,
    client: string,
    server: string,
): Session | Refusal | undefined {
    const id = req.headers["mcp-session-id"];
    if (id === undefined) return undefined;
    const session = typeof id === "string" ? sessions.find(id, client, server) : undefined;
    return session ?? UNKNOWN_SESSION;
}

/** A request under way in a session. */
interface Slot {
    readonly cancelled: () => void;
}

/** Lets messages in, within their client's limits. */
export class Admission {
    readonly #limits: Limits;
    readonly #sessions: Sessions;
    /** By session and request id. */
    readonly #slots = new Map<string, Slot>();

    constructor(limits: Limits, sessions: Sessions) {
        this.#limits = limits;
        this.#sessions = sessions;
    }

    /**
     * Takes a message from the client's minute and counts it as under way.
     *
     * @param onCancelled the client has cancelled it; the server will not answer
     * @returns what to call when it is over, or a refusal
     */
    async message(
        exchange: Exchange,
        client: ClientConfig,
        message: Message,
        session: Session | undefined,
        onCancelled: () => void = () => undefined,
    ): Promise<(() => void) | Refusal> {
        const spent = await this.#limits.spend(client);
        if (spent) return spent;
        const mismatch = headerMismatch(exchange.req, message);
        if (mismatch) return mismatch;
        const { kind, method, id, params } = message;
        if (method === "initialize") {
            if (session) return IN_SESSION;
            if (!this.#sessions.makeRoom(client.name, client.limits.sessions)) return NO_ROOM;
        }
        if (session && method === "notifications/cancelled") {
            this.#slots.get(slotKey(session, params?.requestId))?.cancelled();
        }
        if (kind !== "request") return () => undefined;
        if (method === LISTEN) exchange.longLived();
        const end = this.#limits.begin(client, method === LISTEN ? "stream" : "call");
        if (!session || typeof end !== "function") return end;
        return this.#hold(exchange, client, slotKey(session, id), end, onCancelled);
    }

    /** The same for a GET, which lasts as long as its client, and a DELETE. */
    bodiless(req: IncomingMessage, client: ClientConfig): (() => void) | Refusal {
        return this.#limits.begin(client, req.method === "GET" ? "stream" : "call");
    }

    /**
     * Nothing ends the stream of a request that was cancelled: the server says no more, and the
     * client waits for no more. From then on it counts as a stream, or is ended if there are too many.
     */
    #hold(
        exchange: Exchange,
        client: ClientConfig,
        key: string,
        endCall: () => void,
        onCancelled: () => void,
    ): () => void {
        let end = endCall;
        const slot: Slot = {
            cancelled: () => {
                this.#slots.delete(key);
                end();
                onCancelled();
                exchange.longLived();
                const stream = this.#limits.begin(client, "stream");
                if (typeof stream === "function") end = stream;
                else exchange.abort();
            },
        };
        this.#slots.set(key, slot);
        return () => {
            if (this.#slots.get(key) === slot) this.#slots.delete(key);
            end();
        };
    }
}

function slotKey(session: Session, id: unknown): string {
    return `${session.id} ${JSON.stringify(id)}`;
}

/**
 * Headers repeat the method and the name for those who route without reading the body. What is
 * decided here is decided by the body, so a header that says something else is refused.
 */
function headerMismatch(req: IncomingMessage, { method, params }: Message): Refusal | undefined {
    const subject = params?.name ?? params?.uri;
    const claims = [
        { header: "mcp-method", actual: method },
        { header: "mcp-name", actual: subject },
    ];
    for (const { header, actual } of claims) {
        const value = req.headers[header];
        if (typeof value !== "string" || typeof actual !== "string" || actual === "") continue;
        if (decodeHeader(value) !== actual) {
            const message = `Header mismatch: ${header} is not what the body says`;
            return { status: 400, reason: "malformed", code: CODE.headerMismatch, message };
        }
    }
    return undefined;
}

/** What a header cannot carry as it is comes in Base64, marked as such. */
function decodeHeader(value: string): string {
    const [, base64] = /^=\?base64\?([A-Za-z0-9+/]*={0,2})\?=$/.exec(value) ?? [];
    return base64 === undefined ? value : Buffer.from(base64, "base64").toString("utf8");
}
