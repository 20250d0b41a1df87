/** Waiting between two attempts: longer each time, and ended early when there is a reason to. */

export class Pause {
    #first;
    #most;
    #next;
    /** @type {(() => void) | undefined} */
    #end;

    /**
     * @param {{ first: number, most: number }} limits of the growing wait, in milliseconds
     */
    constructor({ first, most }) {
        this.#first = first;
        this.#most = most;
        this.#next = first;
    }

    /**
     * Waits so long, or until `end` is called or the signal aborts.
     *
     * @param {number} milliseconds
     * @param {AbortSignal} signal
     * @returns {Promise<void>}
     */
    wait(milliseconds, signal) {
        return new Promise((resolve) => {
            const end = () => {
                clearTimeout(timer);
                signal.removeEventListener("abort", end);
                this.#end = undefined;
                resolve();
            };
            const timer = setTimeout(end, milliseconds);
            this.#end = end;
            if (signal.aborted) end();
            else signal.addEventListener("abort", end);
        });
    }

    /**
     * Waits after a failure: twice as long as the last time, spread by a fifth so that many pages do not ask at once.
     *
     * @param {AbortSignal} signal
     */
    afterFailure(signal) {
        const wait = this.#next * (0.8 + 0.4 * Math.random());
        this.#next = Math.min(this.#next * 2, this.#most);
        return this.wait(wait, signal);
    }

    /** Ends the wait that goes on now. */
    end() {
        this.#end?.();
    }

    /** After a success: the next failure waits the first time again. */
    reset() {
        this.#next = this.#first;
    }
}
