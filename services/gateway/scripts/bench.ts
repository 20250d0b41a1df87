/**
 * Measures what the gateway adds to a call: the same call straight to the fixture and through the
 * gateway, by turns. `node scripts/bench.ts [MAIN]`; MAIN is the gateway's script.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { Agent } from "node:http";
import { fileURLToPath } from "node:url";

import { post } from "../tests/support/clients.ts";
import { ANYONE, Gateway } from "../tests/support/gateway.ts";
import { eventually } from "../tests/support/check.ts";

const CALLS = 3_000;
const WARM_UP = 500;

const fixture = spawn(process.execPath, [
    fileURLToPath(new URL("../tests/support/everything/main.ts", import.meta.url)),
]);
const [line] = (await once(fixture.stdout, "data")) as [Buffer];
const direct = line.toString().trim();
const servers = [{ name: "everything", url: new URL(direct).origin }];
const [main] = process.argv.slice(2);
const gateway = new Gateway({ servers, clients: [ANYONE] }, main === undefined ? {} : { main });
await gateway.log("listening");
await eventually("ready", async () => (await fetch(`${gateway.origin}/readyz`)).ok);

const agent = new Agent({ keepAlive: true });
const times: Record<string, number[]> = { direct: [], relayed: [], aggregated: [] };
const targets = [
    { kind: "direct", url: direct, name: "echo" },
    { kind: "relayed", url: gateway.url("everything"), name: "echo" },
    { kind: "aggregated", url: gateway.url(), name: "everything__echo" },
];
for (let n = -WARM_UP; n < CALLS; n += 1) {
    for (const { kind, url, name } of targets) {
        const from = performance.now();
        const { status } = await post(
            url,
            "tools/call",
            { name, arguments: { value: n } },
            { agent },
        );
        if (status !== 200) throw new Error(`${kind}: ${status}`);
        if (n >= 0) times[kind]?.push(performance.now() - from);
    }
}
for (const [kind, all] of Object.entries(times)) {
    all.sort((a, b) => a - b);
    const at = (part: number): string => (all[Math.floor(all.length * part)] ?? 0).toFixed(2);
    process.stdout.write(
        `${kind.padEnd(10)} p50 ${at(0.5)} ms  p95 ${at(0.95)} ms  p99 ${at(0.99)} ms\n`,
    );
}
process.stdout.write(`resident ${Math.round(gateway.resident() / 2 ** 20)} MiB\n`);
agent.destroy();
await gateway.kill();
fixture.kill();
