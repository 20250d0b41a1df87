/** Which stack this is, whether the page is up to date, and the way out. */

/** @import { Actions } from "../actions.js" */
/** @import { State } from "../store.js" */
import { clock } from "../format.js";
import { html, nothing } from "../html.js";
import { mark } from "./parts.js";

/**
 * @param {State} state
 * @param {Actions} actions
 */
export function header(state, actions) {
    const { status, seenAt } = state;
    return html`<header>
        <h1>MCP manager ${status ? html`<span class="stack">${status.stack}</span>` : nothing}</h1>
        <p class="link">
            ${linkState(state)}
            ${seenAt === undefined ? nothing : html`<span class="quiet">as of ${clock(seenAt)}</span>`}
        </p>
        <p class="session">
            ${status ? html`<span class="quiet">role</span> ${status.role}` : nothing}
            <button @click=${() => actions.logOut()}>Log out</button>
        </p>
    </header>`;
}

/**
 * @param {State} state
 */
function linkState({ link, seenAt }) {
    if (link.answers && link.follows) return mark("good", "live");
    return mark("wait", seenAt === undefined && link.answers ? "connecting" : "reconnecting");
}
