import * as pulumi from "@pulumi/pulumi";

import { PORTS } from "../config/defaults";

import type { ConsulAccess } from "./consul-access";
import { upload } from "./container-types";
import { managedContainer } from "./managed-container";
import type { NetworkPair } from "./network-pair";
import { ownerLabels, type StackContext } from "./stack-context";

export const REPORTER_TYPE = "mcp:host:Reporter";

const FILES = "/etc/mcp";

export interface ReporterArgs {
    readonly context: StackContext;
    /** Image of services/reporter, by content id. */
    readonly image: pulumi.Input<string>;
    readonly networks: NetworkPair;
    readonly consul: ConsulAccess;
    /** CA of the inner daemon, PEM. */
    readonly daemonCa: pulumi.Input<string>;
    /** Its token as a client of the gateway. */
    readonly mcpToken: pulumi.Input<string>;
}

/**
 * The one source of health: asks every registered server for its tools and writes the answer into Consul. It stands on
 * `sutazai-main`, outside the orchestrator: from inside a dead one, nobody could report it.
 */
export class Reporter extends pulumi.ComponentResource {
    constructor(name: string, args: ReporterArgs, opts?: pulumi.ComponentResourceOptions) {
        super(REPORTER_TYPE, name, {}, opts);
        const { context, consul } = args;
        const { settings, names, addresses } = context;
        managedContainer(
            `${name}-container`,
            {
                containerName: names.reporter,
                image: args.image,
                hostname: names.reporter,
                user: "1001:1001",
                environment: {
                    REPORTER_CONSUL_URL: consul.url,
                    REPORTER_CONSUL_TOKEN_FILE: `${FILES}/consul-token`,
                    ...(consul.ca === undefined
                        ? {}
                        : { REPORTER_CONSUL_CA_FILE: `${FILES}/consul-ca.pem` }),
                    ...(consul.datacenter === undefined
                        ? {}
                        : { REPORTER_DATACENTER: consul.datacenter }),
                    REPORTER_MCP_TOKEN_FILE: `${FILES}/mcp-token`,
                    REPORTER_MCP_TOKEN_AT: `${addresses.main.orchestrator}:${String(PORTS.gateway.container)}`,
                    REPORTER_TLS_CA_FILE: `${FILES}/daemon-ca.pem`,
                    REPORTER_NODE: names.orchestrator,
                    REPORTER_SERVICE: names.service("mcp-reporter"),
                    REPORTER_ADDRESS: addresses.main.reporter,
                },
                memoryMb: 192,
                cpus: 0.5,
                init: true,
                stopGraceSeconds: 10,
                tmpfs: { "/tmp": "rw,nosuid,nodev,noexec,size=16m,mode=1777" },
                networks: [{ name: args.networks.main, ipv4Address: addresses.main.reporter }],
                // Root owns an upload and the reporter runs as 1001: readable to all of this container, which is it.
                uploads: [
                    upload(`${FILES}/consul-token`, consul.tokens.reporter, "0444"),
                    upload(`${FILES}/daemon-ca.pem`, args.daemonCa, "0444"),
                    upload(`${FILES}/mcp-token`, args.mcpToken, "0444"),
                    ...(consul.ca === undefined
                        ? []
                        : [upload(`${FILES}/consul-ca.pem`, consul.ca, "0444")]),
                ],
                labels: ownerLabels(settings.stack, "reporter"),
                health: {
                    test: ["CMD", "node", "/opt/reporter/dist/main.js", "health"],
                    intervalSeconds: 5,
                    timeoutSeconds: 5,
                    startPeriodSeconds: 30,
                    retries: 3,
                },
                waitSeconds: 60,
            },
            { parent: this, dependsOn: consul.own ? [consul.own.container] : [] },
        );
        this.registerOutputs({});
    }
}
