/** Metrics of the inner daemon, its disks and certificates, and of the manager's own view of them. */
import type { Registry } from "prom-client";

import type { Snapshot } from "../model.ts";
import { gauge } from "./series.ts";

/** Registers them; `snapshot` is asked at every scrape. */
export function registerOrchestrator(registry: Registry, snapshot: () => Snapshot): void {
    gauge(registry, {
        name: "mcp_daemon_reachable",
        help: "Whether the inner Docker daemon answers, 1 or 0.",
        labels: [],
        series: () => [{ labels: {}, value: snapshot().daemon.reachable ? 1 : 0 }],
    });
    gauge(registry, {
        name: "mcp_daemon_info",
        help: "Always 1; the inner daemon's version.",
        labels: ["version"],
        series: () => {
            const { daemon } = snapshot();
            return daemon.reachable ? [{ labels: { version: daemon.version }, value: 1 }] : [];
        },
    });
    gauge(registry, {
        name: "mcp_manager_snapshot_age_seconds",
        help: "How old the state is that everything here is read from.",
        labels: [],
        series: () => [{ labels: {}, value: (Date.now() - Date.parse(snapshot().at)) / 1000 }],
    });
    gauge(registry, {
        name: "mcp_disk_used_bytes",
        help: "Bytes in use on the file system of a volume.",
        labels: ["volume"],
        series: () =>
            snapshot().disks.map(({ name, usedBytes }) => ({
                labels: { volume: name },
                value: usedBytes,
            })),
    });
    gauge(registry, {
        name: "mcp_disk_size_bytes",
        help: "Size of the file system of a volume.",
        labels: ["volume"],
        series: () =>
            snapshot().disks.map(({ name, totalBytes }) => ({
                labels: { volume: name },
                value: totalBytes,
            })),
    });
    gauge(registry, {
        name: "mcp_certificate_expiry_timestamp_seconds",
        help: "When a certificate ends.",
        labels: ["certificate"],
        series: () =>
            snapshot().certificates.map(({ name, expiresAt }) => ({
                labels: { certificate: name },
                value: Date.parse(expiresAt) / 1000,
            })),
    });
}
