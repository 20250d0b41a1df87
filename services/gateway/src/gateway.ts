/** Puts the parts together, follows the configuration, and stops in order. */
import http from "node:http";
import { isIPv6 } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

import { Admission } from "./admission.ts";
import { Aggregate, ALL } from "./aggregate.ts";
import { Audit } from "./audit.ts";
import { Calls, type SpanSink } from "./calls.ts";
import type { ConfigFile } from "./config-file.ts";
import { mayUse, type Config } from "./config.ts";
import { Forward } from "./forward.ts";
import { Front } from "./front.ts";
import { Identity } from "./identity.ts";
import { Inspector } from "./inspector.ts";
import { LegacySse } from "./legacy-sse.ts";
import { Limits } from "./limits.ts";
import { listen, Listeners } from "./listeners.ts";
import type { Logger } from "./log.ts";
import { Metrics } from "./metrics.ts";
import { Pins } from "./pins.ts";
import { Pools } from "./pools.ts";
import { Relay } from "./relay.ts";
import { Sessions, type Session } from "./sessions.ts";
import type { Settings } from "./settings.ts";

/** How long a stop waits for calls that are under way. */
const DRAIN_MS = 8_000;
const SWEEP_MS = 5_000;
const GOODBYE_MS = 2_000;

/** The running gateway. */
export class Gateway {
    readonly #file: ConfigFile;
    readonly #settings: Settings;
    readonly #log: Logger;
    readonly #metrics: Metrics;
    readonly #audit: Audit;
    readonly #pools: Pools;
    readonly #pins: Pins;
    readonly #inspector: Inspector;
    readonly #sessions: Sessions;
    readonly #aggregate: Aggregate;
    readonly #front: Front;
    readonly #listeners: Listeners;
    /** Ends of sessions that servers are being told of. */
    readonly #goodbyes = new Set<Promise<unknown>>();
    #identity: Identity;
    #metricsServer: http.Server | undefined;
    #sweeper: NodeJS.Timeout | undefined;
    #lastConfig: Config;
    #origin = "";

