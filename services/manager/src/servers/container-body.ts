/** A server's container in the words of Docker's API: the same bar as `components/managed-container.ts`. */
import type { ContainerCreateOptions } from "dockerode";

import { INNER_VOLUMES, LABELS } from "../../../../config/defaults.ts";
import type { ServerContainer } from "../../../../config/server-container.ts";

/** Period of the CPU quota in microseconds, as Pulumi's containers have it. */
const CPU_PERIOD = 100_000;
const MIB = 1024 * 1024;
const NANO = 1_000_000_000;

/**
 * The body of `POST /containers/create`.
 *
 * @param image content id or digest
 * @param text the manifest, kept as a label
 */
export function containerBody(
    container: ServerContainer,
    image: string,
    text: string,
): ContainerCreateOptions {
    const { health } = container;
    return {
        Image: image,
        Cmd: container.command ? [...container.command] : undefined,
        Env: Object.entries(container.environment).map(([key, value]) => `${key}=${value}`),
        User: container.user,
        Hostname: container.hostname,
        Labels: { ...container.labels, [LABELS.manifest]: text },
        StopTimeout: container.stopGraceSeconds,
        Healthcheck: {
            Test: [...health.test],
            Interval: health.intervalSeconds * NANO,
            Timeout: health.timeoutSeconds * NANO,
            StartPeriod: health.startPeriodSeconds * NANO,
            StartInterval: (health.startIntervalSeconds ?? health.intervalSeconds) * NANO,
            Retries: health.retries,
        },
        HostConfig: hostConfig(container),
    };
}

function hostConfig(container: ServerContainer): ContainerCreateOptions["HostConfig"] {
    return {
        NetworkMode: container.networks[0],
        ReadonlyRootfs: container.readOnly,
        Init: container.init,
        Runtime: container.runtime,
        CapDrop: ["ALL"],
        SecurityOpt: ["no-new-privileges"],
        RestartPolicy: { Name: "unless-stopped" },
        Memory: container.memoryMb * MIB,
        MemorySwap: container.memoryMb * MIB,
        CpuPeriod: CPU_PERIOD,
        CpuQuota: Math.round(container.cpus * CPU_PERIOD),
        Tmpfs: { ...container.tmpfs },
        LogConfig: { Type: "json-file", Config: { "max-file": "3", "max-size": "10m" } },
        Dns: [...container.dns],
        Mounts: container.volumes.map((volume) => ({
            Type: "volume",
            Source: volumeName(volume.source),
            Target: volume.containerPath,
            ReadOnly: volume.readOnly,
        })),
    };
}

/** Volume on the inner daemon that a manifest knows as `source`. Which sources there are was checked before. */
function volumeName(source: string): string {
    return source === "shared" ? INNER_VOLUMES.shared.name : source;
}
