import type * as docker from "@pulumi/docker";
import type { Unwrap } from "@pulumi/pulumi";
import type Docker from "dockerode";
import { labelMap, refuseUnknown, type Request } from "../run";

/** The inputs of a docker.Container. */
export type ContainerInputs = Unwrap<docker.ContainerArgs>;
/** What the daemon's "create" call takes. */
export type Body = Docker.ContainerCreateOptions & { readonly HostConfig: Docker.HostConfig };

type Put<K extends keyof ContainerInputs> = (
    value: NonNullable<ContainerInputs[K]>,
    body: Body,
    host: Docker.HostConfig,
) => void;

const MIB = 1024 * 1024;

/** Attributes that say what to do around the "create" call; see container.ts. */
const ELSEWHERE: readonly (keyof ContainerInputs)[] = [
    ...(["attach", "containerReadRefreshTimeoutMilliseconds", "destroyGraceSeconds"] as const),
    ...(["logs", "mustRun", "name", "networksAdvanced", "removeVolumes", "start"] as const),
    ...(["uploads", "wait", "waitTimeout"] as const),
];

/** How each attribute appears in the "create" call. */
const PUT: { readonly [K in keyof ContainerInputs]?: Put<K> } = {
    image: (v, b) => (b.Image = v),
    command: (v, b) => (b.Cmd = v),
    entrypoints: (v, b) => (b.Entrypoint = v),
    envs: (v, b) => (b.Env = v),
    user: (v, b) => (b.User = v),
    hostname: (v, b) => (b.Hostname = v),
    domainname: (v, b) => (b.Domainname = v),
    workingDir: (v, b) => (b.WorkingDir = v),
    labels: (v, b) => (b.Labels = labelMap(v)),
    stopSignal: (v, b) => (b.StopSignal = v),
    stopTimeout: (v, b) => (b.StopTimeout = v),
    stdinOpen: (v, b) => (b.OpenStdin = v),
    tty: (v, b) => (b.Tty = v),
    healthcheck: (v, b) => (b.Healthcheck = health(v)),
    ports: putPorts,
    volumes: putVolumes,
    privileged: (v, _, h) => (h.Privileged = v),
    readOnly: (v, _, h) => (h.ReadonlyRootfs = v),
    init: (v, _, h) => (h.Init = v),
    rm: (v, _, h) => (h.AutoRemove = v),
    publishAllPorts: (v, _, h) => (h.PublishAllPorts = v),
    restart: (v, _, h) => (h.RestartPolicy = { ...h.RestartPolicy, Name: v }),
    maxRetryCount: (v, _, h) =>
        (h.RestartPolicy = { Name: "no", ...h.RestartPolicy, MaximumRetryCount: v }),
    memory: (v, _, h) => (h.Memory = v * MIB),
    memorySwap: (v, _, h) => (h.MemorySwap = v > 0 ? v * MIB : v),
    memoryReservation: (v, _, h) => (h.MemoryReservation = v * MIB),
    shmSize: (v, _, h) => (h.ShmSize = v * MIB),
    cpus: (v, _, h) => (h.NanoCpus = nanoCpus(v)),
    cpuPeriod: (v, _, h) => (h.CpuPeriod = v),
    cpuQuota: (v, _, h) => (h.CpuQuota = v),
    cpuShares: (v, _, h) => (h.CpuShares = v),
    cpuSet: (v, _, h) => (h.CpusetCpus = v),
    cgroupParent: (v, _, h) => (h.CgroupParent = v),
    tmpfs: (v, _, h) => (h.Tmpfs = v),
    sysctls: (v, _, h) => (h.Sysctls = v),
    storageOpts: (v, _, h) => (h.StorageOpt = v),
    runtime: (v, _, h) => (h.Runtime = v),
    groupAdds: (v, _, h) => (h.GroupAdd = v),
    dns: (v, _, h) => (h.Dns = v),
    dnsOpts: (v, _, h) => (h.DnsOptions = v),
    dnsSearches: (v, _, h) => (h.DnsSearch = v),
    networkMode: (v, _, h) => (h.NetworkMode = v),
    pidMode: (v, _, h) => (h.PidMode = v),
    ipcMode: (v, _, h) => (h.IpcMode = v),
    usernsMode: (v, _, h) => (h.UsernsMode = v),
    cgroupnsMode: (v, _, h) => Object.assign(h, { CgroupnsMode: v }),
    logDriver: (v, _, h) => (h.LogConfig = { Config: {}, ...h.LogConfig, Type: v }),
    logOpts: (v, _, h) => (h.LogConfig = { Type: "", ...h.LogConfig, Config: v }),
    hosts: (v, _, h) => (h.ExtraHosts = v.map(({ host, ip }) => `${host}:${ip}`)),
    ulimits: (v, _, h) =>
        (h.Ulimits = v.map(({ name, soft, hard }) => ({ Name: name, Soft: soft, Hard: hard }))),
    capabilities: (v, _, h) => {
        h.CapAdd = v.adds ?? [];
        h.CapDrop = v.drops ?? [];
    },
    securityOpts: (v, _, h) => {
        h.SecurityOpt = v.filter((option) => option !== SYSTEM_PATHS);
        if (v.includes(SYSTEM_PATHS)) {
            h.MaskedPaths = [];
            h.ReadonlyPaths = [];
        }
    },
    mounts: (v, _, h) => (h.Mounts = v.map(mount)),
};

