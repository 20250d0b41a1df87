import type { StackContext } from "../../components/stack-context";

import { askConsul, ConsulRefusal } from "./client";
import { consulTarget } from "./target";

/** A service instance of this stack as Consul has it. */
export interface Registered {
    /** Name in Consul. */
    readonly service: string;
    readonly address: string;
    readonly port: number;
    readonly tags: readonly string[];
    readonly meta: Readonly<Record<string, string>>;
    readonly state: "passing" | "warning" | "critical";
    /** What the reporter said last, in one line. */
    readonly output: string;
}

interface Check {
    readonly Status: Registered["state"];
    readonly Output: string;
    readonly Notes: string;
    readonly ServiceID: string;
}

interface Service {
    readonly ID: string;
    readonly Service: string;
    readonly Address: string;
    readonly Port: number;
    readonly Tags: readonly string[] | null;
    readonly Meta: Readonly<Record<string, string>> | null;
}

/**
 * Everything registered on the stack's node, by name; empty when the node is not there.
 * @throws Error when Consul does not answer or shows nothing without a token, ConsulRefusal when it refuses
 */
export async function registered(context: StackContext): Promise<Registered[]> {
    const target = consulTarget(context);
    const node = context.names.orchestrator;
    const [found, checks] = await Promise.all([
        askConsul<{ Node?: object | null; Services: readonly Service[] | null } | null>(
            target,
            "GET",
            `/v1/catalog/node-services/${node}`,
        ),
        askConsul<readonly Check[]>(target, "GET", `/v1/health/node/${node}`),
    ]);
    // What a token may not see is left out of the answer, not refused.
    if (!found?.Node && context.settings.consul.mode === "external" && !target.token) {
        throw new Error(
            `Consul at ${target.url} shows nothing of ${node} without a token (CONSUL_HTTP_TOKEN)`,
        );
    }
    return (found?.Services ?? [])
        .map((service): Registered => {
            const own = checks.filter((check) => check.ServiceID === service.ID);
            const worst =
                own.find(({ Status }) => Status === "critical") ??
                own.find(({ Status }) => Status === "warning") ??
                own[0];
            return {
                service: service.Service,
                address: service.Address,
                port: service.Port,
                tags: service.Tags ?? [],
                meta: service.Meta ?? {},
                // A service without a check counts as passing for Consul; nobody has asked it, and we say so.
                state: worst?.Status ?? "critical",
                output: worst ? worst.Output.trim() || worst.Notes : "no check: not reported yet",
            };
        })
        .sort((left, right) => (left.service < right.service ? -1 : 1));
}

/** Whether the stack's prepared query is there. It answers for any server, also for one that does not exist. */
export async function hasQuery(context: StackContext, name: string): Promise<boolean> {
    try {
        await askConsul(consulTarget(context), "GET", `/v1/query/${name}/execute`);
        return true;
    } catch (error) {
        if (error instanceof ConsulRefusal && error.status === 404) return false;
        throw error;
    }
}
