/** What a person can do here, beside reading. */

/** @import { Restart, Store } from "./store.js" */
import { Api, ApiError } from "./api.js";
import { Live } from "./live.js";
import { saveToken } from "./session.js";
import { NOTHING_KNOWN } from "./store.js";

/** A server has so many seconds to be healthy again before a restart counts as failed. */
const RESTART_WAIT_SECONDS = 60;
/** What can be sent in a header: visible ASCII without spaces. */
const TOKEN = /^[\x21-\x7e]+$/;

export class Actions {
    #store;
    /** @type {Live | undefined} */
    #live;
    /** @type {Api | undefined} */
    #api;

    /**
     * @param {Store} store
     */
    constructor(store) {
        this.#store = store;
    }

    /** The API with the token of this session; undefined when logged out. */
    get api() {
        return this.#api;
    }

    /**
     * Asks the manager whether it accepts the token, and keeps it only then.
     *
     * @param {string} given as typed or pasted
     * @returns {Promise<void>} never rejects; what went wrong is in the state
     */
    async logIn(given) {
        const token = given.trim();
        if (!TOKEN.test(token)) {
            this.#store.update({
                loginProblem: token === "" ? "Enter a token." : "A token has no spaces or accents.",
            });
            return;
        }
        this.#store.update({ login: "checking", loginProblem: undefined });
        const api = new Api(token);
        try {
            const status = await api.status();
            saveToken(token);
            this.#store.update({ login: "in", status, seenAt: Date.now() });
            this.#open(api);
        } catch (error) {
            this.#store.update({ login: "out", loginProblem: loginProblem(error) });
        }
    }

    /**
     * Goes on with a token accepted before the page was loaded anew, even while the manager is away.
     *
     * @param {string} token
     */
    resume(token) {
        this.#store.update({ login: "in" });
        this.#open(new Api(token));
    }

    /**
     * @param {string} [reason] shown above the form
     */
    logOut(reason) {
        this.#live?.stop();
        this.#live = undefined;
        this.#api = undefined;
        saveToken(undefined);
        const { selected } = this.#store.state;
        this.#store.update({ ...NOTHING_KNOWN, selected, loginProblem: reason });
    }

    /** Asks for the state now. */
    refresh() {
        this.#live?.refresh();
    }

    /**
     * The first click asks, the second restarts.
     *
     * @param {string} name
     */
    async restart(name) {
        const { restart } = this.#store.state;
        if (restart?.phase === "running" || !this.#api) return;
        if (restart?.name !== name || restart.phase !== "asked") {
            const text = `Restart ${name}? Its clients lose their sessions.`;
            this.#show({ name, phase: "asked", text });
            return;
        }
        this.#show({ name, phase: "running", text: `Restarting ${name} …` });
        try {
            const { state, health, seconds } = await this.#api.restart(name, RESTART_WAIT_SECONDS);
            const after = `after ${seconds.toFixed(1)} s`;
            if (state === "running" && (health === "healthy" || health === "none")) {
                this.#show({ name, phase: "done", text: `${name} is back ${after}.` });
            } else {
                const now = state === "running" ? health : state;
                this.#show({
                    name,
                    phase: "failed",
                    text: `${name} was restarted, but is ${now} ${after}.`,
                });
            }
        } catch (error) {
            if (error instanceof ApiError && error.status === 401) return;
            const reason = error instanceof Error ? error.message : String(error);
            this.#show({ name, phase: "failed", text: `${name} was not restarted: ${reason}` });
        }
        this.refresh();
    }

    /** Takes the first click back. */
    keepRunning() {
        if (this.#store.state.restart?.phase === "asked")
            this.#store.update({ restart: undefined });
    }

    /**
     * @param {Restart} restart
     */
    #show(restart) {
        this.#store.update({ restart });
    }

    /**
     * @param {Api} api
     */
    #open(api) {
        this.#api = api;
        this.#live = new Live(api, this.#store, () =>
            this.logOut("The manager no longer accepts this token. Log in with the present one."),
        );
        this.#live.start();
    }
}

/**
 * @param {unknown} error
 */
function loginProblem(error) {
    if (!(error instanceof ApiError)) return String(error);
    if (error.status === 401) {
        return "The manager does not accept this token. Check that it is this stack's and is whole.";
    }
    if (error.status === 429) {
        return `Too many attempts. Try again in ${error.retryAfter ?? 60} s.`;
    }
    return error.status === 0
        ? `The manager does not answer (${error.message}). Is the stack up?`
        : `The manager refused: ${error.message}`;
}
