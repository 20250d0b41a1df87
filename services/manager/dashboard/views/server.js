/** Everything about one server, over the list. */

/** @import { ContainerView } from "../../src/model.ts" */
/** @import { Actions } from "../actions.js" */
/** @import { State } from "../store.js" */
import { condition } from "../condition.js";
import { UNKNOWN, bytes, counted, dateAndTime, duration, secondsSince } from "../format.js";
import { html, nothing } from "../html.js";
import { leaveServer } from "../route.js";
import { entry, mark } from "./parts.js";
import { answer, cpu, memory, origin } from "./servers.js";

/**
 * @param {State} state
 * @param {Actions} actions
 * @param {Element | undefined} log of this server
 */
export function serverDialog(state, actions, log) {
    const { selected, containers } = state;
    if (selected === undefined) return nothing;
    const server = containers?.find(({ name }) => name === selected);
    return html`<dialog aria-labelledby="server-title" @close=${leaveServer}>
        <div class="dialog-head">
            <h2 id="server-title">${selected}</h2>
            ${server ? mark(condition(server).tone, condition(server).word) : nothing}
            <button class="close" @click=${leaveServer}>Close</button>
        </div>
        ${server ? details(server, state, actions) : missing(containers)}
        <section aria-labelledby="log-title">
            <h3 id="log-title">Log</h3>
            ${log}
        </section>
    </dialog>`;
}

/**
 * @param {State["containers"]} containers
 */
function missing(containers) {
    return html`<p>
        ${containers ? "No container of this name runs here now; its log may still be kept." : "Asking …"}
    </p>`;
}

/**
 * @param {ContainerView} server
 * @param {State} state
 * @param {Actions} actions
 */
function details(server, state, actions) {
    const { limits } = server;
    const uptime = server.state === "running" ? secondsSince(server.startedAt) : undefined;
    return html`
        ${restart(server, state, actions)}
        <dl class="facts">
            ${entry("MCP answer", answer(server))} ${entry("Memory", memory(server))}
            ${entry("CPU", cpu(server))}
            ${entry("Processes", server.usage && `${server.usage.pids} of ${limits.pids}`)}
            ${entry("Origin", origin(server))}
            ${entry("Endpoint", server.port && `port ${server.port}, ${server.path ?? "/mcp"}`)}
            ${entry("Egress", server.egress.length > 0 ? server.egress.join(", ") : "none")}
            ${entry("Up for", uptime === undefined ? UNKNOWN : duration(uptime))}
            ${entry("Started", server.startedAt && dateAndTime(server.startedAt))}
            ${entry("Restarts", `${server.restarts}, OOM kills ${server.oomKills}`)}
            ${entry("Exit code", server.state === "running" ? undefined : server.exitCode)}
            ${entry("Limits", `${bytes(limits.memoryBytes)}, ${limits.cpus} CPU, ${limits.pids} pids`)}
            ${entry("Image", html`<code>${server.image}</code>`)}
            ${entry("Manifest hash", server.manifestHash && html`<code>${server.manifestHash}</code>`)}
        </dl>
        ${health(server)} ${tools(server)}
    `;
}

/**
 * The control, or why there is none.
 *
 * @param {ContainerView} server
 * @param {State} state
 * @param {Actions} actions
 */
function restart({ name, origin }, state, actions) {
    if (origin !== "manifest" && origin !== "api") return nothing;
    if (state.status?.role === "operate") return restartControl(name, state, actions);
    return html`<p class="quiet">Restarting needs the operate token.</p>`;
}

/**
 * One button for both clicks, so that the focus stays where it is.
 *
 * @param {string} name
 * @param {State} state
 * @param {Actions} actions
 */
function restartControl(name, { restart }, actions) {
    const mine = restart?.name === name ? restart : undefined;
    const asked = mine?.phase === "asked";
    const running = mine?.phase === "running";
    const click = (/** @type {MouseEvent} */ event) => {
        // The second half of a double click is no confirmation.
        if (event.detail < 2) void actions.restart(name);
    };
    return html`<div class="restart">
        <button class=${asked ? "danger" : ""} aria-disabled=${running} @click=${click}>
            ${asked ? "Restart now" : running ? "Restarting …" : "Restart"}
        </button>
        ${asked ? html`<button @click=${() => actions.keepRunning()}>Cancel</button>` : nothing}
        <p role="status" class=${mine?.phase ?? ""}>${mine?.text ?? nothing}</p>
    </div>`;
}

/**
 * @param {ContainerView} server
 */
function health({ healthOutput }) {
    if (!healthOutput) return nothing;
    return html`<section aria-labelledby="health-title">
        <h3 id="health-title">Last health check</h3>
        <pre class="output">${healthOutput}</pre>
    </section>`;
}

/**
 * @param {ContainerView} server
 */
function tools({ mcp }) {
    if (!mcp || mcp.tools.length === 0) return nothing;
    return html`<details class="tools">
        <summary>${counted(mcp.tools.length, "tool")}</summary>
        <dl>
            ${mcp.tools.map(({ name, description }) =>
                entry(name, description ?? html`<span class="quiet">no description</span>`),
            )}
        </dl>
    </details>`;
}
