import Docker from "dockerode";
import {
    physicalName,
    RUN_LABEL,
    statusOf,
    type Creator,
    type Daemon,
    type Request,
    type Run,
} from "../run";
import { containerBody, type ContainerInputs } from "./containerBody";
import { ensureImage } from "./image";
import { uploadArchive } from "./upload";

const POLL_MS = 250;
/** Restarts by the restart policy after which waiting for "healthy" is given up. */
const MAX_RESTARTS = 3;

/** A container: created, connected, given its files, started, and waited for. */
export const createContainer: Creator = async (request, run) => {
    const inputs = request.inputs as unknown as ContainerInputs;
    const daemon = run.daemonOf(request);
    const name = physicalName(request);
    const body = containerBody(request);
    body.name = name;
    body.Labels = { ...body.Labels, [RUN_LABEL]: run.ledger.run };
    await ensureImage(run, daemon, inputs.image);
    const thing = { kind: "container", name, graceSeconds: inputs.destroyGraceSeconds } as const;
    const id = await run.make(daemon, thing, async () => {
        return (await daemon.client.createContainer(body)).id;
    });
    const container = daemon.client.getContainer(id);
    await connect(daemon.client, id, inputs.networksAdvanced ?? []);
    if (inputs.uploads && inputs.uploads.length > 0) {
        await container.putArchive(uploadArchive(inputs.uploads, run.projectDir), { path: "/" });
    }
    if (inputs.start ?? true) {
        await container.start();
        if (inputs.wait) {
            await waitHealthy(container, (inputs.waitTimeout ?? 60) * 1000, run.signal);
        }
    }
    if (inputs.attach) {
        await container.wait();
    }
    const found = await container.inspect();
    addHome(run, daemon, inputs, found);
    const logs = inputs.attach && inputs.logs ? await lastLog(container, "all") : undefined;
    return { id, state: { ...outputs(found, request), name, containerLogs: logs } };
};

async function connect(
    client: Docker,
    id: string,
    networks: NonNullable<ContainerInputs["networksAdvanced"]>,
): Promise<void> {
    if (networks.length === 0) {
        return;
    }
    try {
        await client.getNetwork("bridge").disconnect({ Container: id });
    } catch (error) {
        // A container of another network mode is not on "bridge" in the first place.
        if (!String(error).includes("is not connected to")) {
            throw error;
        }
    }
    for (const network of networks) {
        if (network.gwPriority || network.driverOpts?.length) {
            throw new Error("rehearse does not know gwPriority and driverOpts of networksAdvanced");
        }
        await client.getNetwork(network.name).connect({
            Container: id,
            EndpointConfig: {
                Aliases: network.aliases ?? [],
                ...(network.macAddress && { MacAddress: network.macAddress }),
                IPAMConfig: {
                    ...(network.ipv4Address && { IPv4Address: network.ipv4Address }),
                    ...(network.ipv6Address && { IPv6Address: network.ipv6Address }),
                    ...(network.linkLocalIps && { LinkLocalIPs: network.linkLocalIps }),
                },
            },
        });
    }
}

/** Waits until it is healthy. One that ends, keeps restarting or is unhealthy is given up at once, with the reason. */
async function waitHealthy(
    container: Docker.Container,
    timeoutMs: number,
    signal?: AbortSignal,
): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
        const { RestartCount, State: state } = await container.inspect();
        const problem = trouble(state, RestartCount, Date.now() > deadline ? timeoutMs : undefined);
        if (problem !== undefined) {
            const check = state.Health?.Log?.at(-1)?.Output?.trim() ?? "";
            const log = await lastLog(container, 20);
            throw new Error(
                [
                    `it ${problem}`,
                    ...indented("the last health check said", check),
                    ...indented("the last log lines are", log),
                ].join("\n"),
            );
        }
        if (state.Health?.Status === "healthy") {
            return;
        }
        signal?.throwIfAborted();
        await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
}

