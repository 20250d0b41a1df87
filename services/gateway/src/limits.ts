/** How much a client may do: calls a minute, calls at once, streams at once; and token guesses. */
import { RateLimiterMemory } from "rate-limiter-flexible";

import type { ClientConfig } from "./config.ts";
import type { Refusal } from "./refusal.ts";

/** Wrong tokens that one address may present in a minute. */
const GUESSES = 20;
const MINUTE_SECONDS = 60;

/** Counts what each client does. A changed limit holds from the next call on. */
export class Limits {
    readonly #rates = new Map<number, RateLimiterMemory>();
    readonly #running = new Map<string, number>();

    /** Takes one call from the client's minute; a refusal when there is none left. */
    async spend(client: ClientConfig): Promise<Refusal | undefined> {
        const rate = this.#rateOf(client.limits.callsPerMinute);
        try {
            await rate.consume(client.name);
            return undefined;
        } catch (rejection) {
            const message = `Too Many Requests: ${client.limits.callsPerMinute} calls a minute are used up`;
            return {
                status: 429,
                reason: "rate",
                message,
                headers: { "Retry-After": secondsLeft(rejection) },
            };
        }
    }

    /**
     * Begins something that counts until it is over.
     *
     * @param kind calls and streams are counted apart: a stream lasts as long as its client
     * @returns what ends it, or a refusal
     */
    begin(client: ClientConfig, kind: "call" | "stream"): (() => void) | Refusal {
        const key = `${kind} ${client.name}`;
        const running = this.#running.get(key) ?? 0;
        const { concurrent, sessions } = client.limits;
        const most = kind === "call" ? concurrent : sessions;
        if (running >= most) {
            const message = `Too Many Requests: ${most} ${kind}s at once are under way`;
            return { status: 429, reason: "concurrency", message, headers: { "Retry-After": "1" } };
        }
        this.#running.set(key, running + 1);
        let over = false;
        return () => {
            if (over) return;
            over = true;
            const left = (this.#running.get(key) ?? 1) - 1;
            if (left > 0) this.#running.set(key, left);
            else this.#running.delete(key);
        };
    }

    #rateOf(callsPerMinute: number): RateLimiterMemory {
        let rate = this.#rates.get(callsPerMinute);
        if (!rate) {
            rate = new RateLimiterMemory({ points: callsPerMinute, duration: MINUTE_SECONDS });
            this.#rates.set(callsPerMinute, rate);
        }
        return rate;
    }
}

/** Bounds how many wrong tokens an address may try. */
export class Guesses {
    readonly #tries = new RateLimiterMemory({ points: GUESSES, duration: MINUTE_SECONDS });

    /** A refusal while the address has used up its tries: then no token is looked at. */
    async check(address: string): Promise<Refusal | undefined> {
        const tries = await this.#tries.get(address);
        if (!tries || tries.consumedPoints < GUESSES) return undefined;
        return {
            status: 429,
            reason: "guessing",
            message: "Too Many Requests: too many wrong tokens from this address",
            headers: { "Retry-After": secondsLeft(tries) },
        };
    }

    /** Notes a wrong token. */
    async wrong(address: string): Promise<void> {
        // It rejects beyond the bound, which `check` reports with the next request.
        await this.#tries.consume(address).catch(() => undefined);
    }
}

function secondsLeft(state: unknown): string {
    const { msBeforeNext = 1000 } = state as { msBeforeNext?: number };
    return String(Math.max(1, Math.ceil(msBeforeNext / 1000)));
}
