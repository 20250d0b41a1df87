/** The name of the tab: tells of trouble while another tab is in front. */

/** @import { State } from "../store.js" */
import { problem } from "../condition.js";

/**
 * @param {State} state
 */
export function title(state) {
    if (state.login !== "in" || !state.status) return "MCP manager";
    const name = `${state.status.stack} · MCP manager`;
    if (!state.link.answers) return `No answer · ${name}`;
    const problems = (state.containers ?? []).filter((one) => problem(one) !== undefined).length;
    return problems > 0 ? `${problems} not well · ${name}` : name;
}
