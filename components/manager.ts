import * as pulumi from "@pulumi/pulumi";

import { INNER_RUNTIME, LABELS, MANAGER_NAME, PATHS, PORTS, SERVER_USER } from "../config/defaults";
import { edgeScheme } from "../config/edge-settings";
import { ROUTES_FILE } from "../config/gateway";
import { managerSees } from "../config/manager";
import { TMP_OPTIONS } from "../config/server-container";

import { managedContainer } from "./managed-container";
import { generatedPassword } from "./password";
import { ServerSecrets } from "./server-secrets";
import { ownerLabels, type StackContext } from "./stack-context";

export const MANAGER_TYPE = "mcp:inner:Manager";

/** Roles of the API's tokens; each is a file of that name among the manager's secrets. */
export const MANAGER_ROLES = ["read", "operate"] as const;

export interface ManagerArgs {
    readonly context: StackContext;
    /** Image of services/manager, by content id. */
    readonly image: pulumi.Input<string>;
    /** The inner network without a way out. */
    readonly network: pulumi.Input<string>;
    /** Inner volumes: central logs, and the client certificate for the inner daemon. */
    readonly volumes: {
        readonly logs: pulumi.Input<string>;
        readonly clientCerts: pulumi.Input<string>;
    };
    /** Inner volume where the gateway reads which servers the API has made. */
    readonly routes: pulumi.Input<string>;
    /** Images a manifest may name under `spec.build`: name to content id. */
    readonly images: Readonly<Record<string, pulumi.Input<string>>>;
}

/**
 * The management API with its dashboard, metrics and central logs. It lives on the inner daemon within the bar, and
 * reaches that daemon by mutual TLS: no socket. With its certificate it could do all that a client of the daemon can,
 * which is why its API asks for a token in every request.
 */
export class Manager extends pulumi.ComponentResource {
    /** Tokens of the API by role. Secrets. */
    public readonly tokens: Readonly<Record<(typeof MANAGER_ROLES)[number], pulumi.Output<string>>>;

    constructor(name: string, args: ManagerArgs, opts?: pulumi.ComponentResourceOptions) {
        super(MANAGER_TYPE, name, {}, opts);
        const { context } = args;
        const { settings, addresses } = context;
        const child = { parent: this };
        this.tokens = {
            read: generatedPassword(`${name}-token-read`, child),
            operate: generatedPassword(`${name}-token-operate`, child),
        };
        const labels = ownerLabels(settings.stack, "manager");
        const secrets = new ServerSecrets(
            `${name}-secrets`,
            {
                server: MANAGER_NAME,
                image: args.image,
                labels,
                files: [
                    ...MANAGER_ROLES.map((role) => ({
                        name: `${role}-token`,
                        content: this.tokens[role],
                    })),
                    // No secret; but its values are known after the images are there, and an environment of unknown
                    // values is one that policies cannot judge in a preview.
                    { name: "images.json", content: pulumi.jsonStringify(args.images) },
                ],
            },
            child,
        );
        const { consul, edge, places } = managerSees(context);
        managedContainer(
            `${name}-container`,
            {
                containerName: MANAGER_NAME,
                image: args.image,
                hostname: MANAGER_NAME,
                user: SERVER_USER,
                readOnly: true,
                init: true,
                runtime: INNER_RUNTIME,
                environment: {
                    MANAGER_DAEMON_URL: `https://${addresses.main.orchestrator}:${String(PORTS.dockerTls.container)}`,
                    MANAGER_CERTS_DIR: PATHS.clientCerts,
                    MANAGER_LOGS_DIR: PATHS.logs,
                    MANAGER_READ_TOKEN_FILE: `${PATHS.secrets}/read-token`,
                    MANAGER_OPERATE_TOKEN_FILE: `${PATHS.secrets}/operate-token`,
                    MANAGER_IMAGES_FILE: `${PATHS.secrets}/images.json`,
                    MANAGER_ROUTES_FILE: ROUTES_FILE,
                    MANAGER_API_PORT: String(PORTS.management.container),
                    MANAGER_METRICS_PORT: String(PORTS.metrics.container),
                    MANAGER_GATEWAY_URL: `http://${addresses.inner.gateway}:${String(PORTS.gatewayMetrics)}`,
                    MANAGER_ALLOWED_HOSTS: allowedHosts(context).join(","),
                    MANAGER_STACK: stackJson(context),
                    ...(consul === undefined ? {} : { MANAGER_CONSUL_URL: `http://${consul}` }),
                    MANAGER_EDGE_URL: `${edgeScheme(settings.edge)}://${edge}`,
                },
                memoryMb: 256,
                cpus: 0.5,
                stopGraceSeconds: 10,
                tmpfs: { "/tmp": TMP_OPTIONS },
                networks: [{ name: args.network, ipv4Address: addresses.inner.manager }],
                dns: ["127.0.0.1"],
                ports: [PORTS.management, PORTS.metrics].map(({ container }) => ({
                    internal: container,
                    external: container,
                    ip: addresses.main.orchestrator,
                })),
                volumes: [
                    {
                        volumeName: args.volumes.clientCerts,
                        containerPath: PATHS.clientCerts,
                        readOnly: true,
                    },
                    { volumeName: args.volumes.logs, containerPath: PATHS.logs },
                    { volumeName: args.routes, containerPath: PATHS.routes },
                    {
                        volumeName: secrets.volumeName,
                        containerPath: PATHS.secrets,
                        readOnly: true,
                    },
                ],
                labels: { ...labels, [LABELS.egress]: places.join(" ") },
                health: {
                    test: [
                        ...["CMD", "curl", "-fsS", "-m", "4"],
                        `http://127.0.0.1:${String(PORTS.management.container)}/health`,
                    ],
                    intervalSeconds: 5,
                    timeoutSeconds: 5,
                    startPeriodSeconds: 60,
                    startIntervalSeconds: 1,
                    retries: 3,
                },
            },
            { ...child, replaceWith: [secrets.carrier] },
        );
        this.registerOutputs({ tokens: this.tokens });
    }
}

/** Names a request may come under: everything else is refused against DNS rebinding. */
function allowedHosts({ settings, names, addresses }: StackContext): string[] {
    const found = [`${names.service(MANAGER_NAME)}.service.consul`, names.orchestrator];
    const hosts = ["localhost", "127.0.0.1", settings.bindAddress, addresses.main.orchestrator];
    return [...new Set([...hosts, ...found])].sort();
}

/** What of the settings decides how servers look, for those made through the API. */
function stackJson({ settings }: StackContext): string {
    const { stack, namePrefix, portOffset, bindAddress } = settings;
    const { mainSubnet, internalSubnet, innerPool, postgres, orchestrator, publishServers } =
        settings;
    const { cpus, memoryMb } = orchestrator;
    return JSON.stringify({
        ...{ stack, namePrefix, portOffset, bindAddress },
        ...{ mainSubnet, internalSubnet, innerPool, postgres, publishServers },
        // What all its containers together have to fit into.
        orchestrator: { cpus, memoryMb },
    });
}
