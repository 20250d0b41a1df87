/** The way in: one token, and what it is. */

/** @import { Actions } from "../actions.js" */
/** @import { State } from "../store.js" */
import { html, nothing } from "../html.js";

/**
 * @param {State} state
 * @param {Actions} actions
 */
export function login(state, actions) {
    const checking = state.login === "checking";
    return html`<main id="main" class="login" tabindex="-1">
        <h1>MCP manager</h1>
        <form @submit=${(/** @type {SubmitEvent} */ event) => void submit(event, actions)}>
            <label for="token">Token</label>
            <input
                id="token"
                type="password"
                autocomplete="current-password"
                spellcheck="false"
                autofocus
                aria-describedby="token-help token-problem"
                aria-invalid=${state.loginProblem ? "true" : "false"}
            />
            <p id="token-problem" class="problem" role="alert">${state.loginProblem ?? nothing}</p>
            <button class="primary" ?disabled=${checking}>
                ${checking ? "Asking …" : "Log in"}
            </button>
            <p id="token-help" class="quiet">
                The read token shows everything; the operate token also restarts servers. It stays
                in this tab and goes when the tab is closed.
            </p>
        </form>
    </main>`;
}

/**
 * @param {SubmitEvent} event
 * @param {Actions} actions
 */
async function submit(event, actions) {
    event.preventDefault();
    const input = /** @type {HTMLInputElement} */ (document.getElementById("token"));
    await actions.logIn(input.value);
    // Refused, if the form is still there. The next attempt is a new token, so the old one is selected.
    input.focus();
    input.select();
}
