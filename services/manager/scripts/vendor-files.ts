/**
 * The libraries the dashboard loads in the browser, under `/vendor/`. They come from node_modules, so the lock file
 * decides which bytes are served.
 */
import { copyFileSync, mkdirSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const MODULES = new URL("../node_modules/", import.meta.url);

/** Path below `/vendor/` of every file, and where it lies in node_modules. */
const FILES: ReadonlyMap<string, string> = new Map([
    ["lit-html/lit-html.js", "lit-html/lit-html.js"],
    ["lit-html/directive.js", "lit-html/directive.js"],
    ["lit-html/directive-helpers.js", "lit-html/directive-helpers.js"],
    ["lit-html/directives/repeat.js", "lit-html/directives/repeat.js"],
    ["eventsource-parser/index.js", "eventsource-parser/dist/index.js"],
    ["eventsource-parser/stream.js", "eventsource-parser/dist/stream.js"],
]);

/** Paths below `/vendor/`, each with the absolute path of the file it is. */
export const vendorFiles: ReadonlyMap<string, string> = new Map(
    [...FILES].map(([path, source]) => [path, fileURLToPath(new URL(source, MODULES))]),
);

/**
 * Puts the files into a copy of the dashboard, as `<folder>/vendor/`.
 *
 * @throws when one is missing: the dependencies are not installed
 */
export function copyVendorFiles(folder: string): void {
    for (const [path, source] of vendorFiles) {
        const target = resolve(folder, "vendor", path);
        mkdirSync(dirname(target), { recursive: true });
        copyFileSync(source, target);
    }
}
