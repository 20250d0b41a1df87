import { Resolver } from "node:dns/promises";

import { askConsul, type ConsulTarget } from "../../../cli/consul/client";

import { exec } from "./docker";
import type { TestStack } from "./stack";

/** Where a server is, as Consul answers it. */
export interface Place {
    readonly address: string;
    readonly port: number;
}

interface Instance {
    readonly Service: { readonly Address: string; readonly Port: number };
}

/** A stack's own Consul, seen from this host. */
export class Mesh {
    readonly url: string;

    constructor(readonly stack: TestStack) {
        this.url = `http://127.0.0.1:${String(stack.port(10006))}`;
    }

    /** Name of a service of this stack. */
    service(name: string): string {
        return `${this.stack.prefix}${name}`;
    }

    /** Consul with the token of a role, read where it lies; without a role, as anybody. */
    async as(role?: "management" | "registrar" | "reporter" | "agent"): Promise<ConsulTarget> {
        if (role === undefined) return { url: this.url };
        const file = role === "management" ? "management-token" : `tokens/${role}`;
        const { stdout } = await exec(this.stack.consul, ["cat", `/etc/mcp/${file}`]);
        return { url: this.url, token: stdout.trim() };
    }

    /** What a consumer finds by HTTP: healthy instances alone. */
    async byHttp(server: string): Promise<Place[]> {
        const path = `/v1/health/service/${this.service(server)}?passing`;
        return places(await askConsul<Instance[]>({ url: this.url }, "GET", path));
    }

    /** What a consumer finds by the prepared query. */
    async byQuery(server: string): Promise<Place[]> {
        const path = `/v1/query/${this.service("mcp-")}${server}/execute`;
        return places(
            (await askConsul<{ Nodes: Instance[] }>({ url: this.url }, "GET", path)).Nodes,
        );
    }

    /** What a consumer finds by DNS: ports, and the addresses of the service's name. */
    async byDns(server: string): Promise<{ ports: number[]; addresses: string[] }> {
        const resolver = new Resolver({ timeout: 2_000, tries: 2 });
        resolver.setServers([`${this.stack.main(5)}:8600`]);
        const name = `${this.service(server)}.service.consul`;
        const none = (error: unknown): never[] => {
            if (/ENOTFOUND|ENODATA/.test(String(error))) return [];
            throw error;
        };
        const [records, addresses] = await Promise.all([
            resolver.resolveSrv(name).catch(none),
            resolver.resolve4(name).catch(none),
        ]);
        return { ports: records.map(({ port }) => port), addresses };
    }

    /**
     * Waits until consumers find the server, or do not find it any more, and gives the seconds that took.
     * Fails after `limit` seconds.
     */
    async until(server: string, there: boolean, limit = 10): Promise<number> {
        const begun = Date.now();
        for (;;) {
            const found = await this.byHttp(server).catch(() => undefined);
            const seconds = (Date.now() - begun) / 1000;
            if (found !== undefined && found.length === (there ? 1 : 0)) return seconds;
            if (seconds > limit) {
                const what = there ? "does not find" : "still finds";
                throw new Error(`after ${String(limit)} s a consumer ${what} ${server}`);
            }
            await new Promise((resolve) => setTimeout(resolve, 100));
        }
    }
}

function places(instances: readonly Instance[]): Place[] {
    return instances.map(({ Service }) => ({ address: Service.Address, port: Service.Port }));
}
