import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";

import type { ClientFile } from "../config/clients";
import {
    CLIENTS_NAME,
    GATEWAY_NAME,
    INNER_RUNTIME,
    LABELS,
    PATHS,
    PORTS,
    SERVER_USER,
} from "../config/defaults";
import { gatewayConfig, gatewayPorts, ROUTES_FILE, SYSTEM_RIGHTS } from "../config/gateway";
import { gatewayEgress } from "../config/gateway-settings";
import { canonicalJson, type ServerManifest } from "../config/manifest";
import { TMP_OPTIONS } from "../config/server-container";

import type { ClientToken, ClientTokens } from "./client-tokens";
import type { EgressCompanion } from "./egress-companion";
import { managedContainer } from "./managed-container";
import { generatedPassword } from "./password";
import { ServerSecrets } from "./server-secrets";
import { labelList, ownerLabels, type StackContext } from "./stack-context";

export const GATEWAY_TYPE = "mcp:inner:Gateway";

/** The configuration below `PATHS.secrets`. */
const CONFIG_FILE = "gateway.json";
const AUDIT_KEY_FILE = "audit-key";

export interface GatewayArgs {
    readonly context: StackContext;
    /** Image of services/gateway, by content id. */
    readonly image: pulumi.Input<string>;
    /** Inner network of the servers. */
    readonly network: pulumi.Input<string>;
    /** Its way out, when the settings name something it has to reach. */
    readonly companion?: EgressCompanion | undefined;
    /** Inner volume of the central logs. */
    readonly logs: pulumi.Input<string>;
    /** Inner volume where the manager tells which servers its API has made. */
    readonly routes: pulumi.Input<string>;
    readonly manifests: readonly ServerManifest[];
    readonly clients: readonly ClientFile[];
    readonly tokens: ClientTokens;
}

/**
 * The one door to the servers. It lives on the inner daemon within the bar, on the servers' network at a fixed
 * address, so that it finds servers by name; the orchestrator lets it begin connections to servers alone.
 *
 * What it serves is in a file that it reads again when it changes: a new server, client, token or rule replaces the
 * carrier of that file and leaves the gateway and every session that goes on as they are.
 */
export class Gateway extends pulumi.ComponentResource {
    constructor(name: string, args: GatewayArgs, opts?: pulumi.ComponentResourceOptions) {
        super(GATEWAY_TYPE, name, {}, opts);
        const { context } = args;
        const { settings, addresses } = context;
        const child = { parent: this };
        const labels = ownerLabels(settings.stack, "gateway");
        const carried = (suffix: string, server: string, files: CarriedFile[]): ServerSecrets =>
            new ServerSecrets(
                `${name}-${suffix}`,
                { server, image: args.image, labels, files },
                child,
            );
        const config = carried("config", GATEWAY_NAME, [
            { name: CONFIG_FILE, content: configuration(args) },
            // Of the argument hashes in the audit, so that equal ones stay equal over restarts.
            { name: AUDIT_KEY_FILE, content: generatedPassword(`${name}-audit-key`, child) },
        ]);
        // Not for the gateway, which has their hashes: for `./mcp client token`, by way of the host's daemon.
        const tokens = [...args.tokens.clients, args.tokens.system];
        carried(
            "tokens",
            CLIENTS_NAME,
            tokens.map((client) => ({ name: client.name, content: client.token })),
        );
        // What it saw first has to outlive it: else a server that changes its tools has only to wait for a restart.
        const state = new docker.Volume(
            `${name}-state`,
            { name: `${GATEWAY_NAME}-state`, driver: "local", labels: labelList(labels) },
            { ...child, deleteBeforeReplace: true },
        );
        const { otlpEndpoint } = settings.gateway;
        managedContainer(
            `${name}-container`,
            {
                containerName: GATEWAY_NAME,
                image: args.image,
                hostname: GATEWAY_NAME,
                user: SERVER_USER,
                readOnly: true,
                init: true,
                runtime: INNER_RUNTIME,
                environment: {
                    GATEWAY_CONFIG: `${PATHS.secrets}/${CONFIG_FILE}`,
                    GATEWAY_ADDED_FILE: ROUTES_FILE,
                    GATEWAY_PORT: String(PORTS.gateway.container),
                    // Not on every address: nothing is published there, and servers cannot begin anything; the manager can.
                    GATEWAY_METRICS_HOST: addresses.inner.gateway,
                    GATEWAY_METRICS_PORT: String(PORTS.gatewayMetrics),
                    GATEWAY_AUDIT_FILE: `${PATHS.audit}/calls.jsonl`,
                    GATEWAY_AUDIT_KEY_FILE: `${PATHS.secrets}/${AUDIT_KEY_FILE}`,
                    GATEWAY_PINS_FILE: `${PATHS.gatewayState}/pins.json`,
                    ...(otlpEndpoint === undefined
                        ? {}
                        : { OTEL_EXPORTER_OTLP_ENDPOINT: otlpEndpoint }),
                },
                memoryMb: 256,
                cpus: 0.75,
                stopGraceSeconds: 15,
                tmpfs: { "/tmp": TMP_OPTIONS },
                networks: [
                    { name: args.network, ipv4Address: addresses.inner.gateway },
                    ...(args.companion ? [{ name: args.companion.link }] : []),
                ],
                // Docker knows the servers' names itself; all else it would ask of the host's name server.
                dns: ["127.0.0.1"],
                ports: gatewayPorts(context).map((port) => ({
                    internal: port,
                    external: port,
                    ip: addresses.main.orchestrator,
                })),
                volumes: [
                    { volumeName: args.logs, containerPath: PATHS.logs },
                    { volumeName: args.routes, containerPath: PATHS.routes, readOnly: true },
                    { volumeName: state.name, containerPath: PATHS.gatewayState },
                    // By the volume, not by the carrier: a new carrier must not mean a new gateway.
                    {
                        volumeName: config.volume.name,
                        containerPath: PATHS.secrets,
                        readOnly: true,
                    },
                ],
                labels: {
                    ...labels,
                    [LABELS.egress]: gatewayEgress(settings.gateway).join(" ") || "none",
                },
                health: {
                    test: [
                        ...["CMD", "curl", "-fsS", "-m", "4"],
                        `http://127.0.0.1:${String(PORTS.gateway.container)}/healthz`,
                    ],
                    intervalSeconds: 5,
                    timeoutSeconds: 5,
                    startPeriodSeconds: 60,
                    startIntervalSeconds: 1,
                    retries: 3,
                },
            },
            {
                ...child,
                dependsOn: [config.carrier, ...(args.companion ? [args.companion.container] : [])],
            },
        );
        this.registerOutputs({});
    }
}

type CarriedFile = { readonly name: string; readonly content: pulumi.Input<string> };

/** The configuration file, with hashes for tokens. */
function configuration(args: GatewayArgs): pulumi.Output<string> {
    const { clients, system } = args.tokens;
    const known = [...clients, system].map(({ name, sha256 }: ClientToken) =>
        pulumi.all([name, sha256]),
    );
    return pulumi.all(known).apply((hashes) => {
        const hashOf = new Map(hashes);
        const known = [...args.clients, { ...SYSTEM_RIGHTS, oauthClient: undefined }].map(
            ({ oauthClient, ...rights }) => ({
                rights,
                identity:
                    oauthClient === undefined
                        ? { tokenSha256: hashOf.get(rights.name) ?? "" }
                        : { oauthClient },
            }),
        );
        return canonicalJson(gatewayConfig(args.context, args.manifests, known));
    });
}
