/** The dashboard and the page of the API's description: files without data, for whoever comes. */
import { readdirSync } from "node:fs";
import { join, relative } from "node:path";
import fastifyStatic from "@fastify/static";
import type { FastifyInstance } from "fastify";

/** Folders by the path they are served under. */
export type StaticFolders = Readonly<Record<string, string>>;

const SERVED = /\.(html|js|css|svg|png|ico)$/;

/**
 * Serves the files of these folders. Each file is a route of its own, so no path of a request ever becomes one of the
 * disk. `index.html` is the folder's own path.
 *
 * @throws Error when a folder cannot be read
 */
export async function serveStatic(app: FastifyInstance, folders: StaticFolders): Promise<void> {
    await app.register(fastifyStatic, {
        serve: false,
        root: Object.values(folders),
        // The browser asks whether it has changed; the answer is short, and a new release shows at once.
        cacheControl: true,
        maxAge: 0,
    });
    for (const [prefix, folder] of Object.entries(folders)) {
        for (const file of filesIn(folder)) {
            const path = `${prefix}${file}`.replace(/index\.html$/, "");
            app.get(
                path,
                { config: { access: "public" }, schema: { hide: true } },
                (_request, reply) => reply.sendFile(file, folder),
            );
            if (path === "/" || !path.endsWith("/")) continue;
            app.get(
                path.slice(0, -1),
                { config: { access: "public" }, schema: { hide: true } },
                (_request, reply) => reply.redirect(path),
            );
        }
    }
}

function filesIn(folder: string): string[] {
    return readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile() && SERVED.test(entry.name))
        .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
        .sort();
}
