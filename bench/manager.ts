/**
 * What the manager costs: `npx tsx bench/manager.ts [--stack NAME] [--servers 40]` on a stack that runs. Fills the inner
 * daemon with servers made through the API, measures, and removes them again; for 40 of them the stack needs
 * `orchestratorMemoryMb: "12288"`. Ratios are against the same daemon asked
 * directly, in the same run.
 */
import { parseArgs } from "node:util";

import Docker from "dockerode";

import { MANAGER_NAME, PATHS, PORTS } from "../config/defaults";
import { hostPort } from "../config/names";
import { hostDocker } from "../cli/docker/host";
import { InnerDaemon } from "../cli/docker/inner";
import { managerToken, managerUrl } from "../cli/manager/client";
import { openSession } from "../cli/session";

const { values } = parseArgs({
    options: {
        stack: { type: "string", default: "dev" },
        servers: { type: "string", default: "40" },
    },
});
const { project } = openSession({ stack: values.stack });
const { names, settings } = project.context();
const inner = new InnerDaemon(hostDocker(), names.orchestrator);
const base = managerUrl(project);

const FIRST_PORT = 20_000;
/** Times each request is measured, after a tenth of that to warm up. */
const SAMPLES = 400;
const REQUESTS = 10_000;
const CLIENTS = 50;
/** Below the limit of one address, so that every request is answered. */
const PER_SECOND = 90;

const manifest = (index: number): string => `apiVersion: mcp/v1
kind: MCPContainer
metadata: { name: bench-${String(index)} }
spec:
  build: bridge
  command: ["node", "/opt/servers/filesystem/node_modules/@modelcontextprotocol/server-filesystem/dist/index.js", "/tmp"]
  port: ${String(FIRST_PORT + index)}
  health: { interval: "30s" }
`;

/** Percentile of milliseconds, sorted here. */
function percentile(samples: readonly number[], share: number): number {
    const sorted = [...samples].sort((left, right) => left - right);
    return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

async function timed(work: () => Promise<unknown>): Promise<number> {
    const begun = performance.now();
    await work();
    return performance.now() - begun;
}

/** Two kinds of request in turn, so that both meet the same machine. */
async function inTurn(
    left: () => Promise<unknown>,
    right: () => Promise<unknown>,
): Promise<readonly [number[], number[]]> {
    const samples: [number[], number[]] = [[], []];
    for (let round = -SAMPLES / 10; round < SAMPLES; round += 1) {
        const pair = [await timed(left), await timed(right)] as const;
        if (round >= 0) {
            samples[0].push(pair[0]);
            samples[1].push(pair[1]);
        }
        await new Promise((resolve) => setTimeout(resolve, 1000 / PER_SECOND));
    }
    return samples;
}

async function answered(url: string, token: string, init: RequestInit = {}): Promise<string> {
    const headers = {
        authorization: `Bearer ${token}`,
        ...(init.body === undefined ? {} : { "content-type": "application/yaml" }),
    };
    const response = await fetch(url, { ...init, headers });
    const text = await response.text();
    if (!response.ok) throw new Error(`${url}: HTTP ${String(response.status)} ${text}`);
    return text;
}

/** A client of the inner daemon itself, with the stack's certificate. */
async function plainDaemon(): Promise<Docker> {
    const read = async (file: string): Promise<string> =>
        (await inner.exec(["cat", `${PATHS.clientCerts}/${file}`], 10_000)).stdout;
    const [ca, cert, key] = await Promise.all(["ca.pem", "cert.pem", "key.pem"].map(read));
    const port = hostPort(PORTS.dockerTls.host, settings.portOffset);
    return new Docker({ protocol: "https", host: settings.bindAddress, port, ca, cert, key });
}

/** Resident memory of the manager's process in MiB. */
async function resident(): Promise<number> {
    const script =
        "for p in /proc/[0-9]*; do grep -q opt/manager $p/cmdline && cat $p/status; done";
    const text = await inner.run(["exec", MANAGER_NAME, "sh", "-c", script]);
    const sizes = [...text.matchAll(/VmRSS:\s+(\d+) kB/g)].map(([, size]) => Number(size) / 1024);
    return Math.max(...sizes);
}

/** Many clients at once, paced to stay below the limit of one address. */
async function load(token: string): Promise<void> {
    const paths = ["/containers", "/status", "/ready", "/containers/files-mcp", "/health"];
    let next = 0;
    const begun = performance.now();
    await Promise.all(
        Array.from({ length: CLIENTS }, async () => {
            for (let index = next++; index < REQUESTS; index = next++) {
                const due = begun + (index / PER_SECOND) * 1000;
                const wait = due - performance.now();
                if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
                await answered(base + (paths[index % paths.length] ?? ""), token).catch(
                    (error: unknown) => {
                        // Not ready is an answer.
                        if (!String(error).includes("/ready: HTTP 503")) throw error;
                    },
                );
            }
        }),
    );
}

async function main(): Promise<void> {
    const [read, operate] = [
        await managerToken(project, "read"),
        await managerToken(project, "operate"),
    ];
    const { containers } = JSON.parse(await answered(`${base}/containers`, read)) as {
        containers: { component: string }[];
    };
    const there = containers.filter(({ component }) => component === "server").length;
    const more = Math.max(0, Number(values.servers) - there);
    const made: number[] = [];
    try {
        for (let index = 0; index < more; index += 1) {
            process.stderr.write(`making server ${String(there + index + 1)}\r`);
            made.push(index);
            await answered(`${base}/containers?wait=0`, operate, {
                method: "POST",
                body: manifest(index),
            });
        }
        process.stderr.write("waiting for the servers to be quiet...\n");
        await new Promise((resolve) => setTimeout(resolve, 30_000));
        const daemon = await plainDaemon();
        const [list, plain] = await inTurn(
            () => answered(`${base}/containers`, read),
            () => daemon.listContainers({ all: true }),
        );
        const metricsUrl = `http://${settings.bindAddress}:${String(hostPort(PORTS.metrics.host, settings.portOffset))}/metrics`;
        const [metrics] = await inTurn(
            () => answered(metricsUrl, read),
            () => Promise.resolve(),
        );
        const before = await resident();
        process.stderr.write(`${String(REQUESTS)} requests of ${String(CLIENTS)} clients...\n`);
        await load(read);
        const once = await resident();
        await load(read);
        const twice = await resident();
        const row = (what: string, value: string): void => {
            process.stdout.write(`| ${what} | ${value} |\n`);
        };
        const ms = (value: number): string => `${value.toFixed(1)} ms`;
        row("servers", String(there + more));
        for (const share of [0.5, 0.99]) {
            const [ours, floor] = [percentile(list, share), percentile(plain, share)];
            const ratio = (ours / floor).toFixed(2);
            row(
                `GET /containers, p${String(share * 100)}, against one plain list call`,
                `${ms(ours)} / ${ms(floor)} = ${ratio}`,
            );
        }
        row(
            "GET /metrics, p50 and p99",
            `${ms(percentile(metrics, 0.5))}, ${ms(percentile(metrics, 0.99))}`,
        );
        row(
            `resident: before, after ${String(REQUESTS)} requests, after as many again`,
            [before, once, twice].map((size) => `${size.toFixed(0)} MiB`).join(", "),
        );
    } finally {
        for (const index of made) {
            const url = `${base}/containers/bench-${String(index)}`;
            await answered(url, operate, { method: "DELETE" }).catch((error: unknown) => {
                process.stderr.write(`${String(error)}\n`);
            });
        }
    }
}

void main();
