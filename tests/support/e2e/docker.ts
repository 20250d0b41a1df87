import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import Docker from "dockerode";

import type { Outcome } from "./cli";

/** The host's daemon, whatever the environment says. */
export const host = new Docker({ socketPath: "/var/run/docker.sock" });

/** Runs a command in a container of the host's daemon; fails when it takes longer than `seconds`. */
export async function exec(
    container: string,
    command: readonly string[],
    seconds = 30,
): Promise<Outcome> {
    const run = await host
        .getContainer(container)
        .exec({ Cmd: [...command], AttachStdout: true, AttachStderr: true });
    const stream = await run.start({ hijack: true, stdin: false });
    const out = new PassThrough();
    const err = new PassThrough();
    host.modem.demuxStream(stream, out, err);
    const texts = Promise.all([text(out), text(err)]);
    const isLate = await new Promise<boolean>((resolve) => {
        const timer = setTimeout(resolve, seconds * 1000, true);
        stream.once("close", () => {
            clearTimeout(timer);
            resolve(false);
        });
    });
    stream.destroy();
    out.end();
    err.end();
    const [stdout, stderr] = await texts;
    if (isLate) throw new Error(`${command.join(" ")}: no end within ${seconds} s; ${stderr}`);
    return { code: (await run.inspect()).ExitCode ?? -1, stdout, stderr };
}

/** What a container on the host or inside looks like to `docker inspect`. */
export type Inspection = Docker.ContainerInspectInfo;

/** Names of the containers, networks and volumes of the host's daemon that start with a prefix, with their kinds. */
export async function namesWith(prefix: string): Promise<string[]> {
    const [containers, networks, { Volumes }] = await Promise.all([
        host.listContainers({ all: true }),
        host.listNetworks(),
        host.listVolumes(),
    ]);
    return [
        ...containers.flatMap(({ Names }) => Names.map((name) => ["container", name.slice(1)])),
        ...networks.map(({ Name }) => ["network", Name]),
        ...Volumes.map(({ Name }) => ["volume", Name]),
    ]
        .filter(([, name = ""]) => name.startsWith(prefix))
        .map((pair) => pair.join(" "))
        .sort();
}

async function withLabel(label: string) {
    const filters = { label: [label] };
    const [containers, networks, { Volumes: volumes }] = await Promise.all([
        host.listContainers({ all: true, filters }),
        host.listNetworks({ filters }),
        host.listVolumes({ filters }),
    ]);
    return { containers, networks, volumes };
}

/** Removes by force what carries a label: the way out when the product's own removal fails. */
export async function removeLabelled(label: string): Promise<void> {
    const { containers, networks, volumes } = await withLabel(label);
    for (const { Id } of containers) {
        await host.getContainer(Id).remove({ force: true, v: true });
    }
    for (const { Id } of networks) await host.getNetwork(Id).remove();
    for (const { Name } of volumes) await host.getVolume(Name).remove();
}

/** Names of what carries a label on the host's daemon, with their kinds. */
export async function labelled(label: string): Promise<string[]> {
    const { containers, networks, volumes } = await withLabel(label);
    return [
        ...containers.map(({ Id }) => `container ${Id}`),
        ...networks.map(({ Name }) => `network ${Name}`),
        ...volumes.map(({ Name }) => `volume ${Name}`),
    ];
}
