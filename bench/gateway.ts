/**
 * What the gateway adds to a call, beside its peers, in one run: `npx tsx bench/gateway.ts --help`. The same client calls
 * the same echo server directly and through each of them, by turns, so that what else the machine does meets all.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { cpus, loadavg, tmpdir } from "node:os";
import * as path from "node:path";

import { Command, InvalidArgumentError } from "commander";

import type { EchoClient } from "./gateway/client";
import { contenders, type Contender } from "./gateway/contenders";
import { Peers } from "./gateway/peers";
import { Processes } from "./gateway/processes";
import { report, rowsOf, type NotRun, type Result, type Samples } from "./gateway/report";

const PROJECT = path.join(__dirname, "..");
const SERVICES = ["gateway", "bridge"];
const EXAMPLES = `
Examples:
  npx tsx bench/gateway.ts                          all peers; installs what is missing, compiles ToolHive once
  npx tsx bench/gateway.ts --only gateway           the project's own rows and their floors, in a minute
  npx tsx bench/gateway.ts --json > result.json     every number
  npx tsx bench/gateway.ts --clients 1,10,50,200 --rounds 12 --turn-ms 2000

Peers are installed at the versions that bench/gateway/peers pins, into .mcp/bench. They need npm, python3 (3.11 to 3.13)
and go (1.26); one that cannot be installed or does not start is a row that says why. Everything listens on loopback.`;

interface Options {
    readonly clients: number[];
    readonly rounds: number;
    readonly turnMs: number;
    readonly only?: string;
    readonly json?: true;
}

interface Running {
    readonly contender: Contender;
    readonly connect: () => EchoClient;
}

const say = (line: string): void => void process.stderr.write(`${line}\n`);

function whole(text: string): number {
    if (!/^[1-9]\d{0,5}$/.test(text)) throw new InvalidArgumentError("A whole number from 1 on.");
    return Number(text);
}

const options = new Command("npx tsx bench/gateway.ts")
    .description("Measures what the gateway adds to a tool call, beside its peers.")
    .option("--clients <n,...>", "clients at once", (text) => text.split(",").map(whole), [1, 50])
    .option("--rounds <n>", "turns of each", whole, 8)
    .option("--turn-ms <n>", "length of a turn; one more, unmeasured, warms up", whole, 1_500)
    .option("--only <text>", "only what has this in its name, and the floors")
    .option(
        "--json",
        "print the result as JSON on standard output; progress goes to standard error",
    )
    .addHelpText("after", EXAMPLES)
    .parse()
    .opts<Options>();

/** While others had their turn, the far side may have closed the idle connection, just when it is used again. */
async function wake(client: EchoClient): Promise<void> {
    await client.call("awake").catch(() => client.call("awake"));
}

/** Calls in a closed loop from all clients until the time is over. */
async function turn(
    clients: readonly EchoClient[],
    ms: number,
): Promise<{ calls: number[]; rate: number }> {
    await Promise.all(clients.map(wake));
    const calls: number[] = [];
    const begun = performance.now();
    await Promise.all(
        clients.map(async (client, index) => {
            for (let call = 0; performance.now() - begun < ms; call += 1) {
                const from = performance.now();
                await client.call(`c${String(index)}-${String(call)}-`);
                calls.push(performance.now() - from);
            }
        }),
    );
    return { calls, rate: (calls.length / (performance.now() - begun)) * 1000 };
}

/** All rounds at one number of clients. */
async function measure(running: readonly Running[], clients: number): Promise<Samples[]> {
    const lanes = [];
    for (const { contender, connect } of running) {
        const own = Array.from({ length: clients }, connect);
        for (const client of own) await client.open();
        await turn(own, options.turnMs);
        lanes.push({ contender, own, clients, calls: [] as number[], rates: [] as number[] });
    }
    for (let round = 1; round <= options.rounds; round += 1) {
        say(
            `${String(clients)} clients, round ${String(round)} of ${String(options.rounds)}, load ${now().toFixed(1)}`,
        );
        for (const { own, calls, rates } of lanes) {
            const taken = await turn(own, options.turnMs);
            calls.push(...taken.calls);
            rates.push(taken.rate);
        }
    }
    for (const { own } of lanes) for (const client of own) client.close();
    return lanes;
}

function now(): number {
    return loadavg()[0] ?? Number.NaN;
}

async function bench(processes: Processes): Promise<Result> {
    const cache = path.join(PROJECT, ".mcp/bench");
    mkdirSync(cache, { recursive: true });
    for (const service of SERVICES) {
        say(`building services/${service}...`);
        execFileSync("npm", ["run", "--silent", "build"], {
            cwd: path.join(PROJECT, "services", service),
        });
    }
    const running: Running[] = [];
    const notRun: NotRun[] = [];
    const wanted = contenders(processes, new Peers(cache, say)).filter(
        ({ name, isFloor }) => isFloor === true || name.includes(options.only ?? ""),
    );
    for (const contender of wanted) {
        const { name, floor } = contender;
        try {
            say(`starting ${name} (${floor})...`);
            const connect = await contender.start();
            const first = connect();
            await first.open();
            await first.call("first");
            first.close();
            running.push({ contender, connect });
        } catch (error) {
            const reason = error instanceof Error ? error.message : String(error);
            say(`${name}: not run: ${reason}`);
            notRun.push({ name, floor, reason });
        }
    }
    const load = [now()];
    const samples: Samples[] = [];
    for (const clients of options.clients) {
        samples.push(...(await measure(running, clients)));
        load.push(now());
    }
    return {
        node: process.versions.node,
        cpus: cpus().length,
        load,
        rows: rowsOf(samples),
        notRun,
    };
}

async function main(): Promise<void> {
    const dir = mkdtempSync(path.join(tmpdir(), "bench-gateway-"));
    const processes = new Processes(dir);
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
        process.once(signal, () => {
            void processes.stop().finally(() => {
                rmSync(dir, { recursive: true, force: true });
                process.exit(1);
            });
        });
    }
    try {
        const result = await bench(processes);
        process.stdout.write(
            options.json ? `${JSON.stringify(result, undefined, 2)}\n` : report(result),
        );
    } finally {
        await processes.stop();
        rmSync(dir, { recursive: true, force: true });
    }
}

main().catch((error: unknown) => {
    say(error instanceof Error ? error.message : String(error));
    process.exitCode = 1;
});
