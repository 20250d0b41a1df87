/** Counts answers that stay open, so that nobody can use up the manager by opening more. */
import { ApiError } from "./errors.ts";

export class Streams {
    readonly #most: number;
    readonly #stopping: AbortSignal;
    #open = 0;

    constructor(most: number, stopping: AbortSignal) {
        this.#most = most;
        this.#stopping = stopping;
    }

    /**
     * Lets one more in.
     *
     * @returns a signal that aborts when the manager stops or at `release`, which has to be called at the end
     * @throws ApiError 503 when there are enough
     */
    enter(): { readonly signal: AbortSignal; readonly release: () => void } {
        if (this.#open >= this.#most) {
            throw new ApiError(503, "too-many-streams", `${this.#most} clients follow already`, {
                remedy: "close one of them",
                headers: { "retry-after": "10" },
            });
        }
        this.#open++;
        const end = new AbortController();
        const release = (): void => {
            if (end.signal.aborted) return;
            this.#open--;
            this.#stopping.removeEventListener("abort", release);
            end.abort();
        };
        if (this.#stopping.aborted) release();
        this.#stopping.addEventListener("abort", release);
        return { signal: end.signal, release };
    }
}
