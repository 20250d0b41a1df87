/** Connections to the servers, kept open and bounded, one pool a server. */
import { readFileSync } from "node:fs";

import { Pool, type Dispatcher } from "undici";

import type { Config, ServerConfig } from "./config.ts";
import type { Logger } from "./log.ts";

const CONNECT_MS = 3_000;
/** Each open stream takes one, so this also bounds the streams to one server. */
const MOST_CONNECTIONS = 1_024;
const KEEP_ALIVE_MS = 30_000;

/** One request to a server. */
export interface ServerRequest {
    readonly method: "GET" | "POST" | "DELETE";
    readonly headers: Readonly<Record<string, string>>;
    readonly body?: string;
    readonly signal: AbortSignal;
    /** Longest silence while an answer is awaited; none for a stream that may say nothing. */
    readonly silenceMs?: number;
}

/** The pools of the configured servers. */
export class Pools {
    readonly #pools = new Map<string, Pool>();
    readonly #tokens = new Map<string, string>();
    readonly #log: Logger;

    constructor(config: Config, log: Logger) {
        this.#log = log;
        this.configure(config);
    }

    /** Reads the servers' token files anew and closes the pools of those that are gone. */
    configure({ servers }: Config): void {
        this.#tokens.clear();
        for (const { name, tokenFile } of servers) {
            if (tokenFile !== undefined) this.#readToken(name, tokenFile);
        }
        const wanted = new Set(servers.map(({ url }) => url));
        for (const [url, pool] of this.#pools) {
            if (wanted.has(url)) continue;
            this.#pools.delete(url);
            void pool.destroy();
        }
    }

    /** The header that a server wants to see, if any. */
    authorization(server: string): Record<string, string> {
        const token = this.#tokens.get(server);
        return token === undefined ? {} : { authorization: `Bearer ${token}` };
    }

    /** Sends a request. Resolves with the head of the answer. */
    request(server: ServerConfig, request: ServerRequest): Promise<Dispatcher.ResponseData> {
        const { method, headers, body, signal, silenceMs = 0 } = request;
        return this.#poolOf(server.url).request({
            method,
            path: server.path,
            headers: { ...headers, ...this.authorization(server.name) },
            ...(body !== undefined && { body }),
            signal,
            headersTimeout: silenceMs,
            bodyTimeout: silenceMs,
        });
    }

    async close(): Promise<void> {
        await Promise.all([...this.#pools.values()].map((pool) => pool.destroy()));
    }

    #poolOf(url: string): Pool {
        let pool = this.#pools.get(url);
        if (!pool) {
            pool = new Pool(url, {
                connections: MOST_CONNECTIONS,
                pipelining: 1,
                keepAliveTimeout: KEEP_ALIVE_MS,
                connect: { timeout: CONNECT_MS },
            });
            this.#pools.set(url, pool);
        }
        return pool;
    }

    #readToken(server: string, file: string): void {
        try {
            this.#tokens.set(server, readFileSync(file, "utf8").trim());
        } catch (error) {
            const reason = error instanceof Error ? error.message : String(error);
            this.#log.error({ server, reason }, "token file cannot be read");
        }
    }
}
