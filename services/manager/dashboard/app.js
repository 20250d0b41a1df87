/** Puts the parts together: one state, one place that renders it, one set of actions. */

/** @import { State } from "./store.js" */
import { Actions } from "./actions.js";
import { changes } from "./announce.js";
import { html, render } from "./html.js";
import { selectedServer } from "./route.js";
import { savedToken } from "./session.js";
import { Store } from "./store.js";
import { banner } from "./views/banner.js";
import { eventList } from "./views/events.js";
import { header } from "./views/header.js";
import { LogTail } from "./views/log-tail.js";
import { login } from "./views/login.js";
import { serverDialog } from "./views/server.js";
import { serverList } from "./views/servers.js";
import { summary } from "./views/summary.js";
import { title } from "./views/title.js";

const page = /** @type {HTMLElement} */ (document.getElementById("page"));
const announcer = /** @type {HTMLElement} */ (document.getElementById("announcer"));
let drawing = false;
/** Whether what is drawn now is the inside, or the login form. */
let wasInside = false;
/** @type {LogTail | undefined} */
let log;

const store = new Store((now, before) => {
    const said = now.login === "in" ? changes(now, before) : [];
    if (said.length > 0) announcer.textContent = said.join(" ");
    // One drawing for all changes of one turn; not by animation frame, which a hidden tab never gets.
    if (drawing) return;
    drawing = true;
    queueMicrotask(draw);
});
const actions = new Actions(store);

function draw() {
    drawing = false;
    const { state } = store;
    const isInside = state.login === "in";
    followLog(isInside ? state.selected : undefined);
    document.title = title(state);
    render(isInside ? inside(state) : login(state, actions), page);
    // The element that had the focus is gone with the view it was in.
    if (isInside !== wasInside) document.getElementById(isInside ? "main" : "token")?.focus();
    wasInside = isInside;
    openDialog();
}

/**
 * @param {State} state
 */
function inside(state) {
    return html`
        ${header(state, actions)}
        <main id="main" tabindex="-1">
            ${banner(state)} ${summary(state)}
            <div class="columns">${serverList(state, store)} ${eventList(state)}</div>
        </main>
        ${serverDialog(state, actions, log?.element)}
    `;
}

/** As a modal one: the browser then keeps the focus inside, and gives it back at the end. */
function openDialog() {
    const dialog = document.querySelector("dialog");
    if (dialog && !dialog.open) dialog.showModal();
}

/**
 * @param {string | undefined} name of the server whose log is open
 */
function followLog(name) {
    const { api } = actions;
    if (log && (log.name !== name || log.api !== api)) {
        log.stop();
        log = undefined;
    }
    if (!log && name !== undefined && api) {
        log = new LogTail(api, name);
        log.start();
    }
}

window.addEventListener("hashchange", () => {
    const selected = selectedServer();
    // Before it is taken away: closing gives the focus back to where it came from.
    if (selected === undefined) document.querySelector("dialog")?.close();
    store.update({ selected, restart: undefined });
});
document.addEventListener("visibilitychange", () => {
    if (!document.hidden) actions.refresh();
});
window.addEventListener("online", () => actions.refresh());

store.update({ selected: selectedServer() });
const token = savedToken();
if (token !== undefined) actions.resume(token);
