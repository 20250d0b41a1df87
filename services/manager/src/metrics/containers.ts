/** Metrics of the containers, one series each. */
import type { Registry } from "prom-client";

import type { ContainerView, Health } from "../model.ts";
import { counter, gauge, type Series } from "./series.ts";

const STATES = ["created", "running", "paused", "restarting", "removing", "exited", "dead"];
const HEALTHS: readonly Health[] = ["healthy", "unhealthy", "starting", "none"];

/** Registers them; `containers` is asked at every scrape. */
export function registerContainers(
    registry: Registry,
    containers: () => readonly ContainerView[],
): void {
    const labels = ["server"];
    const each =
        (value: (container: ContainerView) => number | undefined) => (): Iterable<Series> =>
            containers().map((view) => ({ labels: { server: view.name }, value: value(view) }));
    const servers = () => containers().filter(({ component }) => component === "server");
    const eachServer =
        (value: (container: ContainerView) => number | undefined) => (): Iterable<Series> =>
            servers().map((view) => ({ labels: { server: view.name }, value: value(view) }));

    gauge(registry, {
        name: "mcp_server_up",
        help: "Whether the server answered the last tools/list, 1 or 0; 0 too while it was not asked yet.",
        labels,
        series: eachServer(({ mcp }) => (mcp?.up ? 1 : 0)),
    });
    gauge(registry, {
        name: "mcp_server_tools",
        help: "Tools in the server's last answer.",
        labels,
        series: eachServer(({ mcp }) => (mcp?.up ? mcp.tools.length : undefined)),
    });
    gauge(registry, {
        name: "mcp_server_probe_duration_seconds",
        help: "Time the last tools/list took, answered or not.",
        labels,
        series: eachServer(({ mcp }) => mcp && mcp.milliseconds / 1000),
    });
    gauge(registry, {
        name: "mcp_server_probe_timestamp_seconds",
        help: "When the server was asked last.",
        labels,
        series: eachServer(({ mcp }) => mcp && seconds(mcp.at)),
    });
    gauge(registry, {
        name: "mcp_container_info",
        help: "Always 1; what the container is.",
        labels: ["server", "component", "origin", "image"],
        series: () =>
            containers().map(({ name, component, origin, image }) => ({
                labels: { server: name, component, origin, image },
                value: 1,
            })),
    });
    gauge(registry, {
        name: "mcp_container_state",
        help: "1 for the state Docker gives the container, 0 for the others.",
        labels: ["server", "state"],
        series: () => oneHot(containers(), "state", STATES, ({ state }) => state),
    });
    gauge(registry, {
        name: "mcp_container_health",
        help: "1 for the health Docker gives the container, 0 for the others.",
        labels: ["server", "health"],
        series: () => oneHot(containers(), "health", HEALTHS, ({ health }) => health),
    });
    gauge(registry, {
        name: "mcp_container_start_time_seconds",
        help: "When the container was started last.",
        labels,
        series: each(({ startedAt }) => (startedAt ? seconds(startedAt) : undefined)),
    });
    counter(registry, {
        name: "mcp_container_restarts_total",
        help: "Restarts, by Docker's policy and as seen by this manager.",
        labels,
        series: each(({ restarts }) => restarts),
    });
    counter(registry, {
        name: "mcp_container_oom_kills_total",
        help: "Times the kernel killed a process of the container for its memory.",
        labels,
        series: each(({ oomKills }) => oomKills),
    });
    registerUsage(registry, each);
}

type Each = (value: (container: ContainerView) => number | undefined) => () => Iterable<Series>;

/** A limit of 0 is Docker's word for none, and is left out. */
function registerUsage(registry: Registry, each: Each): void {
    const labels = ["server"];
    const metrics = [
        ["mcp_container_cpu_usage_cores", "Processor used, in cores.", ({ usage }) => usage?.cpus],
        [
            "mcp_container_cpu_limit_cores",
            "Processor allowed, in cores.",
            ({ limits }) => limits.cpus || undefined,
        ],
        [
            "mcp_container_memory_usage_bytes",
            "Memory used, without cache that can be dropped.",
            ({ usage }) => usage?.memoryBytes,
        ],
        [
            "mcp_container_memory_limit_bytes",
            "Memory allowed.",
            ({ limits }) => limits.memoryBytes || undefined,
        ],
        ["mcp_container_pids", "Processes and threads.", ({ usage }) => usage?.pids],
        [
            "mcp_container_pids_limit",
            "Processes and threads allowed.",
            ({ limits }) => limits.pids || undefined,
        ],
    ] satisfies [string, string, (container: ContainerView) => number | undefined][];
    for (const [name, help, value] of metrics) {
        gauge(registry, { name, help, labels, series: each(value) });
    }
}

function* oneHot(
    containers: readonly ContainerView[],
    label: string,
    values: readonly string[],
    of: (container: ContainerView) => string,
): Iterable<Series> {
    for (const container of containers) {
        for (const value of values) {
            const labels = { server: container.name, [label]: value };
            yield { labels, value: of(container) === value ? 1 : 0 };
        }
    }
}

function seconds(time: string): number {
    return Date.parse(time) / 1000;
}
