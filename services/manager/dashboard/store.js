/** What the page knows at one moment, and who is told when that changes. */

/** @import { ContainerView, ManagerEvent } from "../src/model.ts" */
/** @import { Status } from "./api.js" */

/**
 * @typedef {object} Link How the page hears from the manager.
 * @property {boolean} answers whether the last question was answered
 * @property {string | undefined} reason why not
 * @property {boolean} follows whether the stream of events is open
 */

/**
 * @typedef {object} Restart A restart asked for on this page.
 * @property {string} name
 * @property {"asked" | "running" | "done" | "failed"} phase `asked` waits for the second click
 * @property {string} text
 */

/**
 * @typedef {object} State
 * @property {"out" | "checking" | "in"} login
 * @property {string | undefined} loginProblem
 * @property {Status | undefined} status
 * @property {readonly ContainerView[] | undefined} containers
 * @property {number | undefined} seenAt milliseconds since 1970 of the last answer
 * @property {Link} link
 * @property {readonly ManagerEvent[]} events newest first
 * @property {string | undefined} selected name of the server in the address
 * @property {string} filter
 * @property {boolean} onlyProblems
 * @property {Restart | undefined} restart
 */

/** @type {State} */
export const NOTHING_KNOWN = {
    login: "out",
    loginProblem: undefined,
    status: undefined,
    containers: undefined,
    seenAt: undefined,
    link: { answers: true, reason: undefined, follows: false },
    events: [],
    selected: undefined,
    filter: "",
    onlyProblems: false,
    restart: undefined,
};

export class Store {
    /** @type {State} */
    #state = NOTHING_KNOWN;
    /** @type {(now: State, before: State) => void} */
    #listener;

    /**
     * @param {(now: State, before: State) => void} listener called after every change
     */
    constructor(listener) {
        this.#listener = listener;
    }

    get state() {
        return this.#state;
    }

    /**
     * @param {Partial<State>} change
     */
    update(change) {
        const before = this.#state;
        this.#state = { ...before, ...change };
        this.#listener(this.#state, before);
    }
}
