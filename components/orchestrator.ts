import type * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";

import { INNER_RUNTIME, MAX_STOP_GRACE_SECONDS, PATHS, PORTS } from "../config/defaults";
import { managerSees } from "../config/manager";
import { hostPort } from "../config/names";

import { upload, type PublishedPort } from "./container-types";
import { managedContainer } from "./managed-container";
import type { NetworkPair } from "./network-pair";
import { ownerLabels, type StackContext } from "./stack-context";
import type { TlsAuthority } from "./tls-authority";
import type { Volumes } from "./volumes";

export const ORCHESTRATOR_TYPE = "mcp:host:Orchestrator";

export interface OrchestratorArgs {
    readonly context: StackContext;
    /** Image with a Docker daemon and `dockerd-entrypoint.sh`, by digest or content id. */
    readonly image: pulumi.Input<string>;
    readonly networks: NetworkPair;
    readonly volumes: Volumes;
    readonly authority: TlsAuthority;
    /** Scripts put into the container: `entrypoint` runs first, `runtime` wraps runc. Plain file contents. */
    readonly scripts: { readonly entrypoint: string; readonly runtime: string };
}

/**
 * The privileged Docker-in-Docker container: the inner daemon, reached by mutual TLS.
 *
 * It is the one privileged container of the stack (docs/architecture.md says why, and how sysbox avoids it).
 * Server TLS material is uploaded, never generated inside; a certificate that does not verify stops the daemon.
 */
export class Orchestrator extends pulumi.ComponentResource {
    public readonly container: docker.Container;
    /** Address of the inner daemon's TLS API on the host. Unknown exactly while the container is being replaced. */
    public readonly apiUrl: pulumi.Output<string>;

    constructor(name: string, args: OrchestratorArgs, opts?: pulumi.ComponentResourceOptions) {
        super(ORCHESTRATOR_TYPE, name, {}, opts);
        const { context, networks, volumes, authority, scripts } = args;
        const { settings, names, addresses } = context;
        const { certs, sharedData, logs, dockerData } = PATHS;
        this.container = managedContainer(
            `${name}-container`,
            {
                containerName: names.orchestrator,
                image: args.image,
                hostname: names.orchestrator,
                privileged: true,
                entrypoint: ["/usr/local/bin/mcp-entrypoint"],
                command: daemonFlags(context),
                environment: {
                    DOCKER_TLS_CERTDIR: certs,
                    DOCKER_DRIVER: "overlay2",
                    MCP_POOL: addresses.inner.pool,
                    MCP_CLOSED_SUBNET: addresses.inner.closed,
                    MCP_EGRESS_SUBNET: addresses.inner.egress,
                    MCP_LINK_SUBNETS: addresses.inner.links,
                    MCP_MANAGER: addresses.inner.manager,
                    MCP_PEERS: `${addresses.inner.manager} ${addresses.inner.gateway}`,
                    MCP_MANAGER_SEES: managerSees(context).places.join(" "),
                    ...(settings.plainApi ? { MCP_PLAIN_API_FROM: addresses.main.gateway } : {}),
                },
                memoryMb: settings.orchestrator.memoryMb,
                cpus: settings.orchestrator.cpus,
                stopGraceSeconds: MAX_STOP_GRACE_SECONDS + 20,
                // A killed daemon leaves pid files; on a tmpfs they cannot keep the next one from starting.
                tmpfs: { "/run": "rw,exec,size=256m", "/tmp": "rw,size=1g" },
                networks: [
                    { name: networks.main, ipv4Address: addresses.main.orchestrator },
                    { name: networks.internal, ipv4Address: addresses.internal.orchestrator },
                ],
                ports: publishedPorts(context),
                volumes: [
                    { volumeName: volumes.data.name, containerPath: dockerData },
                    { volumeName: volumes.certsCa.name, containerPath: `${certs}/ca` },
                    { volumeName: volumes.certsClient.name, containerPath: `${certs}/client` },
                    { volumeName: volumes.shared.name, containerPath: sharedData },
                    { volumeName: volumes.logs.name, containerPath: logs },
                ],
                uploads: [
                    upload("/usr/local/bin/mcp-entrypoint", scripts.entrypoint, "0555"),
                    upload("/usr/local/bin/mcp-runc", scripts.runtime, "0555"),
                    upload(`${certs}/server/ca.pem`, authority.caCert, "0444"),
                    upload(`${certs}/server/cert.pem`, authority.server.cert, "0444"),
                    upload(`${certs}/server/key.pem`, authority.server.key, "0400"),
                    // The CA's key is not here: with it the image would issue certificates of its own.
                    upload(`${certs}/ca/cert.pem`, authority.caCert, "0444"),
                    upload(`${certs}/client/ca.pem`, authority.caCert, "0444"),
                    upload(`${certs}/client/cert.pem`, authority.client.cert, "0444"),
                    upload(`${certs}/client/key.pem`, authority.client.key, "0400"),
                ],
                labels: ownerLabels(settings.stack, "orchestrator"),
                health: {
                    test: ["CMD", "docker", "version", "--format", "{{.Server.Version}}"],
                    intervalSeconds: 2,
                    timeoutSeconds: 10,
                    startPeriodSeconds: 60,
                    retries: 5,
                },
            },
            { parent: this },
        );
        const port = hostPort(PORTS.dockerTls.host, settings.portOffset);
        // Through the id, so that the address is unknown exactly when the container is about to be made anew: the
        // inner provider then waits instead of dialling a daemon that is gone (docs/decisions/0001).
        this.apiUrl = this.container.id.apply(
            () => `tcp://${settings.bindAddress}:${String(port)}`,
        );
        this.registerOutputs({ apiUrl: this.apiUrl });
    }
}

/** Flags of the inner daemon. The entry adds sockets and TLS; a command that is not flags would lose both. */
function daemonFlags({ addresses }: StackContext): string[] {
    return [
        `--add-runtime=${INNER_RUNTIME}=/usr/local/bin/mcp-runc`,
        `--default-runtime=${INNER_RUNTIME}`,
        "--storage-driver=overlay2",
        `--bip=${addresses.inner.bip}`,
        `--default-address-pool=base=${addresses.inner.links},size=${String(addresses.inner.linkSize)}`,
        "--icc=false",
        "--no-new-privileges",
        "--userland-proxy=false",
        "--log-opt=max-size=10m",
        "--log-opt=max-file=3",
    ];
}

function publishedPorts({ settings }: StackContext): PublishedPort[] {
    const ip = settings.bindAddress;
    const published = (port: { host: number; container: number }): PublishedPort => ({
        internal: port.container,
        external: hostPort(port.host, settings.portOffset),
        ip,
    });
    const servers = settings.publishServers;
    const serverPorts = servers
        ? Array.from({ length: servers.to - servers.from + 1 }, (_, index) => servers.from + index)
        : [];
    return [
        published(PORTS.dockerTls),
        published(PORTS.management),
        published(PORTS.metrics),
        ...(settings.plainApi ? [published(PORTS.dockerPlain)] : []),
        // A range, not the servers at hand: the ports of a container are fixed when it is made, and a new server
        // must not replace the orchestrator.
        ...serverPorts.map((port) => published({ host: port, container: port })),
    ];
}
