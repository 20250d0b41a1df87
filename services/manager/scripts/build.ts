/**
 * Writes `dist/` (or the folder given as argument): the program in one file that needs no node_modules, and the files it
 * serves and reads.
 */
import { copyFileSync, cpSync, mkdirSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { build, type Plugin } from "esbuild";

const root = resolve(import.meta.dirname, "..");
const project = resolve(root, "../..");
const dist = resolve(process.argv[2] ?? join(root, "dist"));

/**
 * What dockerode loads for the ways to a daemon that are not used here: SSH (with a native part), and BuildKit's session
 * over gRPC.
 */
const UNUSED = /^(ssh2|@grpc\/grpc-js|@grpc\/proto-loader|protobufjs)$/;

const withoutUnused: Plugin = {
    name: "without-unused",
    setup(bundle) {
        bundle.onResolve({ filter: UNUSED }, ({ path }) => ({ path, namespace: "unused" }));
        bundle.onLoad({ filter: /.*/, namespace: "unused" }, () => ({
            contents: "module.exports = {};",
        }));
    },
};

/** CommonJS parts of the bundle ask for these; the schema of manifests is read from `../manifests` of the latter. */
const BANNER = `import { createRequire } from "node:module";
const require = createRequire(import.meta.url);
const __filename = import.meta.filename;
const __dirname = import.meta.dirname + "/config";`;

rmSync(dist, { recursive: true, force: true });
mkdirSync(join(dist, "manifests"), { recursive: true });
await build({
    entryPoints: [join(root, "src/main.ts")],
    outfile: join(dist, "main.js"),
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node22",
    banner: { js: BANNER },
    // The project's pure modules and the reporter's: what they import is here as well, in the same major version.
    nodePaths: [join(root, "node_modules")],
    plugins: [withoutUnused],
    legalComments: "none",
});
copyFileSync(join(project, "manifests/schema.json"), join(dist, "manifests/schema.json"));
cpSync(join(root, "dashboard"), join(dist, "dashboard"), { recursive: true });
cpSync(join(root, "api-docs"), join(dist, "docs"), { recursive: true });
for (const file of ["swagger-ui-bundle.js", "swagger-ui.css"]) {
    const source = join(root, "node_modules/@fastify/swagger-ui/static", file);
    copyFileSync(source, join(dist, "docs", file));
}
