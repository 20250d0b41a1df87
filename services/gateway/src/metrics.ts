/** The Prometheus metrics. */
import { Counter, Gauge, Histogram, Registry } from "prom-client";

import type { Reason } from "./refusal.ts";

/** Numbers read when somebody asks. */
export interface Sources {
    /** Open sessions by server. */
    readonly sessions: () => ReadonlyMap<string, number>;
    /** HTTP exchanges under way. */
    readonly exchanges: () => number;
}

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** Counts what happens. Labels hold names from the configuration or of known tools only. */
export class Metrics {
    readonly #registry = new Registry();
    readonly #calls = this.#counter("mcp_gateway_calls_total", "Calls by how they ended", [
        "client",
        "server",
        "tool",
        "outcome",
    ]);
    readonly #seconds = new Histogram({
        name: "mcp_gateway_call_seconds",
        help: "Duration of calls that a server answered",
        labelNames: ["server", "tool"],
        buckets: SECONDS,
        registers: [this.#registry],
    });
    readonly #requests = this.#counter("mcp_gateway_requests_total", "HTTP requests", [
        "route",
        "status",
    ]);
    readonly #refusals = this.#counter("mcp_gateway_refusals_total", "Refused requests", [
        "client",
        "reason",
    ]);
    readonly #reloads = this.#counter("mcp_gateway_config_reloads_total", "Readings of the file", [
        "outcome",
    ]);
    readonly #up = this.#gauge("mcp_gateway_server_up", "1: the server listed its tools", [
        "server",
    ]);
    readonly #tools = this.#gauge("mcp_gateway_server_tools", "Tools the server has", ["server"]);
    readonly #changed = this.#gauge(
        "mcp_gateway_tools_changed",
        "1: the tools differ from the recorded hash",
        ["server"],
    );
    readonly #mismatches = this.#counter(
        "mcp_gateway_tool_mismatches_total",
        "Tools in an answer to a client that differ from the recorded ones",
        ["server"],
    );

    constructor(sources: Sources) {
        this.#read("mcp_gateway_exchanges", "HTTP exchanges under way", sources.exchanges);
        this.#read("process_resident_memory_bytes", "Resident memory of the gateway", () =>
            process.memoryUsage.rss(),
        );
        this.#read(
            "mcp_gateway_event_loop_lag_seconds",
            "How late the event loop is, at the time of asking",
            async () => {
                const before = performance.now();
                await new Promise((resolve) => setImmediate(resolve));
                return (performance.now() - before) / 1000;
            },
        );
        const { sessions } = sources;
        new Gauge({
            name: "mcp_gateway_sessions",
            help: "Open sessions (2025 revisions)",
            labelNames: ["server"],
            registers: [this.#registry],
            collect() {
                this.reset();
                for (const [server, count] of sessions()) this.set({ server }, count);
            },
        });
    }

    get contentType(): string {
        return this.#registry.contentType;
    }

    text(): Promise<string> {
        return this.#registry.metrics();
    }

    /** @param seconds undefined when no server was asked */
    call(
        labels: { client: string; server: string; tool: string; outcome: string },
        seconds: number | undefined,
    ): void {
        this.#calls.inc(labels);
        const { server, tool } = labels;
        if (seconds !== undefined) this.#seconds.observe({ server, tool }, seconds);
    }

    request(route: string, status: number): void {
        this.#requests.inc({ route, status: String(status) });
    }

    /** @param client empty when it was not identified */
    refused(client: string, reason: Reason): void {
        this.#refusals.inc({ client, reason });
    }

    reload(outcome: "ok" | "invalid"): void {
        this.#reloads.inc({ outcome });
    }

    /** @param tools undefined when the server did not answer */
    server(server: string, tools: number | undefined): void {
        this.#up.set({ server }, tools === undefined ? 0 : 1);
        if (tools !== undefined) this.#tools.set({ server }, tools);
    }

    toolsChanged(server: string, changed: boolean): void {
        this.#changed.set({ server }, changed ? 1 : 0);
    }

    toolMismatch(server: string): void {
        this.#mismatches.inc({ server });
    }

    /** A server that is no longer configured. */
    forget(server: string): void {
        for (const gauge of [this.#up, this.#tools, this.#changed]) gauge.remove({ server });
    }

    #counter(name: string, help: string, labelNames: string[]): Counter {
        return new Counter({ name, help, labelNames, registers: [this.#registry] });
    }

    #gauge(name: string, help: string, labelNames: string[]): Gauge {
        return new Gauge({ name, help, labelNames, registers: [this.#registry] });
    }

    #read(name: string, help: string, read: () => number | Promise<number>): void {
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
