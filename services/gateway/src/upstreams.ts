/** The connections behind the endpoint of all servers: one for each client and server. */
import { ProtocolError, SdkHttpError, type RequestOptions } from "@modelcontextprotocol/client";

import type { Json } from "./message.ts";
import type { Pair } from "./policy.ts";
import type { Pools } from "./pools.ts";
import { CODE } from "./refusal.ts";
import { reasonOf, Upstream, type ListMethod } from "./upstream.ts";

/**
 * Longest wait for a whole list of a server, connecting included: the lists of the others wait for it. More than the
 * wait for one answer, since a server may leave the question for its revision unanswered and then be quick.
 */
const LIST_MS = 6_000;

/** The server did not answer; its client learns that as a JSON-RPC error. */
export class Unavailable extends ProtocolError {}

interface UpstreamsParts {
    readonly pools: Pools;
    readonly maxReplyBytes: () => number;
    readonly onLogged: (pair: Pair, params: Json) => void;
}

interface Held {
    readonly client: string;
    readonly server: string;
    readonly connection: Promise<Upstream>;
    usedAt: number;
    using: number;
}

/**
 * Clients do not share a connection: what a server keeps for one must not show to another. Sessions
 * of one client do.
 */
export class Upstreams {
    readonly #parts: UpstreamsParts;
    readonly #held = new Map<string, Held>();

    constructor(parts: UpstreamsParts) {
        this.#parts = parts;
    }

    /** A whole list of a server. Rejects when that takes too long; a connection that comes later is kept. */
    async list(pair: Pair, method: ListMethod, signal: AbortSignal): Promise<Json[]> {
        const late = new AbortController();
        const either = AbortSignal.any([signal, late.signal]);
        const whole = this.#with(pair, (upstream) => upstream.list(method, either));
        let timer: NodeJS.Timeout | undefined;
        const over = new Promise<never>((_resolve, reject) => {
            timer = setTimeout(() => {
                const error = new Error(`no answer in ${LIST_MS / 1000} s`);
                reject(error);
                late.abort(error);
            }, LIST_MS);
        });
        return Promise.race([whole, over]).finally(() => clearTimeout(timer));
    }

    /** One request; the result is as the server wrote it, its errors keep code and data. */
    async request(
        pair: Pair,
        method: string,
        params: Json,
        options: RequestOptions,
    ): Promise<Json> {
        const timeout = pair.server.timeoutSeconds * 1000;
        try {
            return await this.#with(pair, (upstream) =>
                upstream.request(method, params, {
                    timeout,
                    resetTimeoutOnProgress: true,
                    allowInputRequired: true,
                    ...options,
                }),
            );
        } catch (error) {
            if (error instanceof ProtocolError || options.signal?.aborted) throw error;
            const message = `${pair.server.name} does not answer: ${reasonOf(error)}`;
            throw new Unavailable(CODE.refused, message);
        }
    }

    /** Closes those that `wanted` picks. */
    drop(wanted: (client: string, server: string) => boolean): void {
        for (const [key, held] of this.#held) {
            if (wanted(held.client, held.server)) this.#close(key, held);
        }
    }

    /** Closes what has been unused for so long. */
    sweep(idleMs: number): void {
        const limit = performance.now() - idleMs;
        for (const [key, held] of this.#held) {
            if (held.using === 0 && held.usedAt < limit) this.#close(key, held);
        }
    }

    async #with<T>(pair: Pair, use: (upstream: Upstream) => Promise<T>): Promise<T> {
        const held = await this.#hold(pair);
        held.using += 1;
        try {
            return await use(await held.connection);
        } catch (error) {
            // The server has forgotten the session, so it has not acted on the request either.
            const forgotten = error instanceof SdkHttpError && error.status === 404;
            if (!forgotten) throw error;
            this.#close(keyOf(pair), held);
            return await use(await (await this.#hold(pair)).connection);
        } finally {
            held.using -= 1;
            held.usedAt = performance.now();
        }
    }

    async #hold(pair: Pair): Promise<Held> {
        const key = keyOf(pair);
        const held = this.#held.get(key);
        const closed = held && (await held.connection.then((one) => one.closed).catch(() => true));
        if (held && !closed) return held;
        const current = this.#held.get(key);
        // Somebody else was faster while this one waited.
        if (current && current !== held) return current;
        const { pools, onLogged, maxReplyBytes } = this.#parts;
        const { client, server } = pair;
        const connection = Upstream.connect(
            server,
            pools.authorization(server.name),
            maxReplyBytes(),
            {
                logged: (params) => onLogged(pair, params),
            },
        );
        // Whoever waits for it sees the error; nobody may be left.
        connection.catch(() => this.#held.get(key) === next && this.#held.delete(key));
        const next: Held = {
            ...{ client: client.name, server: server.name, connection },
            ...{ usedAt: performance.now(), using: 0 },
        };
        this.#held.set(key, next);
        return next;
    }

    #close(key: string, held: Held): void {
        if (this.#held.get(key) === held) this.#held.delete(key);
        void held.connection.then((one) => one.close()).catch(() => undefined);
    }
}

function keyOf({ client, server }: Pair): string {
    return `${client.name} ${server.name}`;
}
