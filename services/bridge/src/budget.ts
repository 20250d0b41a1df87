/** Bounds how much of large request bodies is in memory at one time. */
import type { IncomingMessage, ServerResponse } from "node:http";

/** Bodies up to this size never wait. */
const SMALL_BYTES = 64 * 1024;
const WAIT_MS = 10_000;

interface Waiting {
    readonly bytes: number;
    readonly res: ServerResponse;
    readonly go: () => void;
    readonly timer: NodeJS.Timeout;
}

/**
 * A body is held several times over while it is read, parsed and written to the child: some 30 MiB
 * for one of 4 MiB. Without a bound, four such requests at once end a container of 256 MiB. So large
 * ones wait for room, unread, and small ones pass.
 */
export class BodyBudget {
    readonly #largest: number;
    #free: number;
    #queue: Waiting[] = [];

    /** @param largest the largest body that is accepted; two of them may be in progress */
    constructor(largest: number) {
        this.#largest = largest;
        this.#free = 2 * largest;
    }

    /**
     * Calls `go` once there is room, and keeps that room until `res` is closed.
     *
     * @param tooLate called instead when no room came up in time
     */
    admit(req: IncomingMessage, res: ServerResponse, go: () => void, tooLate: () => void): void {
        const declared = Number(req.headers["content-length"] ?? Number.NaN);
        // One that does not say may turn out to be of any size; one over the limit is never read.
        const bytes = declared >= 0 ? declared : this.#largest;
        if (req.method !== "POST" || bytes > this.#largest || bytes <= SMALL_BYTES) {
            go();
            return;
        }
        const timer = setTimeout(() => {
            this.#leave(waiting);
            tooLate();
        }, WAIT_MS);
        const waiting: Waiting = { bytes, res, go, timer };
        res.once("close", () => this.#leave(waiting));
        this.#queue.push(waiting);
        this.#advance();
    }

    #advance(): void {
        for (;;) {
            const [first] = this.#queue;
            if (!first || first.bytes > this.#free) return;
            this.#queue.shift();
            clearTimeout(first.timer);
            this.#free -= first.bytes;
            first.res.once("close", () => {
                this.#free += first.bytes;
                this.#advance();
            });
            first.go();
        }
    }

    #leave(waiting: Waiting): void {
        clearTimeout(waiting.timer);
        this.#queue = this.#queue.filter((other) => other !== waiting);
    }
}
