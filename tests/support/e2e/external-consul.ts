import { randomUUID } from "node:crypto";
import * as path from "node:path";

import { askConsul, type ConsulTarget } from "../../../cli/consul/client";
import { uploadArchive } from "../../../cli/rehearse/creators/upload";
import { consulPolicies } from "../../../components/consul-policies";
import { readMachineFacts } from "../../../config/machine";
import { namesFor } from "../../../config/names";
import { testAuthority } from "../certificates";

import { PROJECT_DIR } from "./cli";
import { host } from "./docker";

const NAME = "e2e-external-consul";
const PORTS = { https: 28_501, server: 28_300, serf_lan: 28_301 };

/**
 * A Consul that is no part of a stack: ACLs deny, HTTPS with a certificate of an authority of our own, on the address
 * that this host has on Docker's default network, where it and containers of every network reach it.
 */
export class ExternalConsul {
    private readonly settings = new Map<string, Promise<Record<string, string>>>();

    private constructor(
        /** `host:port` */
        readonly address: string,
        readonly ca: string,
        /** May do everything. */
        readonly target: ConsulTarget,
        /** Address of this host that containers reach. */
        readonly gateway: string,
    ) {}

    static async start(): Promise<ExternalConsul> {
        await ExternalConsul.remove();
        const image = readMachineFacts(PROJECT_DIR).images?.consul;
        if (!image) throw new Error("no consul image: run ./mcp build");
        const { IPAM } = await host.getNetwork("bridge").inspect();
        const gateway = IPAM?.Config?.[0]?.Gateway ?? "172.17.0.1";
        const authority = await testAuthority();
        const { cert, key } = await authority.issue([{ type: "ip", value: gateway }]);
        const token = randomUUID();
        const config = JSON.stringify({
            ...{ server: true, bootstrap_expect: 1, node_name: NAME, data_dir: "/consul/data" },
            ...{ bind_addr: gateway, client_addr: gateway, log_level: "warn" },
            ports: { ...PORTS, http: -1, dns: -1, grpc: -1, grpc_tls: -1, serf_wan: -1 },
            acl: {
                ...{ enabled: true, default_policy: "deny" },
                tokens: { initial_management: token, agent: token },
            },
            tls: { https: { cert_file: "/etc/consul.pem", key_file: "/etc/consul.key" } },
            connect: { enabled: false },
            performance: { raft_multiplier: 1 },
            disable_update_check: true,
        });
        const container = await host.createContainer({
            name: NAME,
            Image: image.imageId,
            Cmd: ["consul", "agent", "-config-file=/etc/consul.json"],
            HostConfig: { NetworkMode: "host", CapDrop: ["ALL"], Init: true },
        });
        const files = [
            { file: "/etc/consul.json", content: config, permissions: "0444" },
            { file: "/etc/consul.pem", content: cert, permissions: "0444" },
            { file: "/etc/consul.key", content: key, permissions: "0444" },
        ];
        await container.putArchive(uploadArchive(files, path.resolve(PROJECT_DIR)), { path: "/" });
        await container.start();
        const address = `${gateway}:${String(PORTS.https)}`;
        const target = { url: `https://${address}`, ca: authority.cert, token };
        const consul = new ExternalConsul(address, authority.cert, target, gateway);
        await consul.ready();
        return consul;
    }

    /** Waits until it has a leader that knows its token. */
    async ready(): Promise<void> {
        const deadline = Date.now() + 30_000;
        for (;;) {
            const state = await askConsul(this.target, "GET", "/v1/acl/tokens").then(
                () => undefined,
                (error: unknown) => error,
            );
            if (state === undefined) return;
            if (Date.now() > deadline) throw state as Error;
            await new Promise((resolve) => setTimeout(resolve, 200));
        }
    }

    /** Stops it, keeping what it knows. */
    async stop(): Promise<void> {
        await host.getContainer(NAME).stop({ t: 10 });
    }

    async restart(): Promise<void> {
        await host.getContainer(NAME).start();
        await this.ready();
    }

    /** Settings of a stack with that prefix, with tokens that have exactly the documented rules. */
    settingsFor(prefix: string): Promise<Record<string, string>> {
        const known = this.settings.get(prefix) ?? this.makeSettings(prefix);
        this.settings.set(prefix, known);
        return known;
    }

    private async makeSettings(prefix: string): Promise<Record<string, string>> {
        const policies = consulPolicies(namesFor(prefix));
        const tokenFor = async (role: "registrar" | "reporter"): Promise<string> => {
            const Name = `${prefix}${role}`;
            await askConsul(this.target, "PUT", "/v1/acl/policy", { Name, Rules: policies[role] });
            const { SecretID } = await askConsul<{ SecretID: string }>(
                this.target,
                "PUT",
                "/v1/acl/token",
                { Policies: [{ Name }] },
            );
            return SecretID;
        };
        return {
            consulMode: "external",
            consulAddress: this.address,
            consulDatacenter: "dc1",
            consulCa: this.ca,
            consulToken: await tokenFor("registrar"),
            consulReporterToken: await tokenFor("reporter"),
        };
    }

    static async remove(): Promise<void> {
        await host
            .getContainer(NAME)
            .remove({ force: true, v: true })
            .catch((error: unknown) => {
                if ((error as { statusCode?: number }).statusCode !== 404) throw error;
            });
    }
}
