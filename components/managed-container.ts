import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";

import { goDuration, type HealthCheck, type PublishedPort, type Upload } from "./container-types";

/** What a container of this program may say. Everything else is decided here, once, for all of them. */
export interface ManagedContainerArgs {
    /** Physical name. Plain: it decides identity. */
    readonly containerName: string;
    /** Image by content id (`sha256:…`) or digest (`name@sha256:…`). */
    readonly image: pulumi.Input<string>;
    /** Memory limit in MiB; swap is off (memory-swap equals memory). */
    readonly memoryMb: number;
    /** CPU limit in cores. Set as a quota, which a machine with fewer cores accepts as well. */
    readonly cpus: number;
    /** Seconds between the stop signal and the kill, at destroy and at replacement. */
    readonly stopGraceSeconds: number;
    /**
     * Most processes and threads of the container's user, counted by the kernel over all that run as this user on the
     * machine. @default no limit
     */
    readonly processes?: number;
    /** Health check; `up` waits until it passes. */
    readonly health: HealthCheck;
    /** Labels besides those of the stack. */
    readonly labels: Readonly<Record<string, string>>;
    readonly command?: readonly string[];
    readonly entrypoint?: readonly string[];
    /** Environment, without secrets: those go into `uploads`. */
    readonly environment?: Readonly<Record<string, string>>;
    /** uid:gid. @default the image's user */
    readonly user?: string;
    readonly hostname?: string;
    readonly privileged?: boolean;
    /** Read-only root file system. @default false */
    readonly readOnly?: boolean;
    /** Drop every capability and forbid new privileges. @default true, unless privileged */
    readonly confined?: boolean;
    /** Run a small init as process 1. @default false */
    readonly init?: boolean;
    /** OCI runtime of the daemon. @default the daemon's */
    readonly runtime?: string;
    /** tmpfs mounts: path to options. */
    readonly tmpfs?: Readonly<Record<string, string>>;
    readonly ports?: readonly PublishedPort[];
    readonly networks: readonly {
        readonly name: pulumi.Input<string>;
        readonly ipv4Address?: string;
        /** Names it has there besides its own. */
        readonly aliases?: readonly string[];
    }[];
    readonly hosts?: Readonly<Record<string, string>>;
    /** Name servers. @default the daemon's */
    readonly dns?: readonly string[];
    readonly volumes?: readonly {
        readonly volumeName: pulumi.Input<string>;
        readonly containerPath: string;
        readonly readOnly?: boolean;
    }[];
    /** Files put into the container before it starts; contents are kept as secrets. */
    readonly uploads?: readonly Upload[];
    /** Seconds `up` waits for health. @default 180 */
    readonly waitSeconds?: number;
}

/**
 * Properties the docker provider takes as an "update" that reaches the state and never the container (measured:
 * docs/decisions/0002), and the engine's mark for a create that did not finish: all replace the container instead.
 */
const REPLACE_ON = [
    "healthcheck",
    "tmpfs",
    "init",
    "cpuPeriod",
    "cpuQuota",
    "runtime",
    "#initerror",
];

/** Period of the CPU quota in microseconds: the kernel's default. */
const CPU_PERIOD = 100_000;

/**
 * The one way this program makes a container. Carries what goes wrong property by property with the docker
 * provider: deletion before replacement, stop grace, memory with swap, sorted ports with an address, log caps,
 * Go durations, explicit replacement of what the provider only pretends to update.
 */
export function managedContainer(
    name: string,
    args: ManagedContainerArgs,
    opts: pulumi.CustomResourceOptions,
): docker.Container {
    const confined = args.confined ?? args.privileged !== true;
    return new docker.Container(
        name,
        {
            name: args.containerName,
            image: args.image,
            command: args.command ? [...args.command] : undefined,
            entrypoints: args.entrypoint ? [...args.entrypoint] : undefined,
            envs: pairs(args.environment).map(([key, value]) => `${key}=${value}`),
            user: args.user,
            hostname: args.hostname,
            privileged: args.privileged,
            readOnly: args.readOnly ?? false,
            init: args.init ?? false,
            runtime: args.runtime,
            capabilities: confined ? { drops: ["ALL"] } : undefined,
            securityOpts: confined ? ["no-new-privileges"] : undefined,
            restart: "unless-stopped",
            memory: args.memoryMb,
            memorySwap: args.memoryMb,
            ulimits:
                args.processes === undefined
                    ? undefined
                    : [{ name: "nproc", soft: args.processes, hard: args.processes }],
            cpuPeriod: CPU_PERIOD,
            cpuQuota: Math.round(args.cpus * CPU_PERIOD),
            tmpfs: args.tmpfs,
            logDriver: "json-file",
            logOpts: { "max-file": "3", "max-size": "10m" },
            ports: sortedPorts(args.ports ?? []),
            networksAdvanced: args.networks.map(({ aliases, ...network }) => ({
                ...network,
                ...(aliases ? { aliases: [...aliases] } : {}),
            })),
            dns: args.dns ? [...args.dns] : undefined,
            hosts: pairs(args.hosts).map(([host, ip]) => ({ host, ip })),
            volumes: (args.volumes ?? []).map((volume) => ({ ...volume })),
            uploads: args.uploads?.length
                ? pulumi.secret(args.uploads.map((file) => ({ ...file })))
                : undefined,
            labels: pairs(args.labels).map(([label, value]) => ({ label, value })),
            healthcheck: {
                tests: [...args.health.test],
                interval: goDuration(args.health.intervalSeconds),
                timeout: goDuration(args.health.timeoutSeconds),
                startPeriod: goDuration(args.health.startPeriodSeconds),
                ...(args.health.startIntervalSeconds === undefined
                    ? {}
                    : { startInterval: goDuration(args.health.startIntervalSeconds) }),
                retries: args.health.retries,
            },
            mustRun: true,
            wait: true,
            waitTimeout: args.waitSeconds ?? 180,
            destroyGraceSeconds: args.stopGraceSeconds,
            stopTimeout: args.stopGraceSeconds,
        },
        pulumi.mergeOptions(
            {
                deleteBeforeReplace: true,
                replaceOnChanges: REPLACE_ON,
                customTimeouts: { create: "10m", update: "10m", delete: "5m" },
            },
            opts,
        ),
    );
}

/** Entries by key, so that the same values give the same inputs. */
function pairs(record: Readonly<Record<string, string>> = {}): [string, string][] {
    return Object.entries(record).sort(([left], [right]) => (left < right ? -1 : 1));
}

/** The provider reads ports back sorted and with an address; anything else is a diff for ever. */
function sortedPorts(ports: readonly PublishedPort[]): docker.types.input.ContainerPort[] {
    return [...ports]
        .sort((left, right) => left.internal - right.internal || left.external - right.external)
        .map((port) => ({ ...port, protocol: "tcp" }));
}