    /** @param onSpan where finished calls go as spans; nowhere when undefined */
    constructor(settings: Settings, file: ConfigFile, log: Logger, onSpan: SpanSink | undefined) {
        this.#settings = settings;
        this.#file = file;
        this.#log = log;
        const config = file.current;
        this.#lastConfig = config;
        this.#identity = new Identity(config);
        const audit = new Audit(settings.audit, log);
        this.#audit = audit;
        const sessions = new Sessions((session) => this.#sayGoodbye(session));
        const metrics = new Metrics({
            sessions: () => sessions.count(),
            exchanges: () => this.#front.exchanges,
        });
        const pools = new Pools(config, log);
        const pins = new Pins(config, { file: settings.pinsFile, log, metrics, audit });
        const limits = new Limits();
        const calls = new Calls({ audit, metrics, pins, onSpan });
        this.#sessions = sessions;
        this.#metrics = metrics;
        this.#pools = pools;
        this.#pins = pins;
        this.#inspector = new Inspector({
            ...{ pins, pools, metrics, log, everyMs: settings.inspectMs },
            maxReplyBytes: () => file.current.settings.maxReplyBytes,
            onChanged: (server, kinds) => this.#aggregate.serverChanged(server, kinds),
        });
        const onSuspicion = (server: string): void => this.#inspector.poke(server);
        const forward = new Forward({ pools, sessions, pins, onSuspicion });
        const admission = new Admission(limits, sessions);
        const relay = new Relay({ sessions, admission, pins, calls, forward });
        this.#aggregate = new Aggregate({
            config: () => file.current,
            reason: (server) => this.#inspector.reason(server),
            ...{ sessions, admission, pins, calls, pools, onSuspicion },
        });
        const legacy = new LegacySse({ admission, origin: () => this.#origin });
        this.#front = new Front({
            config: () => file.current,
            identity: () => this.#identity,
            missing: () => this.#inspector.missing(),
            services: {
                server: (exchange, pair) => relay.serve(exchange, pair),
                all: (exchange, client) => this.#aggregate.serve(exchange, client),
                sse: (exchange, pair) => legacy.open(exchange, pair),
                message: (exchange, pair) => legacy.message(exchange, pair),
            },
            metrics,
            log,
        });
        this.#listeners = new Listeners({
            host: settings.host,
            createServer: (own) => this.#front.createServer(own),
            log,
        });
        file.onReload((outcome, next) => {
            metrics.reload(outcome);
            void this.#configure(next);
        });
    }

    /** Listens on all ports and begins to look at the servers. Rejects when a port is taken. */
    async start(): Promise<void> {
        const { host, port, metricsHost, metricsPort } = this.#settings;
        this.#metricsServer = this.#createMetricsServer();
        const metrics = await listen(this.#metricsServer, metricsHost, metricsPort);
        const own = await this.#listeners.open(port);
        await this.#listeners.configure(this.#file.current);
        this.#inspector.configure(this.#file.current);
        this.#sweeper = setInterval(() => this.#sweep(), SWEEP_MS);
        this.#file.watch();
        // Where the gateway reaches itself: not every address can be connected to.
        const address = host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "::1" : host;
        this.#origin = `http://${isIPv6(address) ? `[${address}]` : address}:${own.port}`;
        this.#log.info({ host, port: own.port, metricsPort: metrics.port }, "listening");
    }

    /** Reads the configuration now, and opens the audit file anew: the old one may have been moved. */
    reload(): void {
        this.#audit.reopen();
        this.#file.reload();
    }

    /** Refuses new work, waits for what is under way, and lets go of everything. */
    async stop(): Promise<void> {
        this.#file.unwatch();
        clearInterval(this.#sweeper);
        this.#front.stop();
        this.#listeners.stop();
        const deadline = performance.now() + DRAIN_MS;
        while (this.#front.pending > 0 && performance.now() < deadline) await sleep(20);
        this.#front.abort(() => true);
        this.#inspector.stop();
        await this.#aggregate.close();
        this.#sessions.drop(() => true);
        this.#listeners.close();
        this.#metricsServer?.closeAllConnections();
        this.#metricsServer?.close();
        await Promise.all(this.#goodbyes);
        await this.#pools.close();
    }

    /** Makes everything follow a new configuration. */
    async #configure(config: Config): Promise<void> {
        const before = this.#lastConfig;
        this.#lastConfig = config;
        this.#identity = new Identity(config, this.#identity);
        this.#pools.configure(config);
        this.#pins.configure(config);
        this.#inspector.configure(config);
        const revoked = revocation(before, config);
        this.#front.abort(revoked);
        this.#sessions.drop(({ client, server }) => revoked(client, server));
        this.#aggregate.revoke(revoked);
        await this.#listeners.configure(config);
    }

    #sweep(): void {
        const idleMs = this.#file.current.settings.sessionIdleSeconds * 1000;
        this.#sessions.sweep(idleMs);
        this.#aggregate.sweep(idleMs);
    }

    /** Tells the server that a session is over; what it answers does not matter. */
    #sayGoodbye(session: Session): void {
        const { server: name, upstreamId } = session;
        if (name === ALL) return this.#aggregate.ended(session);
        const server = this.#file.current.servers.find((one) => one.name === name);
        if (!server) return;
        const headers = { "mcp-session-id": upstreamId };
        const signal = AbortSignal.timeout(GOODBYE_MS);
        const goodbye = this.#pools
            .request(server, { method: "DELETE", headers, signal })
            .then(({ body }) => body.dump())
            .catch(() => undefined)
            .finally(() => this.#goodbyes.delete(goodbye));
        this.#goodbyes.add(goodbye);
    }

    #createMetricsServer(): http.Server {
        return http.createServer((req, res) => {
            if (req.method !== "GET" || req.url !== "/metrics") {
                res.writeHead(404).end();
                return;
            }
            void this.#metrics.text().then((text) => {
                res.writeHead(200, { "Content-Type": this.#metrics.contentType }).end(text);
            });
        });
    }
}

/**
 * Tells what must end because of a new configuration: whatever belongs to a client that is gone, has
 * other credentials or may no longer use the server; and whatever goes to a server that is elsewhere.
 */
function revocation(
    before: Config,
    after: Config,
): (client: string, server: string | undefined) => boolean {
    const clients = new Map(after.clients.map((client) => [client.name, client]));
    const moved = new Set(
        before.servers
            .filter(({ name, url, path }) => {
                const now = after.servers.find((server) => server.name === name);
                return now?.url !== url || now.path !== path;
            })
            .map(({ name }) => name),
    );
    const changed = new Set(
        before.clients
            .filter((old) => {
                const now = clients.get(old.name);
                if (!now || now.oauthClient !== old.oauthClient) return true;
                if (old.anonymous && !now.anonymous) return true;
                return old.tokenSha256.some((hash) => !now.tokenSha256.includes(hash));
            })
            .map(({ name }) => name),
    );
    return (name, server) => {
        const client = clients.get(name);
        if (!client || changed.has(name)) return true;
        return (
            server !== undefined && server !== ALL && (moved.has(server) || !mayUse(client, server))
        );
    };
}
