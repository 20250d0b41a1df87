import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";

import { INNER_RUNTIME, LABELS, SERVER_USER } from "../config/defaults";
import { EGRESS_HEALTH, EGRESS_LIMITS } from "../config/egress/plan";
import type { ServerManifest } from "../config/manifest";
import { egressOf, TMP_OPTIONS } from "../config/server-container";

import { managedContainer } from "./managed-container";
import { labelList, ownerLabels, type StackContext } from "./stack-context";

export const EGRESS_COMPANION_TYPE = "mcp:inner:Egress";

/** What `mcp.component` says of companions and of their links. */
export const COMPANION_COMPONENT = "egress";

export interface EgressCompanionArgs {
    readonly context: StackContext;
    /** Whom it belongs to, with what that declares: at least one target. */
    readonly server: Pick<ServerManifest, "name" | "egress">;
    /** Image `egress`, by content id. */
    readonly image: pulumi.Input<string>;
    /** Inner network with a way out. */
    readonly network: pulumi.Input<string>;
}

/**
 * The way out of one server: a network that holds the two alone, and a container on it and on the network of companions
 * that lets through what the manifest declares (docs/egress.md). The server finds it by name.
 *
 * The link's subnet is Docker's to give, so that no server's depends on which others there are.
 */
export class EgressCompanion extends pulumi.ComponentResource {
    /** Name of the network it shares with its server. */
    public readonly link: pulumi.Output<string>;
    public readonly container: docker.Container;

    constructor(name: string, args: EgressCompanionArgs, opts?: pulumi.ComponentResourceOptions) {
        super(EGRESS_COMPANION_TYPE, name, {}, opts);
        const { context, server } = args;
        const { settings, names } = context;
        const child = { parent: this, deleteBeforeReplace: true };
        const labels = {
            ...ownerLabels(settings.stack, COMPANION_COMPONENT),
            [LABELS.server]: server.name,
        };
        const plan = egressOf(context, server);
        this.link = new docker.Network(
            `${name}-link`,
            {
                name: names.link(server.name),
                driver: "bridge",
                options: { "com.docker.network.bridge.enable_ip_masquerade": "false" },
                labels: labelList(labels),
            },
            child,
        ).name;
        this.container = managedContainer(
            `${name}-container`,
            {
                containerName: names.companion(server.name),
                image: args.image,
                hostname: names.companion(server.name),
                user: SERVER_USER,
                readOnly: true,
                init: true,
                runtime: INNER_RUNTIME,
                environment: {
                    ...plan.companionEnvironment,
                    MCP_PIDS_LIMIT: String(EGRESS_LIMITS.pids),
                },
                memoryMb: EGRESS_LIMITS.memoryMb,
                cpus: EGRESS_LIMITS.cpus,
                stopGraceSeconds: 5,
                tmpfs: { "/tmp": TMP_OPTIONS },
                networks: [
                    { name: args.network },
                    { name: this.link, aliases: plan.companionNames },
                ],
                hosts: plan.companionHosts,
                labels: { ...labels, [LABELS.egress]: server.egress.join(" ") },
                health: {
                    test: ["CMD", ...EGRESS_HEALTH],
                    intervalSeconds: 10,
                    timeoutSeconds: 5,
                    startPeriodSeconds: 30,
                    startIntervalSeconds: 1,
                    retries: 3,
                },
            },
            child,
        );
        this.registerOutputs({ link: this.link });
    }
}
