/** What is wrong with the page's own sources, above everything that then may be old. */

/** @import { State } from "../store.js" */
import { clock, dateAndTime } from "../format.js";
import { html, nothing } from "../html.js";

/**
 * @param {State} state
 */
export function banner({ link, status, seenAt }) {
    if (!link.answers) {
        const age =
            seenAt === undefined
                ? "Nothing is known yet."
                : `Shown is the state of ${clock(seenAt)}.`;
        return html`<p class="notice bad" role="alert">
            <strong>The manager does not answer</strong> (${link.reason}). ${age} This page keeps
            trying.
        </p>`;
    }
    if (status?.daemon.reachable === false) {
        const { reason = "it does not answer", since } = status.daemon;
        return html`<p class="notice bad" role="alert">
            <strong>The inner daemon is unreachable</strong> since ${dateAndTime(since)}: ${reason}.
            Shown is what was known then. The manager keeps trying.
        </p>`;
    }
    return nothing;
}
