/**
 * Keeps the page true without a reload: asks for the state every few seconds, listens to the events, and asks at once
 * when one comes. Both find their way back by themselves.
 */
/** @import { ManagerEvent } from "../src/model.ts" */
/** @import { Api } from "./api.js" */
/** @import { Store } from "./store.js" */
import { ApiError } from "./api.js";
import { Pause } from "./pause.js";
import { readEvents } from "./streams.js";

/** The manager samples every 2 s; asking more often shows nothing new. */
const ASK_MS = 3_000;
const ASK_HIDDEN_MS = 30_000;
/** Several events of one cause (die, start, health) end in one question; a storm of them in one a second. */
const SETTLE_MS = 150;
const SETTLE_STORM_MS = 1_000;
/** Nearly three heartbeats of the manager. */
const SILENCE_MS = 40_000;
/** As many as the manager keeps. */
const EVENTS_KEPT = 200;

export class Live {
    #api;
    #store;
    #refused;
    #end = new AbortController();
    #asking = new Pause({ first: 1_000, most: 10_000 });
    #settling = new Pause({ first: SETTLE_MS, most: SETTLE_MS });
    #listening = new Pause({ first: 500, most: 10_000 });
    #lastEvent = 0;
    /** Start of the manager whose events are numbered so. */
    #manager = "";
    /** Ends the stream of events that is open now. */
    #stream = new AbortController();
    /** Something happened after the last question was asked. */
    #due = false;

    /**
     * @param {Api} api
     * @param {Store} store
     * @param {() => void} refused called once when the manager no longer accepts the token
     */
    constructor(api, store, refused) {
        this.#api = api;
        this.#store = store;
        this.#refused = refused;
    }

    start() {
        void this.#ask();
        void this.#listen();
    }

    stop() {
        this.#end.abort();
    }

    /** Asks now instead of at the next turn. */
    refresh() {
        this.#asking.end();
        this.#listening.end();
    }

    async #ask() {
        const { signal } = this.#end;
        while (!signal.aborted) {
            const asked = performance.now();
            this.#due = false;
            try {
                const [status, { containers }] = await Promise.all([
                    this.#api.status(signal),
                    this.#api.containers(signal),
                ]);
                this.#asking.reset();
                this.#meet(status.startedAt);
                const wasDown = !this.#store.state.link.answers;
                this.#store.update({ status, containers, seenAt: Date.now() });
                this.#link({ answers: true, reason: undefined });
                if (wasDown) this.#listening.end();
                if (!this.#due) {
                    await this.#asking.wait(document.hidden ? ASK_HIDDEN_MS : ASK_MS, signal);
                }
                const storm = performance.now() - asked < SETTLE_STORM_MS;
                await this.#settling.wait(storm ? SETTLE_STORM_MS : SETTLE_MS, signal);
            } catch (error) {
                if (signal.aborted) return;
                this.#failed(error);
                const { retryAfter } = error instanceof ApiError ? error : {};
                if (retryAfter) await this.#asking.wait(retryAfter * 1000, signal);
                else await this.#asking.afterFailure(signal);
            }
        }
    }

    async #listen() {
        const { signal } = this.#end;
        while (!signal.aborted) {
            const abort = new AbortController();
            this.#stream = abort;
            const stop = () => abort.abort();
            signal.addEventListener("abort", stop);
            try {
                const response = await this.#api.events(this.#lastEvent, abort.signal);
                this.#link({ follows: true });
                this.#listening.reset();
                const limit = { silence: SILENCE_MS, abort };
                for await (const { event, data } of readEvents(response, limit)) {
                    // After a gap the manager tells all it has, so there is nothing to do about it.
                    if (event !== "gap") this.#heard(JSON.parse(data));
                }
            } catch (error) {
                if (error instanceof ApiError && error.status === 401) this.#failed(error);
            } finally {
                signal.removeEventListener("abort", stop);
                abort.abort();
            }
            if (signal.aborted) return;
            this.#link({ follows: false });
            await this.#listening.afterFailure(signal);
        }
    }

    /**
     * Every manager numbers its events from one: those of another one are all new.
     *
     * @param {string} startedAt of the manager that answered
     */
    #meet(startedAt) {
        if (this.#manager !== "" && this.#manager !== startedAt) {
            this.#lastEvent = 0;
            this.#stream.abort();
        }
        this.#manager = startedAt;
    }

    /**
     * @param {ManagerEvent} event
     */
    #heard(event) {
        this.#lastEvent = event.id;
        const { events } = this.#store.state;
        if (events.some(({ id, at }) => id === event.id && at === event.at)) return;
        this.#store.update({ events: [event, ...events].slice(0, EVENTS_KEPT) });
        this.#due = true;
        this.#asking.end();
    }

    /**
     * @param {unknown} error
     */
    #failed(error) {
        if (error instanceof ApiError && error.status === 401) {
            this.stop();
            this.#refused();
            return;
        }
        const reason = error instanceof Error ? error.message : String(error);
        this.#link({ answers: false, reason });
    }

    /**
     * @param {Partial<import("./store.js").Link>} change
     */
    #link(change) {
        this.#store.update({ link: { ...this.#store.state.link, ...change } });
    }
}
