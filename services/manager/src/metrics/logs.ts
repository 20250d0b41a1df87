/** Metrics of the central logs. */
import type { Registry } from "prom-client";

import type { ContainerLogStats, LogStats } from "../logs/index.ts";
import type { ContainerView } from "../model.ts";
import { counter, gauge, type Series } from "./series.ts";

/** Registers them; `stats` is the live one; only containers that are there have series. */
export function registerLogs(
    registry: Registry,
    stats: LogStats,
    containers: () => readonly ContainerView[],
): void {
    const each = function* (field: keyof ContainerLogStats): Iterable<Series> {
        const counts = stats.containers;
        for (const { name } of containers()) {
            yield { labels: { server: name }, value: counts.get(name)?.[field] };
        }
    };
    const counters = [
        ["mcp_log_lines_total", "Lines written to the central logs.", "lines"],
        ["mcp_log_bytes_total", "Bytes of these lines, as the container wrote them.", "bytes"],
        ["mcp_log_truncated_lines_total", "Lines that were cut at 64 KiB.", "truncated"],
        [
            "mcp_log_gaps_total",
            "Times lines were lost: Docker had rotated them away unread.",
            "gaps",
        ],
        ["mcp_log_read_failures_total", "Times Docker's stream broke or did not open.", "failures"],
    ] as const;
    for (const [name, help, field] of counters) {
        counter(registry, { name, help, labels: ["server"], series: () => each(field) });
    }
    const gauges = [
        [
            "mcp_log_write_failing",
            "1 while the logs cannot be written, else 0.",
            () => Number(stats.writeFailing),
        ],
        ["mcp_log_streams", "Containers whose log is read.", () => stats.following],
        ["mcp_log_stored_bytes", "Bytes of all log files.", () => stats.storedBytes],
    ] satisfies [string, string, () => number][];
    for (const [name, help, value] of gauges) {
        gauge(registry, { name, help, labels: [], series: () => [{ labels: {}, value: value() }] });
    }
}