/** An option that clients turn into two others. */
const SYSTEM_PATHS = "systempaths=unconfined";

/** The body of the daemon's "create" call, with the provider's defaults. */
export function containerBody(request: Request): Body {
    refuseUnknown(request, [...Object.keys(PUT), ...ELSEWHERE]);
    const host: Docker.HostConfig = {
        Init: false,
        NetworkMode: "bridge",
        RestartPolicy: { Name: "no" },
    };
    const body: Body = { HostConfig: host };
    for (const [key, value] of Object.entries(request.inputs)) {
        const put = PUT[key as keyof ContainerInputs] as
            ((value: unknown, body: Body, host: Docker.HostConfig) => void) | undefined;
        if (value !== undefined && value !== null) {
            put?.(value, body, host);
        }
    }
    if (host.NanoCpus !== undefined) {
        delete host.CpuPeriod;
        delete host.CpuQuota;
    }
    return body;
}

function health(check: NonNullable<ContainerInputs["healthcheck"]>): Docker.HealthConfig {
    const startInterval = goDuration(check.startInterval ?? "0s");
    return {
        Test: check.tests ?? [],
        Interval: goDuration(check.interval ?? "0s"),
        Timeout: goDuration(check.timeout ?? "0s"),
        StartPeriod: goDuration(check.startPeriod ?? "0s"),
        ...(startInterval > 0 && { StartInterval: startInterval }),
        Retries: check.retries ?? 0,
    };
}

function putPorts(
    ports: NonNullable<ContainerInputs["ports"]>,
    body: Body,
    host: Docker.HostConfig,
): void {
    const bindings: Record<string, { HostIp: string; HostPort: string }[]> = {};
    for (const { external, internal, ip, protocol } of ports) {
        const binding = { HostIp: ip ?? "0.0.0.0", HostPort: String(external ?? 0) };
        (bindings[`${internal}/${protocol ?? "tcp"}`] ??= []).push(binding);
    }
    body.ExposedPorts = Object.fromEntries(Object.keys(bindings).map((port) => [port, {}]));
    host.PortBindings = bindings;
}

function putVolumes(
    volumes: NonNullable<ContainerInputs["volumes"]>,
    body: Body,
    host: Docker.HostConfig,
): void {
    const binds: string[] = [];
    const from: string[] = [];
    body.Volumes = {};
    for (const volume of volumes) {
        const source = volume.hostPath || volume.volumeName;
        if (!volume.fromContainer === !volume.containerPath) {
            throw new Error("a volume needs either containerPath or fromContainer");
        }
        if (volume.fromContainer) {
            from.push(volume.fromContainer);
        } else if (volume.containerPath) {
            body.Volumes[volume.containerPath] = {};
            if (source) {
                const mode = [volume.readOnly ? "ro" : "rw", volume.selinuxRelabel];
                binds.push(`${source}:${volume.containerPath}:${mode.filter(Boolean).join(",")}`);
            }
        }
    }
    host.Binds = binds;
    host.VolumesFrom = from;
}

function mount(spec: NonNullable<ContainerInputs["mounts"]>[number]): Docker.MountSettings {
    const { bindOptions, tmpfsOptions, volumeOptions } = spec;
    const driver = volumeOptions?.driverName ?? volumeOptions?.driverOptions;
    return {
        Type: spec.type as Docker.MountType,
        Source: spec.source ?? "",
        Target: spec.target,
        ReadOnly: spec.readOnly ?? false,
        ...(bindOptions && { BindOptions: { Propagation: bindOptions.propagation ?? "" } }),
        ...(tmpfsOptions && {
            TmpfsOptions: { SizeBytes: tmpfsOptions.sizeBytes ?? 0, Mode: tmpfsOptions.mode ?? 0 },
        }),
        ...(volumeOptions && {
            VolumeOptions: {
                NoCopy: volumeOptions.noCopy ?? false,
                Labels: labelMap(volumeOptions.labels),
                ...(volumeOptions.subpath && { Subpath: volumeOptions.subpath }),
                ...(driver && {
                    DriverConfig: {
                        Name: volumeOptions.driverName ?? "",
                        Options: volumeOptions.driverOptions ?? {},
                    },
                }),
            },
        }),
    } as Docker.MountSettings;
}

function nanoCpus(cpus: string): number {
    const nano = Number(cpus) * 1e9;
    if (cpus.trim() === "" || !(nano >= 0) || Math.abs(nano - Math.round(nano)) > 1e-3) {
        throw new Error(`cpus "${cpus}" is not a number of CPUs`);
    }
    return Math.round(nano);
}

const UNITS: Readonly<Record<string, number>> = {
    ns: 1,
    us: 1e3,
    µs: 1e3,
    ms: 1e6,
    s: 1e9,
    m: 60e9,
    h: 3600e9,
};

/** Nanoseconds of a Go duration such as "1m30s". */
export function goDuration(text: string): number {
    const parts = [...text.matchAll(/(\d+\.?\d*|\.\d+)(ns|us|µs|ms|s|m|h)/g)];
    if (text !== "0" && (text === "" || parts.map(([part]) => part).join("") !== text)) {
        throw new Error(`"${text}" is not a duration such as 500ms or 1m30s`);
    }
    const nano = parts.map(([, number, unit]) => Number(number) * (UNITS[unit ?? ""] ?? NaN));
    return Math.round(nano.reduce((sum, part) => sum + part, 0));
}
