import type * as docker from "@pulumi/docker";
import type { Unwrap } from "@pulumi/pulumi";
import type Docker from "dockerode";
import { labelMap, refuseUnknown } from "../run";

/** The inputs of a docker.Container. */
export type ContainerInputs = Unwrap<docker.ContainerArgs>;
/** What the daemon's "create" call takes. */
export type Body = Docker.ContainerCreateOptions & { readonly HostConfig: Docker.HostConfig };
type Host = Docker.HostConfig;
type Given<K extends keyof ContainerInputs> = NonNullable<ContainerInputs[K]>;

const MIB = 1024 * 1024;

/** An option of `docker run` that its client turns into two others. */
const SYSTEM_PATHS = "systempaths=unconfined";

/** How each attribute appears in the "create" call. */
const PUT: { readonly [K in keyof ContainerInputs]?: (v: Given<K>, b: Body, h: Host) => void } = {
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
    healthcheck: putHealth,
    ports: putPorts,
    volumes: putVolumes,
    mounts: putMounts,
    privileged: (v, _, h) => (h.Privileged = v),
    readOnly: (v, _, h) => (h.ReadonlyRootfs = v),
    init: (v, _, h) => (h.Init = v),
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
    cgroupParent: (v, _, h) => (h.CgroupParent = v),
    tmpfs: (v, _, h) => (h.Tmpfs = v),
    sysctls: (v, _, h) => (h.Sysctls = v),
    runtime: (v, _, h) => (h.Runtime = v),
    groupAdds: (v, _, h) => (h.GroupAdd = v),
    dns: (v, _, h) => (h.Dns = v),
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
};

/** Attributes that act around the "create" call, in container.ts, or have no effect on a throw-away container. */
const ELSEWHERE: readonly (keyof ContainerInputs)[] = [
    ...(["containerReadRefreshTimeoutMilliseconds", "destroyGraceSeconds", "mustRun"] as const),
    ...(["name", "networksAdvanced", "start", "uploads", "wait", "waitTimeout"] as const),
];

/** The body of the daemon's "create" call, with the provider's defaults. */
export function containerBody(inputs: ContainerInputs): Body {
    refuseUnknown("a container", inputs, [...Object.keys(PUT), ...ELSEWHERE]);
    const host: Host = { Init: false, NetworkMode: "bridge", RestartPolicy: { Name: "no" } };
    const body: Body = { HostConfig: host };
    for (const [key, value] of Object.entries(inputs)) {
        const put = PUT[key as keyof ContainerInputs] as
            ((value: unknown, body: Body, host: Host) => void) | undefined;
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

function putHealth(check: Given<"healthcheck">, body: Body): void {
    const startInterval = goDuration(check.startInterval ?? "0s");
    body.Healthcheck = {
        Test: check.tests ?? [],
        Interval: goDuration(check.interval ?? "0s"),
        Timeout: goDuration(check.timeout ?? "0s"),
        StartPeriod: goDuration(check.startPeriod ?? "0s"),
        ...(startInterval > 0 && { StartInterval: startInterval }),
        Retries: check.retries ?? 0,
    };
}

function putPorts(ports: Given<"ports">, body: Body, host: Host): void {
    const bindings: Record<string, { HostIp: string; HostPort: string }[]> = {};
    for (const { external = 0, internal, ip = "0.0.0.0", protocol = "tcp" } of ports) {
        const binding = { HostIp: ip, HostPort: String(external) };
        (bindings[`${internal}/${protocol}`] ??= []).push(binding);
    }
    body.ExposedPorts = Object.fromEntries(Object.keys(bindings).map((port) => [port, {}]));
    host.PortBindings = bindings;
}

function putVolumes(volumes: Given<"volumes">, body: Body, host: Host): void {
    const binds: string[] = [];
    const from: string[] = [];
    body.Volumes = {};
    for (const volume of volumes) {
        const { containerPath, fromContainer, readOnly, selinuxRelabel } = volume;
        const source = volume.hostPath || volume.volumeName;
        if (fromContainer && !containerPath) {
            from.push(fromContainer);
        } else if (containerPath && !fromContainer) {
            const mode = [readOnly ? "ro" : "rw", selinuxRelabel].filter(Boolean).join(",");
            body.Volumes[containerPath] = {};
            binds.push(...(source ? [`${source}:${containerPath}:${mode}`] : []));
        } else {
            throw new Error("a volume needs one of containerPath and fromContainer");
        }
    }
    host.Binds = binds;
    host.VolumesFrom = from;
}

function putMounts(mounts: Given<"mounts">, _: Body, host: Host): void {
    host.Mounts = mounts.map((mount) => {
        refuseUnknown("a container's mounts", mount, ["readOnly", "source", "target", "type"]);
        return {
            Type: mount.type as Docker.MountType,
            Source: mount.source ?? "",
            Target: mount.target,
            ReadOnly: mount.readOnly ?? false,
        };
    });
}

function nanoCpus(cpus: string): number {
    const nano = Math.round(Number(cpus) * 1e9);
    if (cpus.trim() === "" || !(nano >= 0)) {
        throw new Error(`cpus "${cpus}" is not a number of CPUs`);
    }
    return nano;
}

const UNITS = new Map(
    Object.entries({ ns: 1, us: 1e3, µs: 1e3, ms: 1e6, s: 1e9, m: 60e9, h: 3600e9 }),
);

/** Nanoseconds of a Go duration such as "1m30s". */
export function goDuration(text: string): number {
    const parts = [...text.matchAll(/(\d+\.?\d*|\.\d+)(ns|us|µs|ms|s|m|h)/g)];
    if (text !== "0" && (text === "" || parts.map(([part]) => part).join("") !== text)) {
        throw new Error(`"${text}" is not a duration such as 500ms or 1m30s`);
    }
    return parts.reduce((sum, [, n, unit]) => sum + Number(n) * (UNITS.get(unit ?? "") ?? 0), 0);
}
