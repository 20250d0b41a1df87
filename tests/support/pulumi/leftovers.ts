import { readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";

import type Docker from "dockerode";

import { isAlive } from "../../../cli/engine/local-backend";
import { LABELS } from "../../../config/defaults";

/** What a stack has on the host's daemon. */
export interface Belongings {
    readonly containers: readonly string[];
    readonly networks: readonly string[];
    readonly volumes: readonly string[];
}

/** Everything on the host's daemon that carries the stack's label or its prefix. */
export async function belongings(docker: Docker, stack: string): Promise<Belongings> {
    const [containers, networks, volumes] = await Promise.all([
        docker.listContainers({ all: true }),
        docker.listNetworks(),
        docker.listVolumes(),
    ]);
    const belongs = (name: string, labels: Readonly<Record<string, string>> | null | undefined) =>
        labels?.[LABELS.stack] === stack || name.startsWith(`${stack}-`);
    return {
        containers: containers
            .map(({ Names, Id, Labels }) => ({ name: (Names[0] ?? Id).replace(/^\//, ""), Labels }))
            .filter(({ name, Labels }) => belongs(name, Labels))
            .map(({ name }) => name),
        networks: networks
            .filter(({ Name, Labels }) => belongs(Name, Labels))
            .map(({ Name }) => Name),
        volumes: volumes.Volumes.filter(({ Name, Labels }) => belongs(Name, Labels)).map(
            ({ Name }) => Name,
        ),
    };
}

/** Removes all of that, whatever state it is in. */
export async function sweep(docker: Docker, stack: string): Promise<void> {
    const found = await belongings(docker, stack);
    for (const name of found.containers) {
        await docker.getContainer(name).remove({ force: true, v: true });
    }
    for (const name of found.networks) await docker.getNetwork(name).remove();
    for (const name of found.volumes) await docker.getVolume(name).remove({ force: true });
}

/** Names of test stacks: `pt<process id>-<what for>`. */
const STACK = /^pt([0-9]+)-/;

/** The name of a test stack of this process. */
export function stackName(label: string): string {
    return `pt${String(process.pid)}-${label}`;
}

/** Temporary folders of test runs: `mcp-pulumi-<process id>-<random>`. */
const FOLDER = /^mcp-pulumi-([0-9]+)-/;

/** Start of the name of a temporary folder of this process. */
export const FOLDER_PREFIX = path.join(tmpdir(), `mcp-pulumi-${String(process.pid)}-`);

/** Removes what test runs that were killed have left; those that still run are left alone. */
export async function sweepDead(docker: Docker): Promise<void> {
    const containers = await docker.listContainers({ all: true });
    const { Volumes } = await docker.listVolumes();
    const networks = await docker.listNetworks();
    const labels = [...containers, ...Volumes, ...networks].map(
        // The daemon says null where there is none, whatever the types say.
        (thing) => (thing.Labels as Readonly<Record<string, string>> | null)?.[LABELS.stack] ?? "",
    );
    for (const stack of new Set(labels)) {
        const owner = Number(STACK.exec(stack)?.[1] ?? process.pid);
        if (!isAlive(owner)) await sweep(docker, stack);
    }
    for (const entry of readdirSync(tmpdir())) {
        const owner = Number(FOLDER.exec(entry)?.[1] ?? process.pid);
        if (!isAlive(owner)) rmSync(path.join(tmpdir(), entry), { recursive: true, force: true });
    }
}
