/**
 * How much output the central logs take: `node --import tsx bench/logs.ts [MB] [streams] [bytes a line]`, default
 * 400 MB from 10 streams of 120-byte lines. Three processes: a daemon that sends as Docker does, one HTTP chunk a
 * line; the floor, which pipes the same bytes from the sockets to files; the pipeline. Only the last two are measured.
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { createWriteStream, mkdtempSync, rmSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline as pipe } from "node:stream/promises";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import Docker from "dockerode";
import { pino } from "pino";

import { DEFAULT_LIMITS, LogPipeline } from "../src/logs/index.ts";
import { at, entry } from "../tests/support/log-daemon.ts";
import { server, StillFleet } from "../tests/support/still-fleet.ts";

interface Job {
    readonly role: "daemon" | "floor" | "pipeline";
    readonly megabytes: number;
    readonly streams: number;
    readonly lineBytes: number;
    readonly port: number;
    readonly dir: string;
}

interface Result {
    readonly seconds: number;
    readonly cpuSeconds: number;
    readonly residentBytes: number;
    readonly lines: number;
}

const BLOCK_LINES = 1_000;

function blocksPerStream({ megabytes, streams, lineBytes }: Job): number {
    return Math.ceil((megabytes * 1e6) / streams / lineBytes / BLOCK_LINES);
}

/** Serves every container's log as fast as it is taken; raw sockets, so that little of the machine goes to it. */
async function daemon(job: Job): Promise<void> {
    const text = "x".repeat(job.lineBytes - 10);
    const chunks = Array.from({ length: BLOCK_LINES }, (_, index) => {
        const line = `${String(index).padStart(8)} "${text}\n`;
        const { frame } = entry(index % 8 === 0 ? "stderr" : "stdout", at(index), line);
        return Buffer.concat([
            Buffer.from(`${frame.length.toString(16)}\r\n`),
            frame,
            Buffer.from("\r\n"),
        ]);
    });
    const block = Buffer.concat(chunks);
    const inspected = JSON.stringify({ Created: at(0), Config: { Tty: false } });
    const head = "HTTP/1.1 200 OK\r\nConnection: close\r\n";
    const server = createServer((socket) => {
        socket.on("error", () => undefined);
        socket.once("data", (request) => {
            if (!request.toString().includes("/logs?")) {
                socket.end(`${head}Content-Length: ${inspected.length}\r\n\r\n${inspected}`);
                return;
            }
            socket.write(`${head}Transfer-Encoding: chunked\r\n\r\n`);
            let left = blocksPerStream(job);
            const send = (): void => {
                while (left-- > 0) if (!socket.write(block)) return void socket.once("drain", send);
                socket.end("0\r\n\r\n");
            };
            send();
        });
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    process.send?.((server.address() as AddressInfo).port);
}

function dockerOf({ port }: Job): Docker {
    return new Docker({ protocol: "http", host: "127.0.0.1", port });
}

async function floor(job: Job): Promise<number> {
    const copies = Array.from({ length: job.streams }, async (_, index) => {
        const container = dockerOf(job).getContainer(`s${index}`);
        const log = await container.logs({ follow: true, stdout: true, stderr: true });
        await pipe(log, createWriteStream(join(job.dir, `floor-${index}`)));
    });
    await Promise.all(copies);
    return job.streams * blocksPerStream(job) * BLOCK_LINES;
}

async function central(job: Job): Promise<number> {
    const containers = Array.from({ length: job.streams }, (_, index) => {
        return server(`s${index}`, { state: "exited" });
    });
    const logs = new LogPipeline({
        docker: dockerOf(job),
        fleet: new StillFleet(containers),
        dir: job.dir,
        limits: DEFAULT_LIMITS,
        log: pino({ level: "warn" }),
    });
    logs.start();
    do await pause(10);
    while (logs.stats.following > 0);
    await logs.stop();
    return [...logs.stats.containers.values()].reduce((sum, { lines }) => sum + lines, 0);
}

async function measured(work: () => Promise<number>): Promise<void> {
    const begun = performance.now();
    const lines = await work();
    const { user, system } = process.cpuUsage();
    const result: Result = {
        seconds: (performance.now() - begun) / 1_000,
        cpuSeconds: (user + system) / 1e6,
        residentBytes: process.resourceUsage().maxRSS * 1024,
        lines,
    };
    process.send?.(result);
}

async function run<T>(job: Job): Promise<{ answer: T; end: () => void }> {
    const child = fork(fileURLToPath(import.meta.url), [JSON.stringify(job)]);
    const [answer] = (await once(child, "message")) as [T];
    return { answer, end: () => child.kill() };
}

async function compare(megabytes: number, streams: number, lineBytes: number): Promise<void> {
    const dir = mkdtempSync(join(tmpdir(), "mcp-bench-"));
    try {
        const job = { megabytes, streams, lineBytes, port: 0, dir };
        const served = await run<number>({ ...job, role: "daemon" });
        const rates: number[] = [];
        for (const role of ["floor", "pipeline"] as const) {
            const { answer, end } = await run<Result>({ ...job, role, port: served.answer });
            end();
            const bytes = answer.lines * lineBytes;
            const rate = bytes / answer.seconds / 1e6;
            rates.push(rate);
            const cores = (answer.cpuSeconds / bytes) * 20e6;
            process.stdout.write(
                `${role.padEnd(9)} ${rate.toFixed(0).padStart(5)} MB/s  ${answer.lines} lines  ` +
                    `${answer.cpuSeconds.toFixed(1)} s of processor, ` +
                    `${(cores * 100).toFixed(0)} % of a core at 20 MB/s, ` +
                    `${(answer.residentBytes / 2 ** 20).toFixed(0)} MiB\n`,
            );
        }
        const [least = 1, ours = 0] = rates;
        process.stdout.write(`pipeline/floor ${(ours / least).toFixed(2)}\n`);
        served.end();
    } finally {
        rmSync(dir, { recursive: true, force: true });
    }
}

const [first = "400", streams = "10", lineBytes = "120"] = process.argv.slice(2);
if (first.startsWith("{")) {
    const job = JSON.parse(first) as Job;
    if (job.role === "daemon") await daemon(job);
    else await measured(() => (job.role === "floor" ? floor(job) : central(job)));
} else await compare(Number(first), Number(streams), Number(lineBytes));
