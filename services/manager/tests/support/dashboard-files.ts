/** The dashboard's files as the manager serves them: nothing else, and under a policy that allows this origin only. */
import { readFile } from "node:fs/promises";
import { extname } from "node:path";

import { vendorFiles } from "../../scripts/vendor-files.ts";

const DASHBOARD = new URL("../../dashboard/", import.meta.url);
const TYPES: Readonly<Record<string, string>> = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
};

interface StaticFile {
    readonly headers: Readonly<Record<string, string>>;
    readonly body: Buffer;
}

/**
 * The file at an address.
 *
 * @returns undefined when the address is none of the dashboard's
 */
export async function staticFile(pathname: string): Promise<StaticFile | undefined> {
    const path = pathname === "/" ? "/index.html" : pathname;
    const type = TYPES[extname(path)];
    if (type === undefined) return undefined;
    const vendored = path.startsWith("/vendor/") && vendorFiles.get(path.slice("/vendor/".length));
    const body = await readFile(vendored || new URL(`.${path}`, DASHBOARD)).catch(() => undefined);
    if (!body) return undefined;
    const headers = {
        "Content-Type": type,
        "Content-Security-Policy":
            "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-cache",
    };
    return { headers, body };
}
