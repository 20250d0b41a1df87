import { Agent } from "node:https";
import { createInterface } from "node:readline";

import Docker from "dockerode";

import { LABELS } from "../config/defaults";
import { hostDocker } from "../cli/docker/host";

import { STACK } from "./scene";
import type { StackState } from "./state";

/** A client of the inner daemon over mutual TLS, with connections kept open as the provider's client does. */
export function innerDocker(connection: StackState["connection"]): Docker {
    const { hostname, port } = new URL(connection.host);
    const material = {
        ca: connection.caMaterial,
        cert: connection.certMaterial,
        key: connection.keyMaterial,
    };
    // The agent is an option of the transport below dockerode, which its types leave out.
    const options = {
        protocol: "https" as const,
        host: hostname,
        port: Number(port),
        ...material,
        agent: new Agent({ keepAlive: true, ...material }),
    };
    return new Docker(options);
}

/** Hears from one daemon which containers have become healthy: no polling, so no time lost and none spent. */
export class HealthWatch {
    private readonly healthy = new Set<string>();
    private readonly waiting = new Map<string, () => void>();

    private constructor(private readonly stream: NodeJS.ReadableStream) {}

    static async open(docker: Docker): Promise<HealthWatch> {
        const stream = await docker.getEvents({
            filters: { type: ["container"], event: ["health_status"] },
        });
        const watch = new HealthWatch(stream);
        stream.on("error", () => undefined);
        createInterface({ input: stream }).on("line", (line) => {
            const event = JSON.parse(line) as { status?: string; id?: string };
            if (event.status !== "health_status: healthy" || event.id === undefined) return;
            watch.healthy.add(event.id);
            watch.waiting.get(event.id)?.();
        });
        return watch;
    }

    /** Resolves when this container is healthy; rejects when it is not in time. */
    async until(id: string, seconds = 300): Promise<void> {
        if (this.healthy.has(id)) return;
        await new Promise<void>((resolve, reject) => {
            const timer = setTimeout(() => {
                reject(new Error(`bench: container ${id.slice(0, 12)} did not become healthy`));
            }, seconds * 1000);
            this.waiting.set(id, () => {
                clearTimeout(timer);
                resolve();
            });
        });
    }

    close(): void {
        (this.stream as unknown as { destroy: () => void }).destroy();
    }
}

/** Removes everything on the host that carries a stack of this folder, whoever made it: floor, stack or a killed run. */
export async function sweep(): Promise<void> {
    const docker = hostDocker();
    const label = [LABELS.stack];
    const ours = (labels: Readonly<Record<string, string>> | undefined): boolean =>
        STACK.test(labels?.[LABELS.stack] ?? "");
    const containers = await docker.listContainers({ all: true, filters: { label } });
    await Promise.all(
        containers
            .filter((one) => ours(one.Labels))
            .map((one) => docker.getContainer(one.Id).remove({ force: true, v: true })),
    );
    const networks = await docker.listNetworks({ filters: { label } });
    await Promise.all(
        networks
            .filter((one) => ours(one.Labels))
            .map((one) => docker.getNetwork(one.Id).remove() as Promise<unknown>),
    );
    const { Volumes: volumes } = await docker.listVolumes({ filters: { label } });
    await Promise.all(
        volumes
            .filter((one) => ours(one.Labels))
            .map((one) => docker.getVolume(one.Name).remove() as Promise<unknown>),
    );
}
