/** What a screen reader is told when the state changes; the rest of the page stays silent. */

/** @import { State } from "./store.js" */
import { condition } from "./condition.js";

/**
 * @param {State} now
 * @param {State} before
 * @returns {string[]} sentences, in order of weight; empty when nothing worth saying changed
 */
export function changes(now, before) {
    const said = [];
    if (now.link.answers !== before.link.answers) {
        said.push(now.link.answers ? "The manager answers again." : "The manager does not answer.");
    }
    const daemon = now.status?.daemon.reachable;
    if (before.status && daemon !== before.status.daemon.reachable) {
        said.push(daemon ? "The inner daemon is back." : "The inner daemon is unreachable.");
    }
    if (now.containers !== before.containers && before.containers) {
        said.push(...serverChanges(now.containers ?? [], before.containers));
    }
    return said;
}

/**
 * @param {NonNullable<State["containers"]>} now
 * @param {NonNullable<State["containers"]>} before
 */
function serverChanges(now, before) {
    const known = new Map(before.map((one) => [one.name, one]));
    const said = [];
    for (const server of now) {
        const old = known.get(server.name);
        known.delete(server.name);
        const { word } = condition(server);
        if (!old || condition(old).word !== word) said.push(`${server.name} is ${word}.`);
        else if (old.mcp?.up !== false && server.mcp?.up === false) {
            said.push(`${server.name} does not answer.`);
        } else if (old.mcp?.up === false && server.mcp?.up) said.push(`${server.name} answers.`);
    }
    for (const name of known.keys()) said.push(`${name} is gone.`);
    return said;
}
