/**
 * What the API costs: `npm run build && node --import tsx bench/api.ts [requests]`. Against the stand-in daemon with 40
 * servers, the built program: latency of GET /containers from 50 clients beside a plain list of the daemon's, and
 * resident memory before and after.
 */
import { readFileSync } from "node:fs";
import { Agent, request as plain } from "node:http";
import { Agent as SecureAgent, request as secure } from "node:https";
import { join } from "node:path";

import { READ, Stage } from "../tests/support/stage.ts";

const CLIENTS = 50;
const SERVERS = 40;
const [requests = "10000"] = process.argv.slice(2);

const names = Array.from({ length: SERVERS }, (_, index) => `s${index}-mcp`);
const usual = {
    MANAGER_SAMPLE_SECONDS: "2",
    MANAGER_PROBE_SECONDS: "5",
    MANAGER_REQUESTS_PER_MINUTE: "10000000",
    MALLOC_ARENA_MAX: "2",
};
/** As images/manager/Dockerfile starts it: without these V8 sizes its heap for the whole machine. */
const HEAP = ["--optimize-for-size", "--max-semi-space-size=1", "--max-old-space-size=64"];
const program = [...HEAP, join(import.meta.dirname, "../dist/main.js")];
const stage = await Stage.open(names, usual, program);
await new Promise((resolve) => setTimeout(resolve, 12_000));

function residentMiB(): number {
    const status = readFileSync(`/proc/${stage.process?.pid}/status`, "utf8");
    return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024);
}

/** Milliseconds of each of `count` calls of `ask`, made by so many clients. */
async function timesOf(
    count: number,
    clients: number,
    ask: () => Promise<void>,
): Promise<number[]> {
    const times: number[] = [];
    let left = count;
    const client = async (): Promise<void> => {
        while (left-- > 0) {
            const begun = performance.now();
            await ask();
            times.push(performance.now() - begun);
        }
    };
    await Promise.all(Array.from({ length: clients }, client));
    return times.sort((a, b) => a - b);
}

function exchange(send: typeof plain, url: string, options: object): Promise<void> {
    return new Promise((resolve, reject) => {
        const sent = send(url, options, (response) => {
            response.resume();
            const bad = response.statusCode !== 200;
            response.on("end", () =>
                bad ? reject(new Error(`${response.statusCode}`)) : resolve(),
            );
        });
        sent.on("error", reject);
        sent.end();
    });
}

const headers = { authorization: `Bearer ${READ}` };
const agent = new Agent({ keepAlive: true });
const list = (): Promise<void> => exchange(plain, `${stage.api}/containers`, { agent, headers });
const tls = new SecureAgent({ keepAlive: true, ...stage.clientPair });
const floor = (): Promise<void> =>
    exchange(secure, `${stage.daemon.url}/containers/json?all=true`, { agent: tls });

const at = (times: readonly number[], share: number): string =>
    `${(times[Math.floor(times.length * share)] ?? 0).toFixed(2)} ms`;
const told = (what: string, times: readonly number[]): void =>
    console.log(`${what}: median ${at(times, 0.5)}, p99 ${at(times, 0.99)}`);

await timesOf(200, 1, list);
console.log(`resident before: ${residentMiB()} MiB`);
told("GET /containers, 1 client", await timesOf(1_000, 1, list));
told("plain Docker list, 1 client", await timesOf(1_000, 1, floor));
for (let round = 1; round <= 3; round++) {
    const begun = performance.now();
    told(`GET /containers, ${CLIENTS} clients`, await timesOf(Number(requests), CLIENTS, list));
    const seconds = (performance.now() - begun) / 1000;
    console.log(
        `  ${Math.round(Number(requests) / seconds)} requests a second, resident ${residentMiB()} MiB`,
    );
}
told(`plain Docker list, ${CLIENTS} clients`, await timesOf(2_000, CLIENTS, floor));
await stage.stop();
await stage.close();
process.exit(0);
