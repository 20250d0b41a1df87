/** From what Docker says of a container to what the API shows of it. */
import type { ContainerInspectInfo } from "dockerode";

import { INNER_NETWORKS, LABELS, PORTS } from "../../../../config/defaults.ts";
import type { ContainerView, Health } from "../model.ts";
import { originOf } from "./labels.ts";

/** What an inspection gives. */
export interface Inspected {
    /** The parts of the view. */
    readonly shown: Omit<ContainerView, "restarts" | "oomKills" | "usage" | "mcp">;
    /** Restarts by Docker's own policy since the container was started by hand. */
    readonly restartCount: number;
    readonly oomKilled: boolean;
    /** Where its MCP endpoint is on the inner network; undefined when it has none, or does not run. */
    readonly endpoint: Endpoint | undefined;
}

export interface Endpoint {
    readonly address: string;
    readonly port: number;
    readonly path: string;
    /** Host header that the server accepts: its own name. */
    readonly host: string;
}

const LONGEST_HEALTH_OUTPUT = 4_096;
/** Docker's time for "never". */
const NEVER = "0001-01-01T00:00:00Z";
const NANO = 1_000_000_000;

type Nullable<T> = { readonly [K in keyof T]: T[K] | null };

/** Reads an inspection. */
export function inspectedOf(info: ContainerInspectInfo): Inspected {
    // Docker writes null for what is empty, whatever the types say.
    const { Labels, Env } = info.Config as Nullable<ContainerInspectInfo["Config"]>;
    const { Networks } = info.NetworkSettings as Nullable<ContainerInspectInfo["NetworkSettings"]>;
    const labels = Labels ?? {};
    const { State: state, HostConfig: host } = info;
    const name = info.Name.replace(/^\//, "");
    const environment = new Map((Env ?? []).map((line) => splitOnce(line, "=")));
    const server = labels[LABELS.component] === "server";
    const served = Number(labels[LABELS.port]) || undefined;
    const path = server ? (labels[LABELS.path] ?? "/mcp") : undefined;
    // The servers' network, which the manager is on; a server's other one it shares with its companion alone.
    const address = Networks?.[INNER_NETWORKS.closed]?.IPAddress || undefined;
    const listening = state.Running && address !== undefined && path !== undefined;
    return {
        shown: {
            name,
            origin: originOf(labels),
            component: labels[LABELS.component] ?? "none",
            manifestFile:
                originOf(labels) === "manifest"
                    ? (labels[LABELS.manifestFile] ?? undefined)
                    : undefined,
            manifestHash: labels[LABELS.manifestHash],
            id: info.Id,
            image: info.Image,
            state: state.Status,
            health: healthOf(state.Health?.Status),
            healthOutput: state.Health?.Log?.at(-1)?.Output?.slice(0, LONGEST_HEALTH_OUTPUT),
            startedAt: state.StartedAt === NEVER ? undefined : state.StartedAt,
            exitCode: state.Running || state.StartedAt === NEVER ? undefined : state.ExitCode,
            port: served ?? publishedPort(host.PortBindings as PortBindings),
            path,
            egress: (labels[LABELS.egress] ?? "none").split(" ").filter((item) => item !== "none"),
            limits: {
                memoryBytes: host.Memory ?? 0,
                cpus: cpusOf(host),
                pids: Number(environment.get("MCP_PIDS_LIMIT") ?? host.PidsLimit ?? 0),
            },
        },
        restartCount: info.RestartCount,
        oomKilled: state.OOMKilled,
        endpoint: listening
            ? { address, port: Number(environment.get("MCP_PORT") ?? PORTS.mcp), path, host: name }
            : undefined,
    };
}

type PortBindings = Readonly<Record<string, readonly { HostPort?: string }[] | null>> | undefined;

/** The first published TCP port. */
function publishedPort(bindings: PortBindings): number | undefined {
    const ports = Object.values(bindings ?? {}).map((outside) => Number(outside?.[0]?.HostPort));
    return ports.find((port) => port > 0);
}

function cpusOf(host: ContainerInspectInfo["HostConfig"]): number {
    if (host.NanoCpus) return host.NanoCpus / NANO;
    return host.CpuPeriod && host.CpuQuota ? host.CpuQuota / host.CpuPeriod : 0;
}

function healthOf(status: string | undefined): Health {
    if (status === "healthy" || status === "unhealthy" || status === "starting") return status;
    return "none";
}

function splitOnce(line: string, by: string): [string, string] {
    const at = line.indexOf(by);
    return at < 0 ? [line, ""] : [line.slice(0, at), line.slice(at + 1)];
}
