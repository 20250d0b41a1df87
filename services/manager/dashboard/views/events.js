/** What happened, newest first. */

/** @import { ManagerEvent } from "../../src/model.ts" */
/** @import { Tone } from "../condition.js" */
/** @import { State } from "../store.js" */
import { clock, dateAndTime } from "../format.js";
import { html, nothing, repeat } from "../html.js";
import { serverAddress } from "../route.js";
import { mark } from "./parts.js";

/** @type {Record<string, Tone>} */
const TONES = {
    die: "bad",
    oom: "bad",
    "mcp-down": "bad",
    "daemon-lost": "bad",
    "mcp-up": "good",
    "daemon-back": "good",
    start: "good",
};

/**
 * @param {State} state
 */
export function eventList({ events }) {
    return html`<section class="events" aria-labelledby="events-title">
        <div class="section-head"><h2 id="events-title">Events</h2></div>
        ${
            events.length === 0
                ? html`<p class="quiet">None yet.</p>`
                : html`<ol class="plain" tabindex="0" aria-labelledby="events-title">
                      ${repeat(events, key, item)}
                  </ol>`
        }
    </section>`;
}

/**
 * Two managers number their events alike; the time tells them apart.
 *
 * @param {ManagerEvent} event
 */
function key({ id, at }) {
    return `${at} ${id}`;
}

/**
 * @param {ManagerEvent} event
 */
function item({ at, type, container, detail }) {
    return html`<li>
        <time datetime=${at} title=${dateAndTime(at)}>${clock(at)}</time>
        ${mark(tone(type, detail), type)}
        ${container ? html`<a href=${serverAddress(container)}>${container}</a>` : nothing}
        ${detail ? html`<span class="quiet detail">${detail}</span>` : nothing}
    </li>`;
}

/**
 * @param {string} type
 * @param {string | undefined} detail of a `health` event: the new health
 * @returns {Tone}
 */
function tone(type, detail = "") {
    if (type !== "health") return TONES[type] ?? "idle";
    if (detail.startsWith("unhealthy")) return "bad";
    return detail.startsWith("healthy") ? "good" : "wait";
}
