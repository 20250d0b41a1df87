/** Counts answers that stay open, so that nobody can use up the manager by opening more, and ends those that must not. */
import type { FastifyReply, FastifyRequest } from "fastify";

import { ApiError } from "./errors.ts";
import { tooMany } from "./guard.ts";

/** Times of an open answer, in milliseconds. */
export interface StreamTimes {
    /** From one heartbeat to the next; at each the token is checked again. */
    readonly heartbeatMs: number;
    /**
     * A client that takes nothing for so long, while something waits for it, is cut off; at the latest after twice the
     * time. Seen through the kernel's buffers: less than about 1 MiB in that time counts as nothing.
     */
    readonly idleMs: number;
}

export const STREAM_TIMES: StreamTimes = { heartbeatMs: 15_000, idleMs: 60_000 };

export interface StreamLimits {
    /** Open at once, of everybody. */
    readonly most: number;
    /** Open at once, with one role from one address. */
    readonly mostOfOne: number;
}

/** Seconds after which a client that was refused may ask again. */
const RETRY_SECONDS = 10;

export class Streams {
    readonly #limits: StreamLimits;
    readonly #times: StreamTimes;
    readonly #stopping: AbortSignal;
    /** How many each role and address has open. */
    readonly #open = new Map<string, number>();

    constructor(limits: StreamLimits, times: StreamTimes, stopping: AbortSignal) {
        this.#limits = limits;
        this.#times = times;
        this.#stopping = stopping;
    }

    /**
     * Lets one more in, until its answer is closed.
     *
     * @param onHeartbeat called at every heartbeat
     * @returns a signal that aborts when the answer has to end: closed, the manager stops, or its token counts no more
     * @throws ApiError 429 when this client has enough, 503 when all have
     */
    enter(request: FastifyRequest, reply: FastifyReply, onHeartbeat?: () => void): AbortSignal {
        const client = `${request.role ?? "public"} ${request.ip}`;
        this.#admit(client);
        const end = new AbortController();
        const beat = (): void => {
            if (request.roleNow() === undefined) release();
            else onHeartbeat?.();
        };
        const heart = setInterval(beat, this.#times.heartbeatMs);
        const release = (): void => {
            if (end.signal.aborted) return;
            clearInterval(heart);
            this.#stopping.removeEventListener("abort", release);
            this.#leave(client);
            end.abort();
        };
        reply.raw.setTimeout(this.#times.idleMs, () => {
            // Fires as well when there was nothing to send.
            if (reply.raw.socket?.writableLength) reply.raw.destroy();
        });
        reply.raw.once("close", release);
        this.#stopping.addEventListener("abort", release);
        // Closed meanwhile, it tells that no more.
        if (this.#stopping.aborted || reply.raw.destroyed) release();
        return end.signal;
    }

    #admit(client: string): void {
        const { most, mostOfOne } = this.#limits;
        const own = this.#open.get(client) ?? 0;
        if (own >= mostOfOne)
            throw tooMany(RETRY_SECONDS, `${own} of these answers are open already`);
        const all = [...this.#open.values()].reduce((sum, count) => sum + count, 0);
        if (all >= most) {
            throw new ApiError(503, "too-many-streams", `${all} clients read already`, {
                remedy: `try again in ${RETRY_SECONDS} s`,
                headers: { "retry-after": String(RETRY_SECONDS) },
            });
        }
        this.#open.set(client, own + 1);
    }

    #leave(client: string): void {
        const left = (this.#open.get(client) ?? 0) - 1;
        if (left > 0) this.#open.set(client, left);
        else this.#open.delete(client);
    }
}
