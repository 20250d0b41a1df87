/** The Prometheus metrics. */
import { readFile } from "node:fs/promises";

import { Counter, Gauge, Histogram, Registry } from "prom-client";

import { OUTCOMES, type Outcome } from "./calls.ts";
import type { Route } from "./guard.ts";
import type { Health } from "./health.ts";

/** Linux page size on every platform the image is built for. */
const PAGE_BYTES = 4096;

/** Values that are read when somebody asks. */
export interface Sources {
    sessions(): number;
    pendingCalls(): number;
    childPid(): number | undefined;
}

/** What happens in the bridge, counted. */
export class Metrics {
    readonly #registry = new Registry();
    readonly #requests: Counter<"route" | "code">;
    readonly #toolCalls: Counter<"outcome">;
    readonly #toolSeconds: Histogram;
    readonly #healthChecks: Counter<"status">;

    constructor(sources: Sources) {
        const registers = [this.#registry];
        this.#requests = new Counter({
            name: "mcp_bridge_http_requests_total",
            help: "HTTP requests by route and status code; code 0 = the client left before an answer",
            labelNames: ["route", "code"],
            registers,
        });
        this.#toolCalls = new Counter({
            name: "mcp_bridge_tool_calls_total",
            help: "Tool calls forwarded to the MCP server, by outcome",
            labelNames: ["outcome"],
            registers,
        });
        for (const outcome of OUTCOMES) this.#toolCalls.inc({ outcome }, 0);
        this.#toolSeconds = new Histogram({
            name: "mcp_bridge_tool_call_seconds",
            help: "Time from forwarding a tool call to its end",
            buckets: [0.005, 0.025, 0.1, 0.5, 1, 5, 15, 60],
            registers,
        });
        this.#healthChecks = new Counter({
            name: "mcp_bridge_health_checks_total",
            help: "Real health checks of the MCP server, by result",
            labelNames: ["status"],
            registers,
        });
        this.#gauges(sources);
    }

    request(route: Route, code: number): void {
        this.#requests.inc({ route, code });
    }

    toolCall(outcome: Outcome, seconds: number): void {
        this.#toolCalls.inc({ outcome });
        this.#toolSeconds.observe(seconds);
    }

    healthCheck(health: Health): void {
        this.#healthChecks.inc({ status: health.status });
    }

    get contentType(): string {
        return this.#registry.contentType;
    }

    text(): Promise<string> {
        return this.#registry.metrics();
    }

    #gauges(sources: Sources): void {
        this.#gauge("mcp_bridge_sessions", "Open sessions (2025 revisions)", () =>
            sources.sessions(),
        );
        this.#gauge(
            "mcp_bridge_pending_calls",
            "Requests the MCP server has not answered yet",
            () => sources.pendingCalls(),
        );
        this.#gauge("mcp_bridge_child_resident_bytes", "Resident memory of the MCP server", () =>
            residentBytes(sources.childPid()),
        );
        this.#gauge("process_resident_memory_bytes", "Resident memory of the bridge", () =>
            process.memoryUsage.rss(),
        );
        this.#gauge(
            "mcp_bridge_event_loop_lag_seconds",
            "How late the event loop is, at the time of asking",
            async () => {
                const before = performance.now();
                await new Promise((resolve) => setImmediate(resolve));
                return (performance.now() - before) / 1000;
            },
        );
    }

    #gauge(name: string, help: string, read: () => number | Promise<number>): void {
        new Gauge({
            name,
            help,
            registers: [this.#registry],
            async collect() {
                this.set(await read());
            },
        });
    }
}

/** Resident memory of a process from procfs, or 0 when it cannot be read. */
async function residentBytes(pid: number | undefined): Promise<number> {
    if (pid === undefined) return 0;
    try {
        const [, pages] = (await readFile(`/proc/${pid}/statm`, "utf8")).split(" ");
        return Number(pages ?? 0) * PAGE_BYTES;
    } catch {
        return 0;
    }
}
