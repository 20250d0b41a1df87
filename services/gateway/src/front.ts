/** The HTTP side: who asks, for what, and who serves it. */
import http, { type IncomingMessage, type ServerResponse } from "node:http";

import { mayUse, type ClientConfig, type Config } from "./config.ts";
import type { Exchange, RefusedMessage } from "./exchange.ts";
import { guard, isPreflight, routeOf, setCorsHeaders, type Route } from "./guard.ts";
import type { Identity } from "./identity.ts";
import type { Logger } from "./log.ts";
import type { Metrics } from "./metrics.ts";
import type { Pair } from "./policy.ts";
import { refuse, sendJson, type Refusal } from "./refusal.ts";

const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 30_000;
const CHECK_MS = 2_000;
const KEEP_ALIVE_MS = 65_000;
const MOST_CONNECTIONS = 4_096;
const MOST_HEADER_BYTES = 16_384;

/** Serves what gets past the front. */
export interface Services {
    /** One server. */
    readonly server: (exchange: Exchange, pair: Pair) => Promise<RefusedMessage | undefined>;
    /** All servers of the client. */
    readonly all: (exchange: Exchange, client: ClientConfig) => Promise<RefusedMessage | undefined>;
    /** A stream of the transport of 2024-11-05, and what is posted to it. */
    readonly sse: (exchange: Exchange, pair: Pair) => Promise<RefusedMessage | undefined>;
    readonly message: (exchange: Exchange, pair: Pair) => Promise<RefusedMessage | undefined>;
}

type Served = "server" | "all" | "sse" | "message";

interface FrontParts {
    /** The configuration in force. */
    readonly config: () => Config;
    readonly identity: () => Identity;
    /** What is still missing before all is ready; empty when it is. */
    readonly missing: () => readonly string[];
    readonly services: Services;
    readonly metrics: Metrics;
    readonly log: Logger;
}

interface Open {
    readonly abort: AbortController;
    readonly client: string;
    /** Undefined for the endpoint of all servers. */
    readonly server: string | undefined;
    /** Whether it only ends with its client. */
    stream: boolean;
}

const NOT_FOUND: Refusal = { status: 404, reason: "not_found", message: "Not Found" };
const STOPPING: Refusal = {
    status: 503,
    reason: "stopping",
    message: "Service Unavailable: the gateway is stopping",
    headers: { Connection: "close", "Retry-After": "1" },
};
const DEFECT: Refusal = {
    status: 500,
    reason: "defect",
    message: "Internal Server Error; the gateway's log says more",
};

/** Answers requests on all of the gateway's ports. */
export class Front {
    readonly #parts: FrontParts;
    readonly #open = new Set<Open>();
    #stopping = false;

    constructor(parts: FrontParts) {
        this.#parts = parts;
    }

    /** Exchanges under way. */
    get exchanges(): number {
        return this.#open.size;
    }

