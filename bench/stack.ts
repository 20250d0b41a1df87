/**
 * Times the stack with the real engine against the same things made by the plain Docker API: see README.md here.
 *
 *     tsx bench/stack.ts [--servers 3,10,40] [--runs 3] [--json]
 */
import { parseArgs } from "node:util";

import type { PulumiEngine } from "../cli/engine/pulumi";
import type { Step } from "../cli/engine/types";
import { messageOf } from "../cli/errors";

import { sweep } from "./daemon";
import { Floor, type Phases } from "./floor";
import { capture, type Plan } from "./plan";
import { MEASURES, report, type Measure, type Result, type Sample } from "./report";
import { Scene } from "./scene";
import { readState } from "./state";

/** Seconds that `work` takes. */
async function timed(work: () => Promise<unknown>): Promise<number> {
    const begun = performance.now();
    await work();
    return (performance.now() - begun) / 1000;
}

/** Runs the whole matrix for one number of servers, floor and stack in turn. */
async function measure(servers: number, runs: number, signal: AbortSignal): Promise<Result> {
    const scene = Scene.create(servers);
    const samples: Record<Measure, Sample> = {
        up: { stack: [], floor: [] },
        preview: { stack: [], floor: [] },
        change: { stack: [], floor: [] },
        down: { stack: [], floor: [] },
    };
    const steps: Step[][] = [];
    const phases: Phases[] = [];
    const note = (what: Measure, side: keyof Sample, seconds: number): void => {
        samples[what][side].push(seconds);
        say(`${String(servers)} servers: ${MEASURES[what].title}, ${side}: ${seconds.toFixed(1)}s`);
        signal.throwIfAborted();
    };
    try {
        scene.warm();
        const engine = await scene.engine();
        const empty = await scene.emptyEngine();
        await empty.up(() => undefined);
        let plan: Plan | undefined;
        for (let run = 1; run <= runs; run += 1) {
            scene.writeManifests(`run ${String(run)}`);
            const made: Step[] = [];
            note("up", "stack", await timed(() => engine.up((step) => made.push(step))));
            steps.push(made);
            plan ??= await takePlan(engine, scene);
            note("preview", "stack", await timed(() => noChange(engine)));
            note("preview", "floor", await timed(() => empty.preview()));
            scene.writeManifests(`run ${String(run)}, changed`);
            note("change", "stack", await timed(() => engine.up(() => undefined)));
            note("down", "stack", await timed(() => engine.down(() => undefined)));

            const floor = new Floor(plan, scene.project.context().names.orchestrator, signal);
            note("up", "floor", await timed(async () => phases.push(await floor.up())));
            const name = scene.changedServer;
            note("change", "floor", await timed(() => floor.change(name, "BENCH_MARK=x")));
            note("down", "floor", await timed(() => floor.down()));
        }
    } finally {
        await sweep();
        scene.dispose();
    }
    return { servers, samples, steps, phases };
}

async function takePlan(engine: PulumiEngine, scene: Scene): Promise<Plan> {
    const state = readState(await engine.command(["stack", "export", "--show-secrets"]));
    return capture(state, scene.project.dir);
}

/** A preview straight after an `up` must find nothing to do, or it is not the one to time. */
async function noChange(engine: PulumiEngine): Promise<void> {
    const { changes, text } = await engine.preview();
    const others = Object.keys(changes).filter((operation) => operation !== "same");
    if (others.length > 0) throw new Error(`bench: the preview is not clean\n${text}`);
}

function say(line: string): void {
    process.stderr.write(`· ${line}\n`);
}

async function main(): Promise<void> {
    const { values } = parseArgs({
        options: {
            servers: { type: "string", default: "3,10,40" },
            runs: { type: "string", default: "3" },
            json: { type: "boolean", default: false },
        },
    });
    const sizes = values.servers.split(",").map(Number);
    const runs = Number(values.runs);
    if ([...sizes, runs].some((value) => !Number.isInteger(value) || value < 1)) {
        throw new Error("bench: --servers takes numbers such as 3,10,40, and --runs one number");
    }
    const abort = new AbortController();
    // The engine hears Ctrl-C as well and stops in order; what is left is removed on the way out. Listening goes on,
    // because tsx passes the signal on a second time and that one would end this process.
    for (const name of ["SIGINT", "SIGTERM"] as const) {
        process.on(name, () => {
            abort.abort(new Error("bench: interrupted; everything was removed"));
        });
    }
    await sweep();
    const results: Result[] = [];
    for (const servers of sizes) results.push(await measure(servers, runs, abort.signal));
    process.stdout.write(
        values.json ? `${JSON.stringify(results, undefined, 2)}\n` : report(results),
    );
}

main().catch((error: unknown) => {
    process.stderr.write(`error: ${messageOf(error)}\n`);
    process.exitCode = 1;
});
