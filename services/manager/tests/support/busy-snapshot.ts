/** A fleet of which everything is known, and logs of it, so that every metric has a series. */
import type { LogStats } from "../../src/logs/index.ts";
import type { ContainerView } from "../../src/model.ts";
import { server, StillFleet } from "./still-fleet.ts";

/** A server with use and an answer of so many tools. */
export function busyServer(name: string, tools: number): ContainerView {
    const at = "2026-11-27T12:00:05Z";
    return server(name, {
        restarts: 2,
        oomKills: 1,
        usage: { memoryBytes: 100_000_000, cpus: 0.25, pids: 12, at },
        mcp: {
            up: true,
            tools: Array.from({ length: tools }, (_, index) => ({
                name: `tool-${index}`,
                description: undefined,
            })),
            milliseconds: 80,
            reason: undefined,
            at,
        },
    });
}

export function busyFleet(servers: number): StillFleet {
    const containers = Array.from({ length: servers }, (_, index) => busyServer(`s${index}`, 20));
    const manager = server("mcp-manager", { component: "manager", origin: "system" });
    return new StillFleet([...containers, manager], {
        disks: [{ name: "mcp-logs", usedBytes: 1_000, totalBytes: 4_000 }],
        certificates: [{ name: "client", expiresAt: "2027-11-27T12:00:00Z" }],
    });
}

export function busyLogs(fleet: StillFleet): LogStats {
    const counts = { lines: 10, bytes: 1_000, truncated: 1, gaps: 2, failures: 3 };
    return {
        containers: new Map(fleet.snapshot.containers.map(({ name }) => [name, counts])),
        following: fleet.snapshot.containers.length,
        writeFailing: false,
        storedBytes: 5_000,
    };
}
