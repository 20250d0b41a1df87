/**
 * Times one setting at a time: what a change of the engine's or the images' settings would be worth.
 *
 *     tsx bench/variants.ts [--servers 3] [--runs 3] [--json] NAME...
 */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { parseArgs } from "node:util";
import { zstdCompressSync } from "node:zlib";

import type { Step } from "../cli/engine/types";
import { messageOf } from "../cli/errors";

import { sweep } from "./daemon";
import { median } from "./report";
import { Scene } from "./scene";

interface Variant {
    /** Variables for the engine. */
    readonly env?: (scene: Scene) => Readonly<Record<string, string>>;
    /** Change of the scene before anything runs. */
    readonly edit?: (scene: Scene) => void;
}

const VARIANTS: Readonly<Record<string, Variant>> = {
    baseline: {},
    "gzip-layers": {
        edit: (scene) => {
            compressLayers(scene, ".gz", (file) => {
                execFileSync("gzip", ["-6", file]);
            });
        },
    },
    "zstd-layers": {
        edit: (scene) => {
            compressLayers(scene, ".zst", (file) => {
                writeFileSync(`${file}.zst`, zstdCompressSync(readFileSync(file)));
                rmSync(file);
            });
        },
    },
    "parallel-4": { env: () => ({ PULUMI_PARALLEL: "4" }) },
    "parallel-32": { env: () => ({ PULUMI_PARALLEL: "32" }) },
    "parallel-diff": { env: () => ({ PULUMI_PARALLEL_DIFF: "true" }) },
    precompiled: { edit: precompile },
    "compile-cache": {
        env: (scene) => ({ NODE_COMPILE_CACHE: path.join(scene.project.cacheDir, "node") }),
    },
    "no-backups": { env: () => ({ PULUMI_DIY_BACKEND_DISABLE_CHECKPOINT_BACKUPS: "true" }) },
    "no-journal": { env: () => ({ PULUMI_DISABLE_JOURNALING: "true" }) },
};

/** Compresses every layer of every build context and names the compressed file in its Dockerfile. */
function compressLayers(scene: Scene, suffix: string, compress: (file: string) => void): void {
    const images = path.join(scene.project.dir, ".mcp/images");
    for (const context of readdirSync(images)) {
        const dockerfile = path.join(images, context, "Dockerfile");
        for (const file of readdirSync(path.join(images, context))) {
            if (!file.endsWith(".tar")) continue;
            // gzip refuses a file with two names, which a linked context has.
            const full = path.join(images, context, file);
            const content = readFileSync(full);
            rmSync(full);
            writeFileSync(full, content);
            compress(full);
        }
        const text = readFileSync(dockerfile, "utf8").replaceAll(".tar /", `.tar${suffix} /`);
        rmSync(dockerfile);
        writeFileSync(dockerfile, text);
    }
}

/** Compiles the program to JavaScript beside its sources and turns the engine's TypeScript off. */
function precompile(scene: Scene): void {
    const { dir } = scene.project;
    const tsc = path.join(dir, "node_modules/typescript/bin/tsc");
    execFileSync(process.execPath, [tsc, "-p", "tsconfig.pulumi.json", "--noEmit", "false"], {
        cwd: dir,
    });
    const settings = path.join(dir, "Pulumi.yaml");
    const text = readFileSync(settings, "utf8");
    writeFileSync(settings, text.replace(/tsconfig: .*/, "typescript: false"));
    const manifest = path.join(dir, "package.json");
    const data = JSON.parse(readFileSync(manifest, "utf8")) as Record<string, unknown>;
    writeFileSync(manifest, JSON.stringify({ ...data, main: "index.js" }));
}

interface Timing {
    readonly variant: string;
    readonly up: number;
    readonly images: number;
    readonly preview: readonly number[];
    readonly change: number;
    readonly down: number;
}

async function measure(name: string, servers: number, runs: number): Promise<Timing> {
    const variant = VARIANTS[name];
    if (!variant) {
        throw new Error(
            `bench: no variant ${name}; there are: ${Object.keys(VARIANTS).join(", ")}`,
        );
    }
    const scene = Scene.create(servers);
    const env = variant.env?.(scene) ?? {};
    Object.assign(process.env, env);
    try {
        variant.edit?.(scene);
        scene.warm();
        const engine = await scene.engine();
        const steps: Step[] = [];
        const up = await timed(() => engine.up((step) => steps.push(step)));
        const preview: number[] = [];
        for (let run = 0; run < runs; run += 1) preview.push(await timed(() => engine.preview()));
        scene.writeManifests("changed");
        const change = await timed(() => engine.up(() => undefined));
        const down = await timed(() => engine.down(() => undefined));
        const images = steps
            .filter((step) => step.type.endsWith(":RemoteImage"))
            .reduce((sum, step) => Math.max(sum, step.seconds ?? 0), 0);
        for (const { name: step, type, seconds } of steps) {
            if (type.startsWith("docker:") && (seconds ?? 0) > 0.5)
                process.stderr.write(`    ${step} ${(seconds ?? 0).toFixed(1)}\n`);
        }
        return { variant: name, up, images, preview, change, down };
    } finally {
        for (const key of Object.keys(env)) Reflect.deleteProperty(process.env, key);
        await sweep();
        scene.dispose();
    }
}

async function timed(work: () => Promise<unknown>): Promise<number> {
    const begun = performance.now();
    await work();
    return (performance.now() - begun) / 1000;
}

async function main(): Promise<void> {
    const { values, positionals } = parseArgs({
        allowPositionals: true,
        options: {
            servers: { type: "string", default: "3" },
            runs: { type: "string", default: "3" },
            json: { type: "boolean", default: false },
        },
    });
    // The engine hears Ctrl-C as well and stops in order; the variant at hand is then removed on the way out.
    for (const name of ["SIGINT", "SIGTERM"] as const) process.on(name, () => undefined);
    await sweep();
    const timings: Timing[] = [];
    for (const name of positionals.length > 0 ? positionals : Object.keys(VARIANTS)) {
        const timing = await measure(name, Number(values.servers), Number(values.runs));
        timings.push(timing);
        process.stderr.write(`· ${row(timing)}\n`);
    }
    process.stdout.write(
        values.json
            ? `${JSON.stringify(timings, undefined, 2)}\n`
            : `${["| variant | up | longest image | no-op preview | one changed | destroy |", "|---|---|---|---|---|---|", ...timings.map(row)].join("\n")}\n`,
    );
}

function row({ variant, up, images, preview, change, down }: Timing): string {
    const cells = [up, images, median(preview), change, down].map((value) => value.toFixed(1));
    return `| ${variant} | ${cells.join(" | ")} |`;
}

main().catch((error: unknown) => {
    process.stderr.write(`error: ${messageOf(error)}\n`);
    process.exitCode = 1;
});
