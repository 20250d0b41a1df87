import { createHash } from "node:crypto";

import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";

import { CONSUL_PORTS, PORTS } from "../config/defaults";
import { hostPort } from "../config/names";

import type { ConsulAccess } from "./consul-access";
import { consulPolicies } from "./consul-policies";
import { upload } from "./container-types";
import { managedContainer } from "./managed-container";
import type { NetworkPair } from "./network-pair";
import { generatedPassword } from "./password";
import { labelList, ownerLabels, type StackContext } from "./stack-context";

export const CONSUL_TYPE = "mcp:host:Consul";

const FILES = "/etc/mcp";
const DATA = "/consul/data";
/** Consul's own default. */
const DATACENTER = "dc1";

export interface ConsulArgs {
    readonly context: StackContext;
    /** Image with `consul` and `curl`, by digest or content id. */
    readonly image: pulumi.Input<string>;
    readonly networks: NetworkPair;
    /** Start script. Plain file content. */
    readonly start: string;
}

/**
 * The managed Consul: a single server on `sutazai-main`, its HTTP API also on the host's loopback.
 *
 * Closed by default: ACLs deny, gossip is encrypted, no script checks, no Connect, no UI. The start script makes the
 * policies and tokens hold at every start, so that what the state knows is what counts, as with the database's roles.
 * Without a token anybody on `sutazai-main` may look services up, by HTTP and DNS, and nothing else.
 */
export class Consul extends pulumi.ComponentResource {
    public readonly access: ConsulAccess;

    constructor(name: string, args: ConsulArgs, opts?: pulumi.ComponentResourceOptions) {
        super(CONSUL_TYPE, name, {}, opts);
        const { context, networks } = args;
        const { settings, names, addresses } = context;
        const child = { parent: this };
        const seed = generatedPassword(`${name}-seed`, child);
        const secret = (purpose: string): pulumi.Output<string> => derived(seed, purpose);
        const roles = ["agent", "registrar", "reporter"] as const;
        const tokens = Object.fromEntries(
            roles.map((role) => [role, secret(`token:${role}`).apply(uuid)]),
        ) as Record<(typeof roles)[number], pulumi.Output<string>>;
        const management = secret("token:management").apply(uuid);
        const data = new docker.Volume(
            `${name}-data`,
            {
                name: names.volumes.consul,
                driver: "local",
                labels: labelList(ownerLabels(settings.stack, "volume-consul")),
            },
            { ...child, deleteBeforeReplace: true },
        );
        const container = managedContainer(
            `${name}-container`,
            {
                containerName: names.consul,
                image: args.image,
                hostname: names.consul,
                // The user of the upstream image.
                user: "100:1000",
                entrypoint: [`${FILES}/mcp-consul`],
                memoryMb: 256,
                cpus: 1,
                init: true,
                stopGraceSeconds: 15,
                tmpfs: { "/tmp": "rw,nosuid,nodev,noexec,size=16m,mode=1777" },
                networks: [{ name: networks.main, ipv4Address: addresses.main.consul }],
                ports: [
                    {
                        internal: CONSUL_PORTS.http,
                        external: hostPort(PORTS.consul.host, settings.portOffset),
                        ip: settings.bindAddress,
                    },
                ],
                volumes: [{ volumeName: data.name, containerPath: DATA }],
                // Root owns an upload and Consul runs as 100: readable to all of this container, which is it.
                uploads: [
                    upload(`${FILES}/mcp-consul`, args.start, "0555"),
                    upload(
                        `${FILES}/consul.json`,
                        pulumi
                            .all([management, tokens.agent, secret("gossip")])
                            .apply(([manager, agent, gossip]) =>
                                agentConfig(context, { manager, agent, gossip }),
                            ),
                        "0444",
                    ),
                    upload(`${FILES}/management-token`, management, "0444"),
                    ...roles.map((role) => upload(`${FILES}/tokens/${role}`, tokens[role], "0444")),
                    ...Object.entries(consulPolicies(names)).map(([role, rules]) =>
                        upload(`${FILES}/policies/${role}.hcl`, rules, "0444"),
                    ),
                ],
                labels: ownerLabels(settings.stack, "consul"),
                health: {
                    test: ["CMD", `${FILES}/mcp-consul`, "health"],
                    intervalSeconds: 2,
                    timeoutSeconds: 10,
                    startPeriodSeconds: 60,
                    retries: 5,
                },
            },
            child,
        );
        const port = String(hostPort(PORTS.consul.host, settings.portOffset));
        this.access = {
            // Through the id, as the inner daemon's address: unknown exactly while the container is made anew.
            address: container.id.apply(() => `${settings.bindAddress}:${port}`),
            scheme: "http",
            datacenter: DATACENTER,
            url: `http://${addresses.main.consul}:${String(CONSUL_PORTS.http)}`,
            tokens: { registrar: tokens.registrar, reporter: tokens.reporter },
            own: { container, data },
        };
        this.registerOutputs({});
    }
}

/** A secret of its own from the seed: 64 hexadecimal digits. */
function derived(seed: pulumi.Output<string>, purpose: string): pulumi.Output<string> {
    return pulumi.secret(
        seed.apply((text) => createHash("sha256").update(`${purpose}\0${text}`).digest("hex")),
    );
}

/** The first 32 digits in the form Consul wants of a token. */
function uuid(hex: string): string {
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, "$1-$2-$3-$4-$5");
}

/** Configuration of the agent, JSON. */
function agentConfig(
    { names, addresses }: StackContext,
    secrets: { readonly manager: string; readonly agent: string; readonly gossip: string },
): string {
    return JSON.stringify({
        server: true,
        bootstrap_expect: 1,
        datacenter: DATACENTER,
        node_name: names.consul,
        data_dir: DATA,
        // The raft store remembers this address: fixed, like every address on that network.
        bind_addr: addresses.main.consul,
        client_addr: "0.0.0.0",
        ports: {
            http: CONSUL_PORTS.http,
            dns: CONSUL_PORTS.dns,
            grpc: -1,
            grpc_tls: -1,
            serf_wan: -1,
        },
        encrypt: Buffer.from(secrets.gossip, "hex").toString("base64"),
        disable_keyring_file: true,
        acl: {
            enabled: true,
            default_policy: "deny",
            tokens: { initial_management: secrets.manager, agent: secrets.agent },
        },
        connect: { enabled: false },
        ui_config: { enabled: false },
        dns_config: { only_passing: true },
        performance: { raft_multiplier: 1 },
        disable_update_check: true,
        log_level: "warn",
    });
}