function trouble(
    state: Docker.ContainerInspectInfo["State"],
    restarts: number,
    waitedMs?: number,
): string | undefined {
    if (state.Status === "exited" || state.Status === "dead") {
        const reason = [state.OOMKilled && "out of memory", state.Error].filter(Boolean).join(", ");
        return `ended with exit code ${state.ExitCode}${reason && ` (${reason})`} before it was healthy`;
    }
    if (restarts >= MAX_RESTARTS) {
        return `keeps ending (exit code ${state.ExitCode}, restarted ${restarts} times)`;
    }
    if (state.Health === undefined) {
        return 'has "wait" but no health check';
    }
    if (state.Health.Status === "unhealthy") {
        return "is unhealthy";
    }
    return waitedMs === undefined ? undefined : `was not healthy within ${waitedMs / 1000} s`;
}

function indented(title: string, text: string): string[] {
    return text === "" ? [] : [`${title}:`, ...text.split("\n").map((line) => `    ${line}`)];
}

async function lastLog(container: Docker.Container, tail: number | "all"): Promise<string> {
    try {
        const options = {
            stdout: true,
            stderr: true,
            tail: tail as number,
            follow: false,
        } as const;
        return unframe(await container.logs(options)).trimEnd();
    } catch (error) {
        // Some log drivers cannot be read back.
        return statusOf(error) === undefined ? "" : String(error);
    }
}

/** The text of Docker's multiplexed log: frames of one byte for the stream, three of zero, four for the length. */
function unframe(data: Buffer): string {
    const texts: Buffer[] = [];
    let at = 0;
    while (at + 8 <= data.length && data.readUInt32BE(at) % 0x1000000 === 0) {
        const end = at + 8 + data.readUInt32BE(at + 4);
        texts.push(data.subarray(at + 8, end));
        at = end;
    }
    return Buffer.concat([...texts, data.subarray(at)]).toString("utf8");
}

function addHome(
    run: Run,
    { socket, within }: Daemon,
    inputs: ContainerInputs,
    found: Docker.ContainerInspectInfo,
): void {
    if (within !== undefined) {
        return;
    }
    const volume = inputs.volumes?.find((v) => v.containerPath === "/var/lib/docker");
    const mount = inputs.mounts?.find((m) => m.target === "/var/lib/docker");
    run.homes.push({
        name: found.Name.slice(1),
        socket,
        externalPorts: ports(found).map(({ external }) => external),
        addresses: Object.values(found.NetworkSettings.Networks).map((n) => n.IPAddress),
        data: volume?.hostPath || volume?.volumeName || mount?.source,
    });
}

function ports(found: Docker.ContainerInspectInfo) {
    return Object.entries(found.NetworkSettings.Ports ?? {}).flatMap(([port, bindings]) => {
        const [internal, protocol] = port.split("/");
        return (bindings ?? []).map(({ HostIp, HostPort }) => ({
            internal: Number(internal),
            external: Number(HostPort),
            ip: HostIp,
            protocol: protocol ?? "tcp",
        }));
    });
}

function outputs(found: Docker.ContainerInspectInfo, request: Request): Record<string, unknown> {
    const { Config: config, HostConfig: host } = found;
    const { stopTimeout } = request.inputs;
    return {
        hostname: config.Hostname,
        command: config.Cmd ?? [],
        entrypoints: config.Entrypoint ?? [],
        init: host.Init ?? false,
        ipcMode: host.IpcMode,
        logDriver: host.LogConfig?.Type,
        networkMode: host.NetworkMode,
        runtime: host.Runtime,
        securityOpts: (host.SecurityOpt ?? []) as string[],
        shmSize: (host.ShmSize ?? 0) / 1024 / 1024,
        stopSignal: config.StopSignal,
        stopTimeout,
        exitCode: found.State.Running ? 0 : found.State.ExitCode,
        ...("ports" in request.inputs && { ports: ports(found) }),
        networkDatas: Object.entries(found.NetworkSettings.Networks).map(([name, network]) => ({
            networkName: name,
            ipAddress: network.IPAddress,
            ipPrefixLength: network.IPPrefixLen,
            gateway: network.Gateway,
            globalIpv6Address: network.GlobalIPv6Address,
            globalIpv6PrefixLength: network.GlobalIPv6PrefixLen,
            ipv6Gateway: network.IPv6Gateway,
            macAddress: network.MacAddress,
        })),
    };
}
