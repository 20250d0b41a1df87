/** The templates of this page: lit-html puts every value in as text, so nothing a server says becomes markup. */
export { html, nothing, render, svg } from "/vendor/lit-html/lit-html.js";
export { repeat } from "/vendor/lit-html/directives/repeat.js";
