/** The stack in one line of tiles. */

/** @import { State } from "../store.js" */
/** @import { Status } from "../api.js" */
import { condition, problem } from "../condition.js";
import {
    bytes,
    counted,
    dateAndTime,
    daysUntil,
    duration,
    integer,
    secondsSince,
} from "../format.js";
import { html, nothing } from "../html.js";
import { gauge, mark } from "./parts.js";

/** Days left from which on a certificate is worth a look, and from which on it is urgent. */
const CERTIFICATE_SOON = 30;
const CERTIFICATE_URGENT = 7;

/**
 * @param {State} state
 */
export function summary({ status, containers, link }) {
    if (!status) return nothing;
    const current = link.answers && status.daemon.reachable;
    return html`<section class="summary" aria-labelledby="summary-title">
        <h2 id="summary-title" class="hidden-text">Stack</h2>
        ${tile("Servers", servers(containers, current))}
        ${tile("Inner daemon", daemon(status, link.answers))}
        ${tile("Certificates", certificates(status))}
        ${tile("Consul", neighbour(status.consul, "not configured"))}
        ${tile("Edge", neighbour(status.edge, "not deployed"))}
        ${status.disks.map((disk) =>
            tile(
                `Disk: ${disk.name}`,
                gauge({
                    label: `Disk ${disk.name}`,
                    value: disk.usedBytes,
                    limit: disk.totalBytes,
                    text: `${bytes(disk.usedBytes)} of ${bytes(disk.totalBytes)}`,
                }),
            ),
        )}
    </section>`;
}

/**
 * @param {string} name
 * @param {unknown} value
 */
function tile(name, value) {
    return html`<div class="tile">
        <h3>${name}</h3>
        ${value}
    </div>`;
}

/**
 * @param {State["containers"]} containers
 * @param {boolean} current false: this is what was known last
 */
function servers(containers, current) {
    if (!containers) return html`<p class="quiet">asking …</p>`;
    const well = containers.filter((one) => problem(one) === undefined).length;
    const text = `${integer(well)} of ${integer(containers.length)} well`;
    if (!current) return html`<p>${mark("idle", `last known: ${text}`)}</p>`;
    const failing = containers.some(
        (one) => problem(one) !== undefined && condition(one).tone !== "wait",
    );
    const tone = well === containers.length ? "good" : failing ? "bad" : "wait";
    return html`<p>${mark(tone, text)}</p>`;
}

/**
 * @param {Status} status
 * @param {boolean} current false: this is what was known last
 */
function daemon({ daemon }, current) {
    const { reachable, version, since } = daemon;
    const word = reachable ? "reachable" : "unreachable";
    const tone = reachable ? "good" : "bad";
    return html`<p>${current ? mark(tone, word) : mark("idle", `last known: ${word}`)}</p>
        <p class="quiet">
            ${reachable ? `Docker ${version}, ` : nothing}for ${duration(secondsSince(since) ?? 0)}
        </p>`;
}

/**
 * @param {Status} status
 */
function certificates({ certificates }) {
    if (certificates.length === 0) return html`<p class="quiet">not known yet</p>`;
    const left = certificates.map(({ expiresAt }) => daysUntil(expiresAt));
    const least = Math.min(...left);
    const tone = least < CERTIFICATE_URGENT ? "bad" : least < CERTIFICATE_SOON ? "wait" : "good";
    const words = least < 0 ? "expired" : `${counted(least, "day")} left`;
    return html`<p>${mark(tone, words)}</p>
        <ul class="quiet plain">
            ${certificates.map(
                ({ name, expiresAt }, index) =>
                    html`<li title=${dateAndTime(expiresAt)}>
                        ${name} ${integer(left[index] ?? 0)} d
                    </li>`,
            )}
        </ul>`;
}

/**
 * @param {Status["consul"]} state
 * @param {string} absent what to say when there is none
 */
function neighbour({ configured, reachable, reason }, absent) {
    if (!configured) return html`<p>${mark("idle", absent)}</p>`;
    if (reachable === undefined) return html`<p>${mark("wait", "asking")}</p>`;
    return reachable
        ? html`<p>${mark("good", "reachable")}</p>`
        : html`<p>${mark("bad", "unreachable")}</p>
              <p class="quiet">${reason}</p>`;
}
