/** One endless blocking query: tells every answer, recovers from everything, never spins. */
import { ConsulError, type Consul } from "./consul.ts";
import { pause } from "./deadline.ts";

/** One answer. */
export interface Seen<T> {
    readonly value: T;
    /** When its question was asked; everything older than that is in it. */
    readonly askedAt: number;
}

export interface WatchOptions<T> {
    readonly consul: Consul;
    readonly path: string;
    readonly decode: (data: unknown) => T;
    /** Told every answer, also one without news: it corrects whatever went wrong before. */
    readonly onAnswer: (seen: Seen<T>) => void;
    readonly onTrouble: (error: ConsulError) => void;
    /** Longest wait for a change; short, because only an answer proves that Consul is still there. */
    readonly waitMs: number;
}

/** Least time between two questions: an index that moves all the time must not become load. */
const GAP_MS = 50;
const FIRST_BACKOFF_MS = 100;
const MOST_BACKOFF_MS = 2_000;

/**
 * The index to ask with next. One that goes backwards (Consul was restored) or is missing starts over;
 * 0 itself would not block.
 */
export function nextIndex(last: number, got: number): number {
    if (got < last) return 0;
    return Math.max(got, 1);
}

/** A watch of one path, from `run` to `stop`. */
export class Watch<T> {
    readonly #options: WatchOptions<T>;
    readonly #stopped = new AbortController();
    #asking = new AbortController();
    #fromStart = true;
    /** When the question under way was asked, if it does not wait for a change. */
    #immediateSince: number | undefined;

    constructor(options: WatchOptions<T>) {
        this.#options = options;
    }

    /** Asks until stopped. */
    async run(): Promise<void> {
        const { consul, path, decode, onAnswer, onTrouble, waitMs } = this.#options;
        const stopped = this.#stopped.signal;
        let index = 0;
        let failures = 0;
        while (!stopped.aborted) {
            const askedAt = performance.now();
            if (this.#fromStart) index = 0;
            this.#fromStart = false;
            this.#immediateSince = index === 0 ? askedAt : undefined;
            this.#asking = new AbortController();
            const { signal } = this.#asking;
            try {
                const answer = await consul.read(path, { index, waitMs, signal });
                const value = decoded(decode, answer.data);
                failures = 0;
                index = nextIndex(index, answer.index);
                onAnswer({ value, askedAt });
            } catch (error) {
                if (!(error instanceof ConsulError)) throw error;
                // Whatever Consul comes back with, it has to be read at once, not when it changes.
                this.#fromStart = true;
                if (!signal.aborted) {
                    onTrouble(error);
                    await pause(backoff(failures++), stopped);
                }
            }
            const rest = GAP_MS - (performance.now() - askedAt);
            if (rest > 0) await pause(rest, stopped);
        }
    }

    /** Makes sure of an answer to a question asked later than `since`, without waiting for a change. */
    poke(since: number): void {
        if (this.#immediateSince !== undefined && this.#immediateSince >= since) return;
        this.#fromStart = true;
        // One that does not wait is answered soon; the next one is asked after that.
        if (this.#immediateSince === undefined) this.#asking.abort();
    }

    stop(): void {
        this.#stopped.abort();
        this.#asking.abort();
    }
}

/** How long to wait after that many failures in a row, with some spread. */
export function backoff(failures: number): number {
    const full = Math.min(FIRST_BACKOFF_MS * 2 ** failures, MOST_BACKOFF_MS);
    return full * (0.8 + 0.2 * Math.random());
}

function decoded<T>(decode: (data: unknown) => T, data: unknown): T {
    try {
        return decode(data);
    } catch (error) {
        throw new ConsulError("unreachable", (error as Error).message);
    }
}
