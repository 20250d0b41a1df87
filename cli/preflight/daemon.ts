import { statfs } from "node:fs/promises";

import type Docker from "dockerode";

import type { StackContext } from "../../components/stack-context";
import { redirectingVariables } from "../environment";

import { failed, ok, warning, type Check } from "./check";

/** Oldest API the program works with: Docker 20.10. */
const OLDEST_API = 1.41;
const GIB = 1024 ** 3;
/** Free disk, in GiB, below which `up` refuses and warns: images and two image copies need about three. */
const DISK = { refuse: 3, warn: 8 };

/** Version of the host's daemon. */
export async function checkDaemon(docker: Docker): Promise<Check> {
    const { Version, ApiVersion } = await docker.version();
    const found = `Docker ${Version}, API ${ApiVersion}`;
    if (Number(ApiVersion) >= OLDEST_API) return ok("docker", found);
    return failed("docker", `${found} is too old`, "install Docker Engine 20.10 or newer");
}

/** Free disk where the daemon keeps its data. */
export async function checkDisk(docker: Docker): Promise<Check> {
    const info = (await docker.info()) as { DockerRootDir?: string };
    const folder = info.DockerRootDir ?? "/var/lib/docker";
    const { bavail, bsize } = await statfs(folder).catch(() => statfs("/"));
    const free = (bavail * bsize) / GIB;
    const found = `${free.toFixed(1)} GiB free below ${folder}`;
    if (free < DISK.refuse) {
        return failed(
            "disk",
            `${found}; the stack needs ${String(DISK.refuse)} GiB`,
            "free some space: docker system df shows what Docker holds",
        );
    }
    if (free < DISK.warn) return warning("disk", found, "free some space soon");
    return ok("disk", found);
}

/** Memory of the host against the orchestrator's limit. */
export async function checkMemory(docker: Docker, { settings }: StackContext): Promise<Check> {
    const info = (await docker.info()) as { MemTotal?: number };
    const total = Math.round((info.MemTotal ?? 0) / 1024 ** 2);
    const limit = settings.orchestrator.memoryMb;
    const found = `${String(total)} MiB on the host, ${String(limit)} MiB for the orchestrator`;
    return total >= limit
        ? ok("memory", found)
        : warning(
              "memory",
              found,
              "lower orchestratorMemoryMb, or the host will kill processes before the limit does",
          );
}

/** Variables that would redirect Docker or Consul; they are scrubbed, and said. */
export function checkEnvironment(): Check {
    const set = redirectingVariables();
    if (set.length === 0)
        return ok("environment", "no DOCKER_* or CONSUL_* variable points elsewhere");
    return warning(
        "environment",
        `${set.join(", ")} set and ignored: this stack always uses the host's own daemon and its own Consul settings`,
        `unset ${set.join(" ")} to be sure of what other tools use`,
    );
}
