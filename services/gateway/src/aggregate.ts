/** The endpoint of all servers: its sessions, and its requests without one. */
import { NodeStreamableHTTPServerTransport, toNodeHandler } from "@modelcontextprotocol/node";
import {
    createMcpHandler,
    PROTOCOL_VERSION_META_KEY,
    type McpHttpHandler,
    type Server,
} from "@modelcontextprotocol/server";

import { readMessage, sessionOf, type Admission } from "./admission.ts";
import { AggregateServer, type AggregateParts } from "./aggregate-server.ts";
import { mayUse, type ClientConfig } from "./config.ts";
import type { Exchange, RefusedMessage } from "./exchange.ts";
import type { Json, Message } from "./message.ts";
import type { Pair } from "./policy.ts";
import type { Session, Sessions } from "./sessions.ts";
import type { ListKind } from "./upstream.ts";
import { Upstreams } from "./upstreams.ts";

/** What the sessions of this endpoint have for a server; no server can be called so. */
export const ALL = "*";

interface Live {
    readonly client: string;
    readonly transport: NodeStreamableHTTPServerTransport;
    readonly server: Server;
}

interface Handler {
    readonly mcp: McpHttpHandler;
    readonly serve: ReturnType<typeof toNodeHandler>;
}

interface Parts extends Omit<AggregateParts, "upstreams"> {
    readonly sessions: Sessions;
    readonly admission: Admission;
}

/** Serves both eras: an instance for each session of the 2025 revisions, one a request otherwise. */
export class Aggregate {
    readonly #parts: Parts;
    readonly #upstreams: Upstreams;
    readonly #servers: AggregateServer;
    /** By session id. */
    readonly #live = new Map<string, Live>();
    /** By client: what is announced to one client is not for the others. */
    readonly #handlers = new Map<string, Handler>();

