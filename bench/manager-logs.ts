/**
 * Whether central logs keep up: `npx tsx bench/manager-logs.ts [--stack NAME] [--servers 10] [--rate 2] [--seconds 15]`
 * on a stack that runs. Makes servers through the API, has each write that many MB a second to its output, and counts what
 * arrived. A line that is not there, or there twice, is a failure.
 */
import { parseArgs } from "node:util";

import { PATHS } from "../config/defaults";
import { hostDocker } from "../cli/docker/host";
import { InnerDaemon } from "../cli/docker/inner";
import { ManagerClient } from "../cli/manager/client";
import { openSession } from "../cli/session";

const { values } = parseArgs({
    options: {
        stack: { type: "string", default: "dev" },
        servers: { type: "string", default: "10" },
        rate: { type: "string", default: "2" },
        seconds: { type: "string", default: "15" },
    },
});
const [servers, rate, seconds] = [values.servers, values.rate, values.seconds].map(Number) as [
    number,
    number,
    number,
];
const { project } = openSession({ stack: values.stack });
const inner = new InnerDaemon(hostDocker(), project.context().names.orchestrator);

const LINE = 200;
const FIRST_PORT = 21_000;
const lines = Math.round((rate * 1_000_000 * seconds) / LINE);

const manifest = (index: number): object => ({
    apiVersion: "mcp/v1",
    kind: "MCPContainer",
    metadata: { name: `bench-log-${String(index)}` },
    spec: {
        build: "bridge",
        command: [
            "node",
            "/opt/servers/filesystem/node_modules/@modelcontextprotocol/server-filesystem/dist/index.js",
            "/tmp",
        ],
        port: FIRST_PORT + index,
        health: { interval: "30s" },
        resources: { cpus: 1 },
    },
});

/** Numbered lines of equal length at an even pace, written to the output of the container's first process. */
const WRITER = `
const { writeSync, openSync } = require("node:fs");
const out = openSync("/proc/1/fd/1", "w");
const [lines, seconds, word] = [${String(lines)}, ${String(seconds)}, process.argv[1]];
const fill = "x".repeat(${String(LINE)} - word.length - 12);
const begun = Date.now();
let next = 1;
const step = () => {
    const due = Math.min(lines, Math.floor((lines * (Date.now() - begun)) / (seconds * 1000)));
    let text = "";
    for (; next <= due; next += 1) text += word + " " + String(next).padStart(9, "0") + " " + fill + "\\n";
    if (text !== "") writeSync(out, text);
    if (next <= lines) setTimeout(step, 10);
};
step();`;

async function main(): Promise<void> {
    const manager = await ManagerClient.open(project, "operate");
    const names = Array.from({ length: servers }, (_, index) => `bench-log-${String(index)}`);
    const word = `w${String(process.pid)}`;
    try {
        for (const index of names.keys()) {
            await manager.ask("POST", "/containers?wait=60", manifest(index), 90_000);
        }
        const begun = performance.now();
        const writer = ["exec", "NAME", "node", "-e", WRITER, word];
        await Promise.all(
            names.map((name) =>
                inner.run(
                    writer.map((part) => (part === "NAME" ? name : part)),
                    (seconds * 4 + 60) * 1000,
                ),
            ),
        );
        const wrote = (performance.now() - begun) / 1000;
        const count = async (name: string): Promise<{ all: number; unique: number }> => {
            const script =
                `cat ${PATHS.logs}/${name}.jsonl ${PATHS.logs}/${name}@*.jsonl 2>/dev/null | ` +
                `grep -o '"${word} [0-9]*' | tee /tmp/found | wc -l; sort -u /tmp/found | wc -l; rm /tmp/found`;
            const { stdout } = await inner.exec(["sh", "-c", script], 60_000);
            const [all = 0, unique = 0] = stdout.trim().split("\n").map(Number);
            return { all, unique };
        };
        const deadline = Date.now() + 60_000;
        let found: { all: number; unique: number }[] = [];
        do {
            await new Promise((resolve) => setTimeout(resolve, 1000));
            found = [];
            for (const name of names) found.push(await count(name));
        } while (found.some(({ all }) => all < lines) && Date.now() < deadline);
        const all = found.reduce((sum, one) => sum + one.all, 0);
        const unique = found.reduce((sum, one) => sum + one.unique, 0);
        const wanted = lines * servers;
        const mbs = ((wanted * LINE) / 1_000_000 / wrote).toFixed(1);
        process.stdout.write(
            `| ${String(servers)} servers | ${mbs} MB/s over ${wrote.toFixed(1)} s | ` +
                `${String(wanted)} lines written, ${String(unique)} there, ${String(all - unique)} twice |\n`,
        );
        if (unique !== wanted || all !== unique) process.exitCode = 1;
    } finally {
        for (const name of names) {
            await manager.ask("DELETE", `/containers/${name}`).catch((error: unknown) => {
                process.stderr.write(`${String(error)}\n`);
            });
        }
    }
}

void main();
