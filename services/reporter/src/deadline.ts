/** Pauses and time limits that tell a slow server from a reporter that was itself held up. */
import { setTimeout as after } from "node:timers/promises";

/** A timer that fires later than this was held up by this process or machine. */
const HELD_UP_MS = 250;
/** What answers that arrived meanwhile get to be read. */
const EXTENSION_MS = 500;

/** Waits; comes back early when the signal is aborted. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
    await after(ms, undefined, { signal }).catch(() => undefined);
}

/**
 * Aborts after a time, or along with another signal. After a stop of the whole process (a suspended
 * machine, a starved one) every timer is due at once while answers still wait to be read: then it
 * grants an extension instead of calling all servers dead.
 */
export class Deadline {
    readonly #controller = new AbortController();
    readonly #parent: AbortSignal;
    readonly #follow = (): void => this.#controller.abort();
    #timer: NodeJS.Timeout;
    #due: number;
    #passed = false;

    constructor(ms: number, parent: AbortSignal) {
        this.#parent = parent;
        this.#due = performance.now() + ms;
        this.#timer = setTimeout(() => this.#fire(), ms);
        if (parent.aborted) this.#follow();
        parent.addEventListener("abort", this.#follow, { once: true });
    }

    get signal(): AbortSignal {
        return this.#controller.signal;
    }

    /** Whether it was the time that ran out. */
    get passed(): boolean {
        return this.#passed;
    }

    /** Has to be called once the work is done. */
    clear(): void {
        clearTimeout(this.#timer);
        this.#parent.removeEventListener("abort", this.#follow);
    }

    #fire(): void {
        if (performance.now() - this.#due > HELD_UP_MS) {
            this.#due = Number.POSITIVE_INFINITY;
            this.#timer = setTimeout(() => this.#fire(), EXTENSION_MS);
            return;
        }
        this.#passed = true;
        this.#controller.abort();
    }
}
