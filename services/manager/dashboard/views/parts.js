/** Small pieces that several views use. */

/** @import { Tone } from "../condition.js" */
import { html, nothing, svg } from "../html.js";

/** One shape a tone, so that nobody has to tell colours apart. */
const SHAPES = {
    good: svg`<circle cx="6" cy="6" r="5.5" /><path class="cut" d="M3.4 6.2 5.2 8l3.4-3.8" />`,
    wait: svg`<circle class="line" cx="6" cy="6" r="4.6" /><path class="line" d="M6 3.4V6l1.8 1.2" />`,
    bad: svg`<path d="M6 .6 11.8 11.2H.2z" /><path class="cut" d="M6 4.4v3.2M6 9.2v.4" />`,
    idle: svg`<path class="line" d="M2 6h8" />`,
};

/**
 * @param {Tone} tone
 * @param {unknown} word
 */
export function mark(tone, word) {
    return html`<span class="mark ${tone}"
        ><svg viewBox="0 0 12 12" aria-hidden="true">${SHAPES[tone]}</svg><span>${word}</span></span
    >`;
}

/**
 * A bar with its numbers beside it. From 75 % on it is a warning, from 90 % on trouble; without a limit, the numbers
 * alone.
 *
 * @param {{ label: string, value: number, limit: number, text: string }} reading
 */
export function gauge({ label, value, limit, text }) {
    if (limit <= 0) return html`<span>${text}</span>`;
    return html`<span class="gauge"
        ><meter
            aria-label=${label}
            aria-valuetext=${text}
            min="0"
            max=${limit}
            low=${limit * 0.75}
            high=${limit * 0.9}
            optimum="0"
            .value=${Math.min(value, limit)}
        ></meter
        ><span>${text}</span></span
    >`;
}

/**
 * @param {string} term
 * @param {unknown} description left out when undefined
 */
export function entry(term, description) {
    if (description === undefined) return nothing;
    return html`<div>
        <dt>${term}</dt>
        <dd>${description}</dd>
    </div>`;
}
