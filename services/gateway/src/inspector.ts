/** Looks at every server's tools: at the start, now and then, and when a server says they changed. */
import type { Config, ServerConfig } from "./config.ts";
import type { Logger } from "./log.ts";
import type { Metrics } from "./metrics.ts";
import type { Pins } from "./pins.ts";
import type { Pools } from "./pools.ts";
import { LIST_KINDS, reasonOf, Upstream, type ListKind } from "./upstream.ts";

/** What does not answer is asked again this soon. */
const RETRY_MS = 3_000;

interface InspectorParts {
    readonly pins: Pins;
    readonly pools: Pools;
    readonly metrics: Metrics;
    readonly log: Logger;
    readonly everyMs: number;
    readonly maxReplyBytes: () => number;
    /** A list of the server has changed, or all of them: it is there again, or is gone. */
    readonly onChanged: (server: string, kinds: readonly ListKind[]) => void;
}

interface Watch {
    readonly server: ServerConfig;
    connection: Upstream | undefined;
    timer: NodeJS.Timeout | undefined;
    looking: boolean;
    /** Something happened while it was being looked at. */
    again: boolean;
    stopped: boolean;
    /** Why the last look failed; undefined when it did not; null before the first has ended. */
    reason: string | undefined | null;
}

/** Watches all servers, one connection each. */
export class Inspector {
    readonly #parts: InspectorParts;
    readonly #watches = new Map<string, Watch>();

    constructor(parts: InspectorParts) {
        this.#parts = parts;
    }

    /** Names of the servers that have not been looked at yet. */
    missing(): string[] {
        return [...this.#watches].filter(([, { reason }]) => reason === null).map(([name]) => name);
    }

    /** Why a server does not answer; undefined while it does, or while that is not known. */
    reason(server: string): string | undefined {
        return this.#watches.get(server)?.reason ?? undefined;
    }

    configure({ servers }: Config): void {
        for (const [name, watch] of this.#watches) {
            const now = servers.find((server) => server.name === name);
            const { url, path } = watch.server;
            if (now?.url === url && now.path === path) continue;
            this.#watches.delete(name);
            if (!now) this.#parts.metrics.forget(name);
            this.#end(watch);
        }
        for (const server of servers) {
            if (this.#watches.has(server.name)) continue;
            const watch: Watch = {
                server,
                connection: undefined,
                timer: undefined,
                looking: false,
                again: false,
                stopped: false,
                reason: null,
            };
            this.#watches.set(server.name, watch);
            void this.#look(watch);
        }
    }

    /** Looks at a server now; one that is known not to answer is asked again soon anyway. */
    poke(server: string): void {
        const watch = this.#watches.get(server);
        if (watch?.reason === undefined && watch) void this.#look(watch);
    }

    stop(): void {
        for (const watch of this.#watches.values()) this.#end(watch);
        this.#watches.clear();
    }

    #end(watch: Watch): void {
        watch.stopped = true;
        clearTimeout(watch.timer);
        void watch.connection?.close();
    }

    async #look(watch: Watch): Promise<void> {
        if (watch.looking) {
            watch.again = true;
            return;
        }
        watch.looking = true;
        clearTimeout(watch.timer);
        do {
            watch.again = false;
            await this.#once(watch);
        } while (watch.again && !watch.stopped);
        watch.looking = false;
        if (watch.stopped) return this.#end(watch);
        const wait = watch.reason === undefined ? this.#parts.everyMs : RETRY_MS;
        watch.timer = setTimeout(() => void this.#look(watch), Math.min(wait, this.#parts.everyMs));
        watch.timer.unref();
    }

    async #once(watch: Watch): Promise<void> {
        const { pins, pools, metrics, log, onChanged, maxReplyBytes } = this.#parts;
        const { name } = watch.server;
        const changed = (kind: ListKind): void => {
            if (kind === "tools") this.poke(name);
            onChanged(name, [kind]);
        };
        try {
            if (!watch.connection || watch.connection.closed) {
                const headers = pools.authorization(name);
                watch.connection = await Upstream.connect(watch.server, headers, maxReplyBytes(), {
                    changed,
                });
            }
            const tools = await watch.connection.list("tools/list");
            if (watch.stopped) return;
            pins.observe(name, tools);
            const { reason } = watch;
            watch.reason = undefined;
            if (reason === undefined) return;
            log.info({ server: name, tools: tools.length }, "server answers");
            onChanged(name, LIST_KINDS);
        } catch (error) {
            const reason = reasonOf(error);
            void watch.connection?.close();
            watch.connection = undefined;
            if (watch.stopped) return;
            metrics.server(name, undefined);
            const before = watch.reason;
            watch.reason = reason;
            if (before === reason) return;
            log.warn({ server: name, reason }, "server does not answer");
            if (before === undefined) onChanged(name, LIST_KINDS);
        }
    }
}
