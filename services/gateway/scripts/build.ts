/**
 * Writes `dist/` (or the folder given as argument): the program with its libraries in few files, so
 * that an image needs no `node_modules`. What exports spans stays apart and is loaded on demand.
 */
import { rmSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";

import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));
const [folder = "dist"] = process.argv.slice(2);
const outdir = resolve(root, folder);

rmSync(outdir, { recursive: true, force: true });
await build({
    absWorkingDir: root,
    entryPoints: ["src/main.ts"],
    outdir,
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node22",
    outExtension: { ".js": ".mjs" },
    legalComments: "linked",
    logLevel: "warning",
    // Some libraries are CommonJS and call `require` for Node's own modules.
    banner: {
        js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
    },
});
