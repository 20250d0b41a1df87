import type { AddressPlan } from "./addresses";
import type { HealthCheck } from "./container";
import {
    INNER_NETWORKS,
    INNER_RUNTIME,
    LABELS,
    MANAGED_BY,
    POSTGRES_HOST,
    SERVER_USER,
} from "./defaults";
import { planEgress, type EgressPlan } from "./egress/plan";
import { EGRESS_HOST } from "./egress/target";
import { ownerLabels } from "./labels";
import type { ServerManifest } from "./manifest-normalise";
import type { Names } from "./names";
import { healthTest } from "./server-health";
import type { StackSettings } from "./settings";

/** What of a stack decides how its servers' containers look. */
export interface ServerStack {
    readonly settings: Pick<StackSettings, "stack" | "bindAddress" | "postgres">;
    readonly names: Names;
    readonly addresses: AddressPlan;
}

/**
 * The container of one MCP server, in plain data: everything but the image and the values of secrets. The component
 * hands it to the docker provider, the manager's API to the inner daemon, so that the bar is written once.
 */
export interface ServerContainer {
    readonly containerName: string;
    /** Undefined: the image's own. */
    readonly command: readonly string[] | undefined;
    readonly environment: Readonly<Record<string, string>>;
    /** uid:gid. */
    readonly user: string;
    readonly hostname: string;
    readonly readOnly: true;
    readonly init: true;
    /** OCI runtime, which bounds the number of processes by MCP_PIDS_LIMIT. */
    readonly runtime: string;
    readonly memoryMb: number;
    readonly cpus: number;
    readonly stopGraceSeconds: number;
    readonly tmpfs: Readonly<Record<string, string>>;
    /** Inner networks: the servers', and the one with its companion when it has one. */
    readonly networks: readonly string[];
    readonly dns: readonly string[];
    /** `source` is the name a manifest knows the volume by. */
    readonly volumes: readonly {
        readonly source: string;
        readonly containerPath: string;
        readonly readOnly: boolean;
    }[];
    readonly labels: Readonly<Record<string, string>>;
    readonly health: HealthCheck;
}

/** Options of the tmpfs on /tmp, the one place an inner container can write to besides its volumes. */
export const TMP_OPTIONS = "rw,nosuid,nodev,noexec,size=64m,mode=1777";

/**
 * Describes the container of a server. The same manifest and stack give the same container.
 *
 * @param by who makes it: this program, or the manager's API
 */
export function serverContainer(
    stack: ServerStack,
    manifest: ServerManifest,
    by: (typeof MANAGED_BY)[keyof typeof MANAGED_BY] = MANAGED_BY.program,
): ServerContainer {
    const { settings, names } = stack;
    const { transport, resources, health, egress } = manifest;
    return {
        containerName: names.server(manifest.name),
        command: manifest.command.length > 0 ? manifest.command : undefined,
        environment: {
            ...(egress.length > 0 ? egressOf(stack, manifest).serverEnvironment : {}),
            ...manifest.environment,
            MCP_PORT: String(transport.containerPort),
            MCP_PATH: transport.path,
            MCP_ALLOWED_HOSTS: allowedHosts(stack, manifest.name).join(","),
            MCP_PIDS_LIMIT: String(resources.pids),
        },
        user: SERVER_USER,
        hostname: manifest.name,
        readOnly: true,
        init: true,
        runtime: INNER_RUNTIME,
        memoryMb: resources.memoryMb,
        cpus: resources.cpus,
        stopGraceSeconds: manifest.stopGraceSeconds,
        tmpfs: { "/tmp": TMP_OPTIONS },
        networks: [
            INNER_NETWORKS.closed,
            ...(egress.length > 0 ? [names.link(manifest.name)] : []),
        ],
        // Docker knows the containers' own names itself; all else it would ask of the host's name server.
        dns: ["127.0.0.1"],
        volumes: manifest.volumes.map(({ source, path, readOnly }) => ({
            source,
            containerPath: path,
            readOnly,
        })),
        labels: {
            ...manifest.labels,
            ...serverLabels(settings.stack, manifest.name, by),
            [LABELS.manifestFile]: manifest.file,
            [LABELS.manifestHash]: manifest.hash,
            [LABELS.transport]: transport.type,
            [LABELS.path]: transport.path,
            [LABELS.port]: String(manifest.port),
            [LABELS.egress]: egress.join(" ") || "none",
        },
        health: {
            test: health.test ? ["CMD", ...health.test] : healthTest(manifest),
            intervalSeconds: health.intervalSeconds,
            timeoutSeconds: health.timeoutSeconds,
            startPeriodSeconds: health.startPeriodSeconds,
            startIntervalSeconds: 1,
            retries: health.retries,
        },
    };
}

/** Labels of whatever belongs to a server, its secrets included. */
export function serverLabels(
    stack: string,
    server: string,
    by: (typeof MANAGED_BY)[keyof typeof MANAGED_BY] = MANAGED_BY.program,
): Record<string, string> {
    return { ...ownerLabels(stack, "server", by), [LABELS.server]: server };
}

/** The egress of a server that declares any: its companion is known to it by names, and knows the managed database. */
export function egressOf(
    { settings, addresses }: ServerStack,
    { egress }: Pick<ServerManifest, "egress">,
): EgressPlan {
    const managed = settings.postgres.mode === "managed";
    return planEgress(egress, {
        companion: EGRESS_HOST,
        hosts: managed ? { [POSTGRES_HOST]: addresses.internal.postgres } : {},
    });
}

/** Host names and addresses a request may name: everything else is refused against DNS rebinding. */
function allowedHosts({ settings, names, addresses }: ServerStack, server: string): string[] {
    const found = [`${names.service(server)}.service.consul`, names.orchestrator, server];
    const hosts = ["localhost", "127.0.0.1", settings.bindAddress, ...found];
    return [
        ...new Set([...hosts, addresses.main.orchestrator, addresses.internal.orchestrator]),
    ].sort();
}
