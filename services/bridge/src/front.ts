/** The HTTP side: mcp-proxy's server with the bridge's own checks and routes in front of it. */
import diagnostics from "node:diagnostics_channel";
import http, { type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

import type { Server } from "@modelcontextprotocol/server";
import { startHTTPServer, type SSEServer } from "mcp-proxy";

import { BodyBudget } from "./budget.ts";
import { createGuard, routeOf, type Refusal, type Route } from "./guard.ts";
import type { Health } from "./health.ts";
import type { Logger } from "./log.ts";
import type { Metrics } from "./metrics.ts";
import { SessionTable } from "./sessions.ts";
import type { Settings } from "./settings.ts";
import type { Upstream } from "./upstream.ts";

const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 60_000;
const KEEP_ALIVE_MS = 120_000;
const MAX_CONNECTIONS = 1_024;

const BUSY: Refusal = {
    status: 503,
    message: "Service Unavailable: too many large requests at once",
    headers: { "Retry-After": "1" },
};
const STOPPING: Refusal = {
    status: 503,
    message: "Service Unavailable: the bridge is stopping",
    headers: { Connection: "close", "Retry-After": "1" },
};

/** What the front needs from the rest of the bridge. */
export interface FrontParts {
    readonly settings: Settings;
    readonly upstream: Upstream;
    readonly sessions: SessionTable;
    readonly probe: () => Promise<Health>;
    readonly metrics: Metrics;
    readonly log: Logger;
}

/** The running HTTP server. */
export class Front {
    readonly #parts: FrontParts;
    readonly #guard: ReturnType<typeof createGuard>;
    /** Answers in progress that a stop waits for: not the streams that only end with the client. */
    readonly #inFlight = new Set<ServerResponse>();
    readonly #bodies: BodyBudget;
    #server: http.Server | undefined;
    #proxy: SSEServer | undefined;
    #forward: http.RequestListener = (_req, res) => void res.writeHead(503).end();
    #stopping = false;

    private constructor(parts: FrontParts) {
        this.#parts = parts;
        this.#guard = createGuard(parts.settings);
        this.#bodies = new BodyBudget(parts.settings.maxBodyBytes);
    }

    /** Starts to listen. */
    static async start(parts: FrontParts): Promise<Front> {
        const front = new Front(parts);
        await front.#listen();
        return front;
    }

    get address(): AddressInfo {
        return this.#server?.address() as AddressInfo;
    }

    /** Refuses new work and waits until what is under way is answered, up to `ms`. */
    async drain(ms: number): Promise<void> {
        this.#stopping = true;
        this.#server?.close();
        await this.settle(ms);
    }

    /** Waits until what is under way is answered, up to `ms`. */
    async settle(ms: number): Promise<void> {
        const deadline = performance.now() + ms;
        while (this.#inFlight.size > 0 && performance.now() < deadline) await sleep(10);
    }

    /** Ends all sessions and connections. */
    async close(): Promise<void> {
        // Once `drain` has closed the listener, this reports that the server is not running.
        const closed = this.#proxy?.close().catch(() => undefined);
        await Promise.race([closed, sleep(500)]);
        this.#server?.closeAllConnections();
    }

    /**
     * mcp-proxy makes its HTTP server itself and offers no hook in front of the MCP path, so it is
     * picked up here as it starts to listen, before the first connection, and its listener is put
     * behind the bridge's.
     */
    async #listen(): Promise<void> {
        const { settings, upstream, sessions } = this.#parts;
        const channel = diagnostics.channel("tracing:net.server.listen:asyncStart");
        const pickUp = (message: unknown): void => {
            const { server } = message as { server: unknown };
            if (server instanceof http.Server) this.#takeOver(server as http.Server);
        };
        channel.subscribe(pickUp);
        try {
            this.#proxy = await startHTTPServer<Server>({
                host: settings.host,
                port: settings.port,
                streamEndpoint: settings.path,
                sseEndpoint: null,
                cors: false,
                // Without it a dropped answer is not replayed; with it each session would keep its
                // last 1000 messages, of any size, in memory.
                eventStore: false,
                maxBodySize: settings.maxBodyBytes,
                sessionIdleTimeout: settings.sessionIdleMs,
                createServer: async (req) => {
                    const server = await upstream.createServer();
                    sessions.created(req, server);
                    return server;
                },
                onConnect: (server) => sessions.connected(server),
                onClose: (server) => Promise.resolve(sessions.closed(server)),
                onListenSubscriptions: (uris) => upstream.subscribe(uris),
            });
        } finally {
            channel.unsubscribe(pickUp);
        }
        if (!this.#server) {
            await this.#proxy.close();
            throw new Error("mcp-proxy's HTTP server was not found; no check would stand in front");
        }
        upstream.announceTo(this.#proxy);
    }

    #takeOver(server: http.Server): void {
        const [listener] = server.listeners("request");
        this.#forward = listener as http.RequestListener;
        server.removeAllListeners("request");
        server.on("request", (req, res) => this.#onRequest(req, res));
        server.headersTimeout = HEADERS_TIMEOUT_MS;
        server.requestTimeout = REQUEST_TIMEOUT_MS;
        server.keepAliveTimeout = KEEP_ALIVE_MS;
        server.maxConnections = MAX_CONNECTIONS;
        this.#server = server;
    }

    #onRequest(req: IncomingMessage, res: ServerResponse): void {
        const route = routeOf(req.url, this.#parts.settings.path);
        res.once("close", () => {
            this.#parts.metrics.request(route, res.headersSent ? res.statusCode : 0);
        });
        const refusal = this.#guard(req, route) ?? this.#whileStopping(route);
        if (refusal) return this.#refuse(req, res, refusal);
        switch (route) {
            case "healthz":
                return void this.#answerHealth(res);
            case "metrics":
                return void this.#answerMetrics(res);
            default:
                return this.#answerMcp(req, res);
        }
    }

    #whileStopping(route: Route): Refusal | undefined {
        return this.#stopping && route !== "metrics" ? STOPPING : undefined;
    }

    #refuse(
        req: IncomingMessage,
        res: ServerResponse,
        { status, message, headers }: Refusal,
    ): void {
        const { log } = this.#parts;
        const { method, url } = req;
        log.debug({ status, method, url: url?.slice(0, 200), message }, "refused");
        const error = { code: -32000, message };
        sendJson(res, status, { jsonrpc: "2.0", id: null, error }, headers);
    }

    #answerMcp(req: IncomingMessage, res: ServerResponse): void {
        this.#parts.sessions.request(req, res);
        if (req.method === "POST" && req.headers["mcp-method"] !== "subscriptions/listen") {
            this.#inFlight.add(res);
            res.once("close", () => this.#inFlight.delete(res));
        }
        this.#bodies.admit(
            req,
            res,
            () => this.#forward(req, res),
            () => this.#refuse(req, res, BUSY),
        );
    }

    async #answerHealth(res: ServerResponse): Promise<void> {
        const health = await this.#parts.probe();
        sendJson(res, health.status === "ok" ? 200 : 503, health);
    }

    async #answerMetrics(res: ServerResponse): Promise<void> {
        const { metrics } = this.#parts;
        const text = await metrics.text();
        res.writeHead(200, { "Content-Type": metrics.contentType }).end(text);
    }
}

function sendJson(
    res: ServerResponse,
    status: number,
    body: unknown,
    headers: Readonly<Record<string, string>> = {},
): void {
    res.writeHead(status, {
        "Content-Type": "application/json",
        "Cache-Control": "no-store",
        ...headers,
    }).end(JSON.stringify(body));
}
