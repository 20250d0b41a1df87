import * as pulumi from "@pulumi/pulumi";

import { LABELS, PORTS } from "../config/defaults";
import { CADDY_COMMAND, CADDY_ENVIRONMENT, renderCaddy } from "../config/edge/caddy";
import { kongEnvironment, renderKong } from "../config/edge/kong";
import { EDGE_PATHS, planEdge, type EdgePlan } from "../config/edge/model";
import { edgeSettings } from "../config/edge-settings";
import type { HealthCheck } from "../config/container";
import { hostPort } from "../config/names";
import { TMP_OPTIONS } from "../config/server-container";

import type { CarriedFile } from "./carried-files";
import { HostFiles } from "./host-files";
import { managedContainer } from "./managed-container";
import type { NetworkPair } from "./network-pair";
import { ownerLabels, type StackContext } from "./stack-context";

export const EDGE_TYPE = "mcp:host:Edge";

/** A user of its own on the host: the limit of processes counts those of every stack's edge, and nothing else. */
const USER = 10_005;
/** Threads, which is what the kernel counts; Caddy has about 15, Kong 10. */
const PROCESSES = 512;

export interface EdgeArgs {
    readonly context: StackContext;
    /** Image of the program that the settings ask for, by content id. */
    readonly image: pulumi.Input<string>;
    readonly networks: NetworkPair;
    /** PEM; needed unless the settings say that there is no TLS. */
    readonly certificate:
        { readonly cert: pulumi.Input<string>; readonly key: pulumi.Input<string> } | undefined;
}

/**
 * The one way in for clients, on a port of the host: Kong or Caddy, in front of the gateway. It authenticates nobody and
 * has no right of its own: whoever takes it over sees what passes, and reaches what is on `sutazai-main`.
 *
 * Its root is read-only, so configuration and certificate come on a volume; a change of them makes the container anew.
 */
export class Edge extends pulumi.ComponentResource {
    constructor(name: string, args: EdgeArgs, opts?: pulumi.ComponentResourceOptions) {
        super(EDGE_TYPE, name, {}, opts);
        const { context, certificate } = args;
        const { settings, names, addresses } = context;
        const child = { parent: this };
        const labels = ownerLabels(settings.stack, "edge");
        const plan = planEdge(settings, edgeSettings(settings, PORTS.gateway.container));
        const program = PROGRAMS[settings.edge.program](plan);
        if ((plan.tls === undefined) !== (certificate === undefined)) {
            throw new pulumi.RunError("edge: has a certificate exactly when edgeTls is not none");
        }
        const files = new HostFiles(
            `${name}-files`,
            {
                owner: names.edge,
                image: args.image,
                labels,
                files: [
                    program.configuration,
                    ...(certificate
                        ? [
                              { name: fileName(EDGE_PATHS.certFile), content: certificate.cert },
                              { name: fileName(EDGE_PATHS.keyFile), content: certificate.key },
                          ]
                        : []),
                ],
            },
            child,
        );
        managedContainer(
            `${name}-container`,
            {
                containerName: names.edge,
                image: args.image,
                hostname: names.edge,
                user: `${String(USER)}:${String(USER)}`,
                readOnly: true,
                init: true,
                ...(program.command ? { command: program.command } : {}),
                environment: program.environment,
                memoryMb: program.memoryMb,
                cpus: 1,
                processes: PROCESSES,
                stopGraceSeconds: 15,
                tmpfs: { [EDGE_PATHS.scratch]: TMP_OPTIONS },
                networks: [{ name: args.networks.main, ipv4Address: addresses.main.edge }],
                ports: [
                    {
                        internal: plan.listenPort,
                        external: hostPort(PORTS.edge.host, settings.portOffset),
                        ip: settings.edge.bindAddress,
                    },
                ],
                volumes: [
                    {
                        volumeName: files.volumeName,
                        containerPath: EDGE_PATHS.folder,
                        readOnly: true,
                    },
                ],
                labels: {
                    ...labels,
                    [LABELS.program]: settings.edge.program,
                    [LABELS.tls]: settings.edge.tls.mode,
                },
                health: {
                    test: program.healthTest,
                    intervalSeconds: 5,
                    timeoutSeconds: 5,
                    startPeriodSeconds: 60,
                    retries: 3,
                },
            },
            { ...child, replaceWith: [files.carrier] },
        );
        this.registerOutputs({});
    }
}

interface Program {
    readonly configuration: CarriedFile;
    readonly environment: Readonly<Record<string, string>>;
    /** @default the image's */
    readonly command?: readonly string[];
    readonly memoryMb: number;
    readonly healthTest: HealthCheck["test"];
}

const PROGRAMS: Readonly<
    Record<StackContext["settings"]["edge"]["program"], (plan: EdgePlan) => Program>
> = {
    kong: (plan) => ({
        configuration: { name: fileName(EDGE_PATHS.kongConfig), content: renderKong(plan) },
        environment: kongEnvironment(plan),
        memoryMb: 512,
        healthTest: ["CMD", "kong", "health"],
    }),
    caddy: (plan) => ({
        configuration: { name: fileName(EDGE_PATHS.caddyConfig), content: renderCaddy(plan) },
        environment: CADDY_ENVIRONMENT,
        command: CADDY_COMMAND,
        memoryMb: 192,
        healthTest: [
            ...["CMD", "wget", "-q", "-T", "4", "-O", "/dev/null"],
            `http://127.0.0.1:${String(plan.metrics.port)}/status/ready`,
        ],
    }),
};

/** Name below the folder that the volume is mounted on. */
function fileName(path: string): string {
    return path.slice(EDGE_PATHS.folder.length + 1);
}
