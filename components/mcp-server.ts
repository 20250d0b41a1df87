import * as pulumi from "@pulumi/pulumi";

import { LABELS, PATHS, SERVER_USER } from "../config/defaults";
import type { ServerManifest } from "../config/manifest";
import { healthTest } from "../images/catalog";

import { managedContainer } from "./managed-container";
import { INNER_RUNTIME } from "./orchestrator";
import { POSTGRES_HOST } from "./postgres";
import { ServerSecrets } from "./server-secrets";
import { ownerLabels, type StackContext } from "./stack-context";

export const MCP_SERVER_TYPE = "mcp:inner:Server";

export interface McpServerArgs {
    readonly context: StackContext;
    readonly manifest: ServerManifest;
    /** Image by content id or digest. */
    readonly image: pulumi.Input<string>;
    /** Inner network that fits the declared egress. */
    readonly network: pulumi.Input<string>;
    /** Inner volumes that manifests can name. */
    readonly volumes: Readonly<Record<string, pulumi.Input<string>>>;
    /** Values of the manifest's secrets by name. */
    readonly secrets: Readonly<Record<string, pulumi.Input<string>>>;
}

/**
 * One MCP server on the inner daemon, made from its manifest, within the bar for inner containers: 1001:1001, no
 * capabilities, no new privileges, read-only root, memory without swap, CPU and process limits, init, health check.
 */
export class McpServer extends pulumi.ComponentResource {
    /** Where clients inside the host's networks reach it. */
    public readonly url: pulumi.Output<string>;

    constructor(name: string, args: McpServerArgs, opts?: pulumi.ComponentResourceOptions) {
        super(MCP_SERVER_TYPE, name, { manifest: args.manifest }, opts);
        const { context, manifest } = args;
        const { settings, addresses, names } = context;
        const ownLabels = {
            ...ownerLabels(settings.stack, "server"),
            [LABELS.server]: manifest.name,
        };
        const labels = {
            ...manifest.labels,
            ...ownLabels,
            [LABELS.manifestHash]: manifest.hash,
            [LABELS.transport]: manifest.transport.type,
            [LABELS.egress]: manifest.egress.join(" ") || "none",
        };
        const child = { parent: this };
        const secrets =
            manifest.secrets.length === 0
                ? undefined
                : new ServerSecrets(
                      `${name}-secrets`,
                      {
                          server: manifest.name,
                          image: args.image,
                          labels: ownLabels,
                          files: manifest.secrets.map((secret) => ({
                              name: secret.name,
                              content: known(args.secrets, secret.name, manifest),
                          })),
                      },
                      child,
                  );
        managedContainer(
            `${name}-container`,
            {
                containerName: names.server(manifest.name),
                image: args.image,
                command: manifest.command.length > 0 ? manifest.command : undefined,
                environment: {
                    ...manifest.environment,
                    MCP_PORT: String(manifest.transport.containerPort),
                    MCP_PATH: manifest.transport.path,
                    MCP_ALLOWED_HOSTS: allowedHosts(context, manifest.name).join(","),
                    MCP_PIDS_LIMIT: String(manifest.resources.pids),
                },
                user: SERVER_USER,
                hostname: manifest.name,
                readOnly: true,
                init: true,
                runtime: INNER_RUNTIME,
                memoryMb: manifest.resources.memoryMb,
                cpus: manifest.resources.cpus,
                stopGraceSeconds: manifest.stopGraceSeconds,
                tmpfs: { "/tmp": "rw,nosuid,nodev,noexec,size=64m,mode=1777" },
                networks: [{ name: args.network }],
                // Docker knows the containers' own names itself; all else it would ask of the host's name server.
                dns: manifest.egress.length === 0 ? ["127.0.0.1"] : undefined,
                hosts: reachesPostgres(context, manifest)
                    ? { [POSTGRES_HOST]: addresses.internal.postgres }
                    : undefined,
                ports: [
                    {
                        internal: manifest.transport.containerPort,
                        external: manifest.port,
                        ip: addresses.main.orchestrator,
                    },
                ],
                volumes: [
                    ...manifest.volumes.map((volume) => ({
                        volumeName: known(args.volumes, volume.source, manifest),
                        containerPath: volume.path,
                        readOnly: volume.readOnly,
                    })),
                    ...(secrets
                        ? [
                              {
                                  volumeName: secrets.volumeName,
                                  containerPath: PATHS.secrets,
                                  readOnly: true,
                              },
                          ]
                        : []),
                ],
                labels,
                health: {
                    test: manifest.health.test
                        ? ["CMD", ...manifest.health.test]
                        : healthTest(manifest),
                    intervalSeconds: manifest.health.intervalSeconds,
                    timeoutSeconds: manifest.health.timeoutSeconds,
                    startPeriodSeconds: manifest.health.startPeriodSeconds,
                    startIntervalSeconds: 1,
                    retries: manifest.health.retries,
                },
            },
            // New secrets are a new carrier, and a server reads its secrets when it starts.
            { ...child, replaceWith: secrets ? [secrets.carrier] : [] },
        );
        this.url = pulumi.output(
            `http://${addresses.main.orchestrator}:${String(manifest.port)}${manifest.transport.path}`,
        );
        this.registerOutputs({ url: this.url });
    }
}

/** True when the manifest declares the managed database as a target: only then is its name known inside. */
function reachesPostgres({ settings }: StackContext, manifest: ServerManifest): boolean {
    return (
        settings.postgres.mode === "managed" &&
        manifest.egress.some((target) => target.startsWith(`${POSTGRES_HOST}:`))
    );
}

/** Host names and addresses a request may name: everything else is refused against DNS rebinding. */
function allowedHosts({ settings, names, addresses }: StackContext, server: string): string[] {
    const found = [`${names.service(server)}.service.consul`, names.orchestrator];
    const hosts = ["localhost", "127.0.0.1", settings.bindAddress, ...found];
    return [
        ...new Set([...hosts, addresses.main.orchestrator, addresses.internal.orchestrator]),
    ].sort();
}

function known<T>(values: Readonly<Record<string, T>>, key: string, manifest: ServerManifest): T {
    const value = values[key];
    if (value === undefined) {
        throw new pulumi.RunError(
            `${manifest.file}: "${key}" is not known to this stack; known: ${Object.keys(values).sort().join(", ")}`,
        );
    }
    return value;
}
