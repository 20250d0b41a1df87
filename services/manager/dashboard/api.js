/** The manager's API, as this page uses it. */

/**
 * What the manager's own schemas say, so that a change there shows here when types are checked.
 *
 * @typedef {import("zod").infer<typeof import("../src/api/schemas.ts").statusBody>} Status
 * @typedef {import("zod").infer<typeof import("../src/api/schemas.ts").outcome>} Outcome
 * @typedef {{ method?: string, headers?: Record<string, string>, signal?: AbortSignal | undefined, limit?: number }}
 *     Question `limit`: milliseconds until the whole answer is there
 * @typedef {{ containers: readonly import("../src/model.ts").ContainerView[] }} ContainerList
 */

/** Longer than the manager takes to give up on a daemon that hangs, 5 s. */
const ANSWER_MS = 8_000;
/** What a server may take to stop before it is restarted. */
const STOP_GRACE_MS = 60_000;
/** Pause before a question that found no connection is asked a second time. */
const AGAIN_MS = 250;

/** An answer that was no success, or none at all. */
export class ApiError extends Error {
    /** HTTP status; 0: no answer. */
    status;
    /** Seconds the manager asks to wait, when it says so. */
    retryAfter;
    /** Whether there was no connection, or it broke. */
    lost;

    /**
     * @param {string} message
     * @param {{ status: number, retryAfter?: number | undefined, lost?: boolean }} answer
     */
    constructor(message, { status, retryAfter, lost = false }) {
        super(message);
        this.lost = lost;
        this.status = status;
        this.retryAfter = retryAfter;
    }
}

export class Api {
    #token;

    /**
     * @param {string} token
     */
    constructor(token) {
        this.#token = token;
    }

    /**
     * @param {AbortSignal} [signal]
     * @returns {Promise<Status>}
     */
    async status(signal) {
        return (await this.#ask("/status", { signal, limit: ANSWER_MS })).json();
    }

    /**
     * @param {AbortSignal} [signal]
     * @returns {Promise<ContainerList>}
     */
    async containers(signal) {
        return (await this.#ask("/containers", { signal, limit: ANSWER_MS })).json();
    }

    /**
     * @param {string} name
     * @param {number} wait seconds the manager waits at most until it is healthy again
     * @returns {Promise<Outcome>} when it is, or the wait is over
     */
    async restart(name, wait) {
        const path = `/containers/${encodeURIComponent(name)}/restart?wait=${wait}`;
        const limit = STOP_GRACE_MS + wait * 1000 + ANSWER_MS;
        return (await this.#ask(path, { method: "POST", limit })).json();
    }

    /**
     * @param {number} after id of the last event known; 0 for all the manager still has
     * @param {AbortSignal} signal ends the stream
     */
    events(after, signal) {
        const headers = { Accept: "text/event-stream", "Last-Event-ID": String(after) };
        return this.#ask("/events", { headers, signal });
    }

    /**
     * @param {string} name
     * @param {number} tail number of past lines
     * @param {AbortSignal} signal ends the stream
     */
    logs(name, tail, signal) {
        const path = `/containers/${encodeURIComponent(name)}/logs?tail=${tail}&follow=true`;
        return this.#ask(path, { signal });
    }

    /**
     * @param {string} path
     * @param {Question} options
     * @returns {Promise<Response>}
     * @throws {ApiError} for every answer that is no success
     */
    async #ask(path, options) {
        try {
            return await this.#askOnce(path, options);
        } catch (error) {
            // A network interface that comes or goes breaks every connection of the browser, this one's too. Asking
            // again is right only for what changes nothing.
            const lost = error instanceof ApiError && error.lost && !options.signal?.aborted;
            if (!lost || options.method === "POST") throw error;
            await new Promise((done) => setTimeout(done, AGAIN_MS));
            return this.#askOnce(path, options);
        }
    }

    /**
     * @param {string} path
     * @param {Question} options
     */
    async #askOnce(path, { method = "GET", headers = {}, signal, limit }) {
        const signals = [signal, limit === undefined ? undefined : AbortSignal.timeout(limit)];
        /** @type {Response} */
        let response;
        try {
            response = await fetch(path, {
                method,
                headers: { ...headers, Authorization: `Bearer ${this.#token}` },
                cache: "no-store",
                credentials: "omit",
                redirect: "error",
                signal: AbortSignal.any(signals.filter((one) => one !== undefined)),
            });
        } catch (error) {
            const late = error instanceof DOMException && error.name === "TimeoutError";
            const reason = late
                ? `no answer within ${Math.round((limit ?? 0) / 1000)} s`
                : "no connection";
            throw new ApiError(reason, { status: 0, lost: !late });
        }
        if (!response.ok) throw await refusal(response);
        return response;
    }
}

/**
 * @param {Response} response
 */
async function refusal(response) {
    const retryAfter = Number(response.headers.get("Retry-After"));
    const body = await response.json().catch(() => undefined);
    const said = [body?.detail ?? body?.error, body?.remedy].filter(
        (part) => typeof part === "string" && part !== "",
    );
    return new ApiError(said.length > 0 ? said.join(" — ") : `HTTP ${response.status}`, {
        status: response.status,
        retryAfter: retryAfter > 0 ? retryAfter : undefined,
    });
}