    /** Exchanges that end by themselves. */
    get pending(): number {
        return [...this.#open].filter(({ stream }) => !stream).length;
    }

    /** A server that does not listen yet. @param own the MCP server whose own port it will be */
    createServer(own?: string): http.Server {
        const server = http.createServer(
            {
                headersTimeout: HEADERS_TIMEOUT_MS,
                requestTimeout: REQUEST_TIMEOUT_MS,
                connectionsCheckingInterval: CHECK_MS,
                keepAliveTimeout: KEEP_ALIVE_MS,
                maxHeaderSize: MOST_HEADER_BYTES,
                // Two Hosts, or none, are nobody's mistake.
                requireHostHeader: true,
            },
            (req, res) => void this.#serve(req, res, own),
        );
        server.maxConnections = MOST_CONNECTIONS;
        return server;
    }

    /** From now on everything new is refused. */
    stop(): void {
        this.#stopping = true;
    }

    /** Breaks off the exchanges that `wanted` picks. */
    abort(wanted: (client: string, server: string | undefined) => boolean): void {
        for (const { abort, client, server } of this.#open)
            if (wanted(client, server)) abort.abort();
    }

    async #serve(
        req: IncomingMessage,
        res: ServerResponse,
        own: string | undefined,
    ): Promise<void> {
        const { metrics, config, log } = this.#parts;
        const route = routeOf(req.url, own);
        res.once("close", () => metrics.request(route.kind, res.headersSent ? res.statusCode : 0));
        res.on("error", () => res.destroy());
        try {
            const refusal = guard(req, route, config().settings);
            if (refusal) return this.#refuse(req, res, "", { refusal, id: null });
            setCorsHeaders(req, res);
            if (isPreflight(req)) return void res.writeHead(204).end();
            await this.#route(req, res, route);
        } catch (error) {
            if (res.destroyed || req.destroyed) return;
            log.error({ err: error }, "defect in an exchange");
            this.#refuse(req, res, "", { refusal: DEFECT, id: null });
        }
    }

    async #route(req: IncomingMessage, res: ServerResponse, route: Route): Promise<void> {
        const { identity, missing } = this.#parts;
        switch (route.kind) {
            case "healthz":
                return sendJson(res, 200, { status: "ok" });
            case "readyz": {
                const open = this.#stopping ? ["stopping"] : missing();
                const status = open.length === 0 ? "ok" : "waiting";
                return sendJson(res, status === "ok" ? 200 : 503, { status, missing: open.length });
            }
            case "metadata": {
                const { verifier } = identity();
                if (!verifier) return this.#refuse(req, res, "", { refusal: NOT_FOUND, id: null });
                return sendJson(res, 200, verifier.metadata(route.path));
            }
            case "other":
                return this.#refuse(req, res, "", { refusal: NOT_FOUND, id: null });
            default:
                return this.#identified(req, res, route);
        }
    }

    async #identified(
        req: IncomingMessage,
        res: ServerResponse,
        route: Extract<Route, { kind: Served }>,
    ): Promise<void> {
        if (this.#stopping) return this.#refuse(req, res, "", { refusal: STOPPING, id: null });
        const client = await this.#parts.identity().of(req, route.path);
        if ("status" in client) return this.#refuse(req, res, "", { refusal: client, id: null });
        const name = route.kind === "all" ? undefined : route.server;
        const abort = new AbortController();
        const stream = req.method === "GET";
        const open: Open = { abort, client: client.name, server: name, stream };
        this.#open.add(open);
        res.once("close", () => {
            this.#open.delete(open);
            // Nobody waits once the answer is out, and an abort costs an exception with its stack.
            if (!res.writableFinished) abort.abort();
        });
        const { settings } = this.#parts.config();
        const exchange: Exchange = {
            ...{ req, res, settings, signal: abort.signal },
            longLived: () => (open.stream = true),
            abort: () => abort.abort(),
        };
        const refused = await this.#dispatch(exchange, client, route);
        if (refused) this.#refuse(req, res, client.name, refused);
    }

    async #dispatch(
        exchange: Exchange,
        client: ClientConfig,
        route: Extract<Route, { kind: Served }>,
    ): Promise<RefusedMessage | undefined> {
        const { services, config } = this.#parts;
        if (route.kind === "all") return services.all(exchange, client);
        const server = config().servers.find(({ name }) => name === route.server);
        const old = route.kind === "sse" || route.kind === "message";
        if (old && !exchange.settings.legacySse) return { refusal: NOT_FOUND, id: null };
        // A server that the client may not see is as unknown to it as one that is not there.
        if (!server || !mayUse(client, server.name)) return { refusal: NOT_FOUND, id: null };
        return services[route.kind](exchange, { client, server });
    }

    #refuse(
        req: IncomingMessage,
        res: ServerResponse,
        client: string,
        { refusal, id }: RefusedMessage,
    ): void {
        const { metrics, log } = this.#parts;
        const { status, reason, message } = refusal;
        metrics.refused(client, reason);
        log.debug({ client, status, reason, message }, "refused");
        if (!res.destroyed) refuse(req, res, refusal, id);
    }
}
