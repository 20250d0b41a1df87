/**
 * The end of one server's log, as it grows. Lines are put in by hand instead of by template: a server may write
 * hundreds a second, and only the new ones are work then.
 */
/** @import { LogRecord } from "../../src/model.ts" */
/** @import { Api } from "../api.js" */
import { ApiError } from "../api.js";
import { exactClock, integer } from "../format.js";
import { html, nothing, render } from "../html.js";
import { Pause } from "../pause.js";
import { readRecords } from "../streams.js";

/** Lines kept on the page; older ones go. */
const LINES_KEPT = 1_000;
/** Past lines to begin with. */
const TAIL = 200;
/** Characters shown of one line; it may have 64 KiB. */
const LINE_SHOWN = 4_000;
/** New lines are put in so often, in milliseconds. */
const DRAW_MS = 100;
/** Pixels from the end that still count as the end. */
const NEAR_END = 16;
// Colour codes and the like, which are for a terminal.
// eslint-disable-next-line no-control-regex
const ESCAPES = /\x1b\[[0-9;?]*[ -/]*[@-~]/g;

export class LogTail {
    name;
    api;
    /** To be put into the page. */
    element = document.createElement("div");
    #bar = document.createElement("div");
    #lines = document.createElement("div");
    #end = new AbortController();
    #retry = new Pause({ first: 500, most: 10_000 });
    /** @type {LogRecord[]} */
    #waiting = [];
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    #drawing;
    #paused = false;
    #atEnd = true;
    #state = "waiting for lines";
    /** Time of the newest line, and how many lines have that very time. */
    #newest = { time: "", count: 0 };

    /**
     * @param {Api} api
     * @param {string} name of the container, which may be gone
     */
    constructor(api, name) {
        this.api = api;
        this.name = name;
        this.element.className = "log";
        this.#bar.className = "log-bar";
        this.#lines.className = "lines";
        this.#lines.tabIndex = 0;
        // A log region, but not read out: it would drown everything else.
        this.#lines.setAttribute("role", "log");
        this.#lines.setAttribute("aria-live", "off");
        this.#lines.setAttribute("aria-label", `Log of ${name}`);
        this.#lines.addEventListener("scroll", () => this.#scrolled());
        this.element.append(this.#bar, this.#lines);
        this.#drawBar();
    }

    start() {
        void this.#follow();
    }

    stop() {
        this.#end.abort();
        clearTimeout(this.#drawing);
    }

    async #follow() {
        const { signal } = this.#end;
        while (!signal.aborted) {
            try {
                const response = await this.api.logs(this.name, TAIL, signal);
                this.#retry.reset();
                this.#say("live");
                // A new connection repeats the last lines; those shown already are known by time and number.
                const known = { ...this.#newest };
                let again = 0;
                for await (const record of /** @type {AsyncGenerator<LogRecord>} */ (
                    readRecords(response)
                )) {
                    if (record.time < known.time) continue;
                    if (record.time === known.time && ++again <= known.count) continue;
                    this.#take(record);
                }
                this.#say("reconnecting");
            } catch (error) {
                const known = error instanceof ApiError && error.status > 0;
                this.#say(known ? `no log: ${error.message}` : "reconnecting");
            }
            if (!signal.aborted) await this.#retry.afterFailure(signal);
        }
    }

    /**
     * @param {LogRecord} record
     */
    #take(record) {
        const { time } = record;
        const same = time === this.#newest.time;
        this.#newest = { time, count: same ? this.#newest.count + 1 : 1 };
        this.#waiting.push(record);
        if (this.#waiting.length > LINES_KEPT) this.#waiting.shift();
        this.#drawing ??= setTimeout(() => {
            this.#drawing = undefined;
            this.#draw();
        }, DRAW_MS);
    }

    #draw() {
        if (!this.#paused) {
            this.#lines.append(...this.#waiting.map(line));
            this.#waiting = [];
            const surplus = this.#lines.childElementCount - LINES_KEPT;
            for (let left = surplus; left > 0; left--) this.#lines.firstElementChild?.remove();
            if (this.#atEnd) this.#toEnd();
        }
        this.#drawBar();
    }

    #toEnd() {
        this.#atEnd = true;
        this.#lines.scrollTop = this.#lines.scrollHeight;
    }

    #scrolled() {
        const { scrollHeight, scrollTop, clientHeight } = this.#lines;
        const atEnd = scrollHeight - scrollTop - clientHeight < NEAR_END;
        if (atEnd === this.#atEnd) return;
        this.#atEnd = atEnd;
        this.#drawBar();
    }

    /**
     * @param {string} state
     */
    #say(state) {
        this.#state = state;
        this.#drawBar();
    }

    #drawBar() {
        const pause = () => {
            this.#paused = !this.#paused;
            this.#draw();
        };
        const toEnd = () => {
            this.#toEnd();
            this.#drawBar();
        };
        const shown = this.#lines.childElementCount;
        const held = this.#paused && this.#waiting.length > 0;
        render(
            html`<button aria-pressed=${this.#paused} @click=${pause}>Pause</button>
                <button ?hidden=${this.#atEnd} @click=${toEnd}>Follow newest</button>
                <span class="quiet">
                    ${this.#paused ? "paused" : this.#state}, ${integer(shown)} lines
                    ${shown >= LINES_KEPT ? "(the newest)" : nothing}
                    ${held ? html`, ${integer(this.#waiting.length)} waiting` : nothing}
                </span>`,
            this.#bar,
        );
    }
}

/**
 * @param {LogRecord} record
 */
function line({ time, stream, line, truncated }) {
    const text = line.replace(ESCAPES, "");
    const cut = text.length > LINE_SHOWN || truncated;
    const element = document.createElement("div");
    element.className = stream;
    const stamp = document.createElement("time");
    stamp.dateTime = time;
    stamp.textContent = exactClock(time);
    const source = document.createElement("span");
    source.className = "stream";
    source.textContent = stream === "stderr" ? "err" : "out";
    const words = document.createElement("span");
    words.className = "text";
    words.textContent = cut ? `${text.slice(0, LINE_SHOWN)} … (cut)` : text;
    element.append(stamp, source, words);
    return element;
}