    constructor(parts: Parts) {
        this.#parts = parts;
        this.#upstreams = new Upstreams({
            pools: parts.pools,
            maxReplyBytes: () => parts.config().settings.maxReplyBytes,
            onLogged: (pair, params) => this.#passOn(pair, params),
        });
        this.#servers = new AggregateServer({ ...parts, upstreams: this.#upstreams });
    }

    /** Serves one exchange; resolves with what to answer when it was refused. */
    async serve(exchange: Exchange, client: ClientConfig): Promise<RefusedMessage | undefined> {
        const { sessions } = this.#parts;
        const session = sessionOf(exchange.req, sessions, client.name, ALL);
        if (session && "status" in session) return { refusal: session, id: null };
        const release = session && sessions.use(session);
        try {
            if (exchange.req.method === "POST") return await this.#post(exchange, client, session);
            return await this.#bodiless(exchange, client, session);
        } finally {
            release?.();
        }
    }

    /** Lists of a server have changed: whoever sees it may want to know. */
    serverChanged(server: string, kinds: readonly ListKind[]): void {
        for (const client of this.#parts.config().clients) {
            if (!mayUse(client, server)) continue;
            for (const kind of kinds) this.#announce(client.name, kind);
        }
    }

    /** Lets go of what a new configuration has taken away. */
    revoke(revoked: (client: string, server: string | undefined) => boolean): void {
        this.#upstreams.drop(revoked);
        for (const [client, { mcp }] of this.#handlers) {
            if (!revoked(client, undefined)) continue;
            this.#handlers.delete(client);
            void mcp.close();
        }
    }

    /** Lets go of connections to servers that were not used for so long. */
    sweep(idleMs: number): void {
        this.#upstreams.sweep(idleMs);
    }

    /** A session is over. */
    ended({ id }: Session): void {
        const live = this.#live.get(id);
        this.#live.delete(id);
        void live?.server.close();
    }

    async close(): Promise<void> {
        this.#upstreams.drop(() => true);
        await Promise.all([...this.#handlers.values()].map(({ mcp }) => mcp.close()));
        await Promise.all([...this.#live.values()].map(({ server }) => server.close()));
    }

    async #bodiless(
        { req, res }: Exchange,
        client: ClientConfig,
        session: Session | undefined,
    ): Promise<RefusedMessage | undefined> {
        const live = session && this.#live.get(session.id);
        if (!live) {
            const message = "Method Not Allowed: only within a session";
            const refusal = {
                status: 405,
                reason: "method",
                message,
                headers: { Allow: "POST" },
            } as const;
            return { refusal, id: null };
        }
        const end = this.#parts.admission.bodiless(req, client);
        if (typeof end !== "function") return { refusal: end, id: null };
        res.once("close", end);
        await live.transport.handleRequest(req, res);
        await closed(res);
        return undefined;
    }

    async #post(
        exchange: Exchange,
        client: ClientConfig,
        session: Session | undefined,
    ): Promise<RefusedMessage | undefined> {
        const { req, res } = exchange;
        const message = await readMessage(req, client.limits.bodyBytes);
        if ("status" in message) return { refusal: message, id: null };
        const end = await this.#parts.admission.message(exchange, client, message, session);
        if (typeof end !== "function") return { refusal: end, id: message.id };
        res.once("close", end);
        await this.#deliver(exchange, client, session, message);
        await closed(res);
        return undefined;
    }

    async #deliver(
        { req, res }: Exchange,
        client: ClientConfig,
        session: Session | undefined,
        message: Message,
    ): Promise<void> {
        const live = session && this.#live.get(session.id);
        if (live) return live.transport.handleRequest(req, res, message.json);
        // With the marks of 2026-07-28 it is a method that this revision no longer has.
        if (message.method === "initialize" && !(PROTOCOL_VERSION_META_KEY in message.meta)) {
            const transport = await this.#openSession(client);
            return transport.handleRequest(req, res, message.json);
        }
        await this.#handlerOf(client).serve(req, res, message.json);
    }

    async #openSession(client: ClientConfig): Promise<NodeStreamableHTTPServerTransport> {
        const { sessions } = this.#parts;
        const server = this.#servers.create(client.name);
        let session: Session | undefined;
        const transport = new NodeStreamableHTTPServerTransport({
            sessionIdGenerator: () => {
                session = sessions.open(client.name, ALL, "");
                return session.id;
            },
            onsessioninitialized: (id) => {
                this.#live.set(id, { client: client.name, transport, server });
            },
        });
        server.onclose = () => {
            if (!session) return;
            this.#live.delete(session.id);
            sessions.close(session);
        };
        await server.connect(transport);
        return transport;
    }

    #handlerOf({ name }: ClientConfig): Handler {
        let handler = this.#handlers.get(name);
        if (!handler) {
            const mcp = createMcpHandler(() => this.#servers.create(name));
            handler = { mcp, serve: toNodeHandler(mcp) };
            this.#handlers.set(name, handler);
        }
        return handler;
    }

    #announce(client: string, kind: ListKind): void {
        const notify = this.#handlers.get(client)?.mcp.notify;
        if (kind === "tools") notify?.toolsChanged();
        else if (kind === "prompts") notify?.promptsChanged();
        else notify?.resourcesChanged();
        for (const { server } of this.#liveOf(client)) {
            const sent =
                kind === "tools"
                    ? server.sendToolListChanged()
                    : kind === "prompts"
                      ? server.sendPromptListChanged()
                      : server.sendResourceListChanged();
            sent.catch(() => undefined);
        }
    }

    /** What a server logs goes to all sessions of the client, each of which has its level. */
    #passOn({ client, server }: Pair, params: Json): void {
        const { logger } = params;
        const named = typeof logger === "string" ? `${server.name}/${logger}` : server.name;
        for (const live of this.#liveOf(client.name)) {
            live.server
                .sendLoggingMessage({ ...params, logger: named } as never, live.transport.sessionId)
                .catch(() => undefined);
        }
    }

    #liveOf(client: string): Live[] {
        return [...this.#live.values()].filter((live) => live.client === client);
    }
}

function closed(res: Exchange["res"]): Promise<void> {
    return new Promise((resolve) => {
        if (res.closed || res.destroyed || res.writableFinished) resolve();
        else res.once("close", resolve);
    });
}
