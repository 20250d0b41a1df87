/** The registry of the manager's metrics. A scrape reads the last snapshot and never asks the daemon. */
import { collectDefaultMetrics, Counter, Histogram, Registry } from "prom-client";

import type { LogStats } from "../logs/index.ts";
import type { Fleet } from "../model.ts";
import { registerContainers } from "./containers.ts";
import { registerLogs } from "./logs.ts";
import { registerOrchestrator } from "./orchestrator.ts";

/** One answered request of the API. */
export interface ObservedRequest {
    readonly method: string;
    /** The route's pattern, like `/servers/:name`, never the path itself: each new value is a new series. */
    readonly route: string;
    readonly status: number;
    readonly seconds: number;
}

export interface Metrics {
    /** Body of `GET /metrics`, to be sent with `contentType`. */
    text(): Promise<string>;
    readonly contentType: string;
    /** Counts a request that has been answered. */
    observeRequest(request: ObservedRequest): void;
}

/** From a read of the snapshot to a call that restarts a container and waits for its answer. */
const REQUEST_SECONDS = [0.005, 0.025, 0.1, 0.5, 1, 2.5, 5, 10, 30];

/** Gauges of prom-client that end in _total, as only counters may; the same without it, by type, are there too. */
const MISNAMED = ["handles", "requests", "resources"].map((what) => `nodejs_active_${what}_total`);

/** Makes the metrics; `logStats` is read at every scrape, and so has to be the live one. */
export function createMetrics(fleet: Fleet, logStats: LogStats): Metrics {
    const registry = new Registry();
    collectDefaultMetrics({ register: registry });
    for (const name of MISNAMED) registry.removeSingleMetric(name);
    registerContainers(registry, () => fleet.snapshot.containers);
    registerOrchestrator(registry, () => fleet.snapshot);
    registerLogs(registry, logStats, () => fleet.snapshot.containers);
    const requests = new Counter({
        name: "mcp_manager_http_requests_total",
        help: "Requests the API has answered.",
        labelNames: ["method", "route", "status"],
        registers: [registry],
    });
    const durations = new Histogram({
        name: "mcp_manager_http_request_duration_seconds",
        help: "Time from a request of the API to the end of its answer.",
        labelNames: ["method", "route"],
        buckets: REQUEST_SECONDS,
        registers: [registry],
    });
    return {
        text: () => registry.metrics(),
        contentType: registry.contentType,
        observeRequest: ({ method, route, status, seconds }) => {
            requests.inc({ method, route, status });
            durations.observe({ method, route }, seconds);
        },
    };
}
