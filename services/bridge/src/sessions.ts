/** Counts the sessions of the 2025 revisions, bounds their number, and ends half-made ones. */
import type { IncomingMessage, ServerResponse } from "node:http";

import type { Server } from "@modelcontextprotocol/server";

interface Session {
    readonly server: Server;
    /** Responses in progress, a notification stream included. */
    open: number;
}

/** Thrown when all sessions are in use; the answer has been sent already. */
export class TooManySessions extends Error {}

/**
 * mcp-proxy keeps the sessions themselves. It closes one that was idle for long, but knows no upper
 * bound, and it forgets to release a server whose `initialize` request it refuses late.
 */
export class SessionTable {
    readonly #max: number;
    /** By session id, the one unused for longest first. */
    readonly #sessions = new Map<string, Session>();
    readonly #idOf = new WeakMap<Server, string>();
    readonly #responseOf = new WeakMap<IncomingMessage, ServerResponse>();
    readonly #answerOf = new WeakMap<Server, ServerResponse>();

    constructor(max: number) {
        this.#max = max;
    }

    get size(): number {
        return this.#sessions.size;
    }

    /** Notes a request on the MCP path before mcp-proxy sees it. */
    request(req: IncomingMessage, res: ServerResponse): void {
        const id = req.headers["mcp-session-id"];
        const session = typeof id === "string" ? this.#sessions.get(id) : undefined;
        if (typeof id !== "string" || !session) {
            this.#responseOf.set(req, res);
            return;
        }
        session.open += 1;
        this.#touch(id, session);
        res.once("close", () => {
            session.open -= 1;
            this.#touch(id, session);
        });
    }

    /** Ties a new server instance to the request it was made for. */
    created(req: IncomingMessage, server: Server): void {
        const res = this.#responseOf.get(req);
        if (!res) return;
        this.#answerOf.set(server, res);
        res.once("close", () => this.#settle(server));
    }

    /** Makes room before a session opens; refuses it when every session is in use. */
    async connected(server: Server): Promise<void> {
        // Only a server of the 2025 revisions has its transport by now; the others have no session.
        if (!server.transport || this.#sessions.size < this.#max) return;
        const idle = [...this.#sessions.values()].find(({ open }) => open === 0);
        if (idle) {
            await idle.server.close();
            return;
        }
        const message = "Service Unavailable: all sessions are in use";
        this.#answerOf
            .get(server)
            ?.writeHead(503, { "Content-Type": "application/json", "Retry-After": "10" })
            .end(JSON.stringify({ jsonrpc: "2.0", id: null, error: { code: -32000, message } }));
        throw new TooManySessions(message);
    }

    closed(server: Server): void {
        const id = this.#idOf.get(server);
        if (id !== undefined) this.#sessions.delete(id);
    }

    /** The request that made `server` has been answered: now it is a session, or it is waste. */
    #settle(server: Server): void {
        const { transport } = server;
        if (!transport) return;
        const id = transport.sessionId;
        if (id === undefined) {
            void server.close();
            return;
        }
        this.#idOf.set(server, id);
        this.#sessions.set(id, { server, open: 0 });
    }

    #touch(id: string, session: Session): void {
        // Re-inserting moves it to the end.
        if (this.#sessions.delete(id)) this.#sessions.set(id, session);
    }
}
