/** One kind of calls of the daemon: with its own connections and turns, so that it takes none from another kind. */
import type { Agent } from "node:https";
import Docker from "dockerode";
import pLimit from "p-limit";

import { classify, DaemonError } from "./errors.ts";

export interface LaneOptions {
    /** Calls under way at once. */
    readonly calls: number;
    /** Calls that may wait for their turn; one more is refused. */
    readonly waiting: number;
}

/** What a call does; it has to hand the signal to dockerode, or its turn is not given back in time. */
export type Work<T> = (docker: Docker, abort: { readonly abortSignal: AbortSignal }) => Promise<T>;

export class Lane {
    readonly #docker: Docker;
    readonly #options: LaneOptions;
    readonly #turns: ReturnType<typeof pLimit>;

    constructor(target: Docker.DockerOptions, options: LaneOptions) {
        this.#docker = new Docker(target);
        this.#options = options;
        this.#turns = pLimit(options.calls);
    }

    /** Makes connections of this agent from now on. */
    use(agent: Agent): void {
        Object.assign(this.#docker.modem as object, { agent });
    }

    /**
     * Calls the daemon.
     *
     * @param limitMs limit in milliseconds, the time it waits for its turn included
     * @throws DaemonError: `busy` when its turn came too late to say anything about the daemon; an error that is not
     *   about the daemon as it is
     */
    async call<T>(work: Work<T>, limitMs: number): Promise<T> {
        if (this.#turns.pendingCount >= this.#options.waiting) {
            throw new DaemonError("busy", "too many calls wait for the Docker daemon");
        }
        const late = new AbortController();
        const asked = performance.now();
        let waitedMs = Infinity;
        let timer: NodeJS.Timeout | undefined;
        const deadline = new Promise<never>((_, reject) => {
            timer = setTimeout(() => {
                const seconds = limitMs / 1000;
                reject(
                    waitedMs < limitMs / 2
                        ? new DaemonError("timeout", `no answer from the daemon in ${seconds} s`)
                        : new DaemonError("busy", `no turn in time within ${seconds} s`),
                );
                late.abort();
            }, limitMs);
        });
        const turn = this.#turns(() => {
            // Its time ran out while it waited.
            if (late.signal.aborted) return deadline;
            waitedMs = performance.now() - asked;
            return work(this.#docker, { abortSignal: late.signal });
        });
        try {
            return await Promise.race([turn, deadline]);
        } catch (error) {
            throw classify(error) ?? error;
        } finally {
            clearTimeout(timer);
            // Whichever lost the race has nobody left to tell.
            turn.catch(() => undefined);
            deadline.catch(() => undefined);
        }
    }
}
