/** All containers of the inner daemon, one a row; on a narrow screen one a card. */

/** @import { ContainerView } from "../../src/model.ts" */
/** @import { State, Store } from "../store.js" */
import { condition, problem } from "../condition.js";
import { UNKNOWN, bytes, counted, duration, integer, secondsSince } from "../format.js";
import { html, nothing, repeat } from "../html.js";
import { serverAddress } from "../route.js";
import { gauge, mark } from "./parts.js";

const COLUMNS = [
    "Server",
    "Health",
    "MCP answer",
    "Memory",
    "CPU",
    "Restarts",
    "OOM kills",
    "Uptime",
    "Port",
];

const ORIGINS = {
    api: "made by API",
    system: "system",
    foreign: "not of this stack",
};

/**
 * @param {State} state
 * @param {Store} store keeps the filter
 */
export function serverList(state, store) {
    return html`<section class="servers" aria-labelledby="servers-title">
        <div class="section-head">
            <h2 id="servers-title">Servers</h2>
            ${state.containers?.length ? filters(state, store) : nothing}
        </div>
        ${content(state)}
    </section>`;
}

/**
 * @param {State} state
 */
function content({ containers, filter, onlyProblems, link, status }) {
    if (!containers) return html`<p class="quiet">${link.answers ? "Asking …" : "Not known."}</p>`;
    if (containers.length === 0) {
        return html`<p>No server yet. Add a file to manifests/ and run ./mcp up.</p>`;
    }
    const wanted = filter.trim().toLowerCase();
    const shown = containers.filter(
        (one) =>
            one.name.toLowerCase().includes(wanted) &&
            (!onlyProblems || problem(one) !== undefined),
    );
    if (shown.length === 0)
        return html`<p>None of ${counted(containers.length, "server")} fits.</p>`;
    const stale = !link.answers || status?.daemon.reachable === false;
    // The roles are the elements' own; they are written out because a card layout takes them away in some browsers.
    return html`<table role="table" aria-labelledby="servers-title">
        <thead role="rowgroup">
            <tr role="row">
                ${COLUMNS.map(
                    (name) =>
                        html`<th role="columnheader" scope="col">
                            ${name === "Health" && stale ? "Health, last known" : name}
                        </th>`,
                )}
            </tr>
        </thead>
        <tbody role="rowgroup">
            ${repeat(shown, ({ name }) => name, row)}
        </tbody>
    </table>`;
}

/**
 * @param {State} state
 * @param {Store} store
 */
function filters({ filter, onlyProblems }, store) {
    const typed = (/** @type {Event} */ { target }) =>
        store.update({ filter: /** @type {HTMLInputElement} */ (target).value });
    const ticked = (/** @type {Event} */ { target }) =>
        store.update({ onlyProblems: /** @type {HTMLInputElement} */ (target).checked });
    return html`<div class="filters" role="search" aria-label="Servers">
        <label class="hidden-text" for="filter">Filter by name</label>
        <input
            id="filter"
            type="search"
            placeholder="Filter by name"
            .value=${filter}
            @input=${typed}
        />
        <label
            ><input type="checkbox" .checked=${onlyProblems} @change=${ticked} /> only
            problems</label
        >
    </div>`;
}

/**
 * @param {ContainerView} server
 */
function row(server) {
    const { word, tone } = condition(server);
    const running = server.state === "running";
    const uptime = running ? secondsSince(server.startedAt) : undefined;
    const cells = [
        mark(tone, word),
        answer(server),
        memory(server),
        cpu(server),
        count(server.restarts),
        count(server.oomKills),
        uptime === undefined ? UNKNOWN : duration(uptime),
        server.port ?? UNKNOWN,
    ];
    return html`<tr role="row" class=${tone}>
        <th role="rowheader" scope="row">
            <a href=${serverAddress(server.name)}>${server.name}</a>
            <span class="quiet">${origin(server)}</span>
        </th>
        ${cells.map(
            (cell, index) =>
                html`<td role="cell" data-label=${COLUMNS[index + 1] ?? ""}>
                    <span>${cell}</span>
                </td>`,
        )}
    </tr>`;
}

/**
 * @param {ContainerView} server
 * @returns {string} who made it, and so where to change it
 */
export function origin(server) {
    if (server.origin === "manifest") return server.manifestFile ?? "manifest";
    return ORIGINS[server.origin];
}

/**
 * @param {ContainerView} server
 */
export function answer({ mcp }) {
    if (!mcp) return UNKNOWN;
    if (mcp.up) {
        return html`<span class="nowrap">${counted(mcp.tools.length, "tool")}</span>
            <span class="quiet nowrap">${integer(mcp.milliseconds)} ms</span>`;
    }
    return html`${mark("bad", "no answer")} <span class="reason quiet">${mcp.reason}</span>`;
}

/**
 * @param {ContainerView} server
 */
export function memory({ name, usage, limits }) {
    if (!usage) return UNKNOWN;
    return gauge({
        label: `Memory of ${name}`,
        value: usage.memoryBytes,
        limit: limits.memoryBytes,
        text: `${bytes(usage.memoryBytes)} of ${limits.memoryBytes > 0 ? bytes(limits.memoryBytes) : "any"}`,
    });
}

/**
 * @param {ContainerView} server
 */
export function cpu({ name, usage, limits }) {
    if (!usage) return UNKNOWN;
    return gauge({
        label: `CPU of ${name}`,
        value: usage.cpus,
        limit: limits.cpus,
        text: `${usage.cpus.toFixed(2)} of ${limits.cpus > 0 ? limits.cpus : "any"} CPU`,
    });
}

/**
 * @param {number} value
 */
function count(value) {
    return value === 0
        ? html`<span class="quiet">0</span>`
        : html`<strong>${integer(value)}</strong>`;
}
