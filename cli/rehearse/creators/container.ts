import type Docker from "dockerode";
import { physicalName, refuseUnknown, RUN_LABEL, type Creator } from "../run";
import { containerBody, type ContainerInputs } from "./containerBody";
import { ensureImage } from "./image";
import { uploadArchive } from "./upload";

const POLL_MS = 250;
/** Restarts, by its restart policy, after which a container that is waited for is given up. */
const MAX_RESTARTS = 3;
const KNOWN_NETWORK = ["aliases", "ipv4Address", "ipv6Address", "macAddress", "name"];

/** A container: created, connected, given its files, started, and waited for. */
export const createContainer: Creator = async (request, run) => {
    const inputs = request.inputs as unknown as ContainerInputs;
    const daemon = run.daemonOf(request);
    const name = physicalName(request);
    const body = containerBody(inputs);
    const Labels = { ...body.Labels, [RUN_LABEL]: run.ledger.run };
    await ensureImage(run, daemon, inputs.image);
    const thing = { kind: "container", name, graceSeconds: inputs.destroyGraceSeconds } as const;
    const id = await run.make(daemon, thing, async () => {
        return (await daemon.client.createContainer({ ...body, name, Labels })).id;
    });
    const container = daemon.client.getContainer(id);
    await connect(daemon.client, id, inputs.networksAdvanced ?? []);
    if (inputs.uploads && inputs.uploads.length > 0) {
        await container.putArchive(uploadArchive(inputs.uploads, run.projectDir), { path: "/" });
    }
    if (inputs.start ?? true) {
        await container.start();
        if (inputs.wait) {
            await waitHealthy(container, inputs.waitTimeout ?? 60, run.signal);
        }
    }
    const found = await container.inspect();
    const ports = portsOf(found);
    const networks = Object.entries(found.NetworkSettings.Networks);
    if (daemon.within === undefined) {
        const volume = inputs.volumes?.find((v) => v.containerPath === "/var/lib/docker");
        const mount = inputs.mounts?.find((m) => m.target === "/var/lib/docker");
        run.homes.push({
            name,
            socket: daemon.socket,
            published: ports,
            addresses: networks.map(([, { IPAddress }]) => IPAddress),
            data: volume?.hostPath || volume?.volumeName || mount?.source,
        });
    }
    return {
        id,
        state: {
            name,
            hostname: found.Config.Hostname,
            exitCode: found.State.ExitCode,
            ...(inputs.ports && { ports }),
            networkDatas: networks.map(([networkName, network]) => ({
                networkName,
                ipAddress: network.IPAddress,
                ipPrefixLength: network.IPPrefixLen,
                gateway: network.Gateway,
                globalIpv6Address: network.GlobalIPv6Address,
                globalIpv6PrefixLength: network.GlobalIPv6PrefixLen,
                ipv6Gateway: network.IPv6Gateway,
                macAddress: network.MacAddress,
            })),
        },
    };
};

function portsOf(found: Docker.ContainerInspectInfo) {
    return Object.entries(found.NetworkSettings.Ports ?? {}).flatMap(([port, bindings]) => {
        const [internal, protocol] = port.split("/");
        return (bindings ?? []).map(({ HostIp: ip, HostPort }) => {
            return { internal: Number(internal), external: Number(HostPort), ip, protocol };
        });
    });
}

async function connect(
    client: Docker,
    id: string,
    networks: NonNullable<ContainerInputs["networksAdvanced"]>,
): Promise<void> {
    if (networks.length > 0) {
        const left = client.getNetwork("bridge").disconnect({ Container: id });
        await left.catch((error: unknown) => {
            // A container of another network mode was never there.
            if (!String(error).includes("is not connected to")) {
                throw error;
            }
        });
    }
    for (const network of networks) {
        refuseUnknown("a container's networksAdvanced", network, KNOWN_NETWORK);
        await client.getNetwork(network.name).connect({
            Container: id,
            EndpointConfig: {
                Aliases: network.aliases ?? [],
                ...(network.macAddress && { MacAddress: network.macAddress }),
                IPAMConfig: {
                    ...(network.ipv4Address && { IPv4Address: network.ipv4Address }),
                    ...(network.ipv6Address && { IPv6Address: network.ipv6Address }),
                },
            },
        });
    }
}

/** Waits until it is healthy. One that ends, keeps restarting or is unhealthy is given up at once, with the reason. */
async function waitHealthy(container: Docker.Container, seconds: number, signal?: AbortSignal) {
    const deadline = Date.now() + seconds * 1000;
    for (;;) {
        const { RestartCount, State: state } = await container.inspect();
        const isLate = Date.now() > deadline;
        const problem =
            trouble(state, RestartCount) ??
            (isLate ? `was not healthy within ${seconds} s` : undefined);
        if (problem !== undefined) {
            const check = state.Health?.Log?.at(-1)?.Output ?? "";
            const log = await container
                .logs({ stdout: true, stderr: true, tail: 20 })
                .then(unframe, String);
            throw new Error(
                `it ${problem}${quoted("the last health check said", check)}${quoted("its log ends with", log)}`,
            );
        }
        if (state.Health?.Status === "healthy") {
            return;
        }
        signal?.throwIfAborted();
        await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
}

function trouble(state: Docker.ContainerInspectInfo["State"], restarts: number) {
    const end = `exit code ${state.ExitCode}${state.OOMKilled ? ", out of memory" : ""}`;
    if (state.Status === "exited" || state.Status === "dead") {
        return `ended before it was healthy (${end})`;
    }
    if (restarts >= MAX_RESTARTS) {
        return `keeps ending before it is healthy (${end})`;
    }
    if (state.Health === undefined) {
        return 'has "wait" but no health check';
    }
    return state.Health.Status === "unhealthy" ? "is unhealthy" : undefined;
}

function quoted(title: string, text: string): string {
    const lines = text.trim().split("\n");
    return text.trim() === "" ? "" : [`\n${title}:`, ...lines].join("\n    ");
}

/** The text of Docker's log frames: a byte for the stream, three of zero, four for the length. */
function unframe(data: Buffer): string {
    const texts: Buffer[] = [];
    for (let at = 0; at + 8 <= data.length;) {
        const end = at + 8 + data.readUInt32BE(at + 4);
        texts.push(data.subarray(at + 8, end));
        at = end;
    }
    return Buffer.concat(texts).toString("utf8");
}
