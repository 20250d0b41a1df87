/**
 * Entry of the pack, as the language host loads it: the sources in one precompiled file, made anew whenever one of
 * them has changed. Compiling on every run, as the host would do for TypeScript, costs seconds a preview; a compiled
 * file that somebody has to remember to build would one day be stale (docs/decisions/0010).
 */
const { createHash } = require("node:crypto");
const fs = require("node:fs");
const path = require("node:path");

const root = path.resolve(__dirname, "..");
const bin = path.join(__dirname, "bin");
const pack = path.join(bin, "pack.js");
const list = path.join(bin, "sources.json");

const hashOf = (file) =>
    createHash("sha256")
        .update(fs.readFileSync(path.join(root, file)))
        .digest("hex");

function isFresh() {
    try {
        const sources = Object.entries(JSON.parse(fs.readFileSync(list, "utf8")));
        return (
            fs.existsSync(pack) &&
            sources.length > 0 &&
            sources.every(([file, hash]) => hashOf(file) === hash)
        );
    } catch {
        return false;
    }
}

/** In one step each, so that two previews at once see a whole file. */
function write(file, text) {
    const temporary = `${file}.${process.pid}`;
    fs.writeFileSync(temporary, text);
    fs.renameSync(temporary, file);
}

function compile() {
    // The compiler that tsx brings along: one dependency less to keep in step.
    const from = { paths: [path.dirname(require.resolve("tsx/package.json"))] };
    const { outputFiles, metafile } = require(require.resolve("esbuild", from)).buildSync({
        absWorkingDir: root,
        entryPoints: ["policy/index.ts"],
        bundle: true,
        platform: "node",
        format: "cjs",
        target: "node22",
        packages: "external",
        metafile: true,
        write: false,
    });
    fs.mkdirSync(bin, { recursive: true });
    fs.rmSync(list, { force: true });
    write(pack, outputFiles[0].text);
    const sources = Object.keys(metafile.inputs).sort();
    write(list, JSON.stringify(Object.fromEntries(sources.map((file) => [file, hashOf(file)]))));
}

if (!isFresh()) compile();
require(pack);
