import { askConsul, type ConsulTarget } from "../../../cli/consul/client";
import { PORTS } from "../../../config/defaults";

import type { TestStack } from "./stack";
import { until } from "./wait";

/** A service instance with its checks, as Consul answers it. */
export interface Instance {
    readonly Service: { readonly Address: string; readonly Port: number };
    readonly Checks: readonly { readonly CheckID: string; readonly Status: string }[];
}

/** A token that may do everything in the stack's own Consul. */
export async function ownConsul(stack: TestStack): Promise<ConsulTarget> {
    const port = String(stack.portOffset + PORTS.consul.host);
    const token = await stack.shell("consul", "cat /etc/mcp/management-token");
    return { url: `http://127.0.0.1:${port}`, token };
}

/** What consumers find of a server: healthy instances alone. */
export function passing(
    consul: ConsulTarget,
    stack: TestStack,
    server: string,
): Promise<readonly Instance[]> {
    const service = stack.names.service(server);
    return askConsul(consul, "GET", `/v1/health/service/${service}?passing`);
}

/** Waits until consumers find so many instances of a server. */
export async function found(
    consul: ConsulTarget,
    stack: TestStack,
    server: string,
    count: number,
): Promise<void> {
    await until(`${String(count)} healthy ${server} in Consul`, 15, async () => {
        const instances = await passing(consul, stack, server);
        return instances.length === count || undefined;
    });
}

/** Names of the services on the stack's node; undefined when the node is not there. */
export async function servicesOf(
    consul: ConsulTarget,
    stack: TestStack,
): Promise<string[] | undefined> {
    const path = `/v1/catalog/node-services/${stack.names.orchestrator}`;
    const answer = await askConsul<{ Services: { Service: string }[] | null } | null>(
        consul,
        "GET",
        path,
    );
    return answer?.Services?.map(({ Service }) => Service).sort();
}

/** Removes the token of a role, as somebody with all rights might. */
export async function revoke(consul: ConsulTarget, role: string): Promise<void> {
    const tokens = await askConsul<{ AccessorID: string; Description: string }[]>(
        consul,
        "GET",
        "/v1/acl/tokens",
    );
    const own = tokens.filter(({ Description }) => Description === `mcp ${role}`);
    if (own.length !== 1) throw new Error(`${String(own.length)} tokens of ${role}`);
    for (const { AccessorID } of own) {
        await askConsul(consul, "DELETE", `/v1/acl/token/${AccessorID}`);
    }
}
