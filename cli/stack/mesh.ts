import type { StackContext } from "../../components/stack-context";
import type { ServerManifest } from "../../config/manifest";
import { hasQuery, registered, type Registered } from "../consul/catalog";
import type { StateResource } from "../engine/pulumi";
import { messageOf } from "../errors";

/** Resources that live in Consul. */
export function inConsul({ type }: StateResource): boolean {
    return type.startsWith("consul:");
}

/**
 * Registrations that the state has and Consul has not: removed by hand, or lost with its data. A Consul that does not
 * answer, or does not let services be looked up, has lost nothing.
 */
export async function lostRegistrations(
    context: StackContext,
    resources: readonly StateResource[],
): Promise<StateResource[]> {
    const known = resources.filter(inConsul);
    if (known.length === 0) return [];
    const found = await registered(context).catch(() => undefined);
    if (!found) return [];
    const services = new Set(found.map(({ service }) => service));
    const lost = known.filter(
        ({ type, id }) => type === "consul:index/service:Service" && !services.has(id ?? ""),
    );
    // A node that has none of its services any more is most likely gone with them.
    const node =
        found.length > 0 ? [] : known.filter(({ type }) => type === "consul:index/node:Node");
    const queries = known.filter(({ type }) => type === "consul:index/preparedQuery:PreparedQuery");
    const gone = await Promise.all(
        queries.map(async (query) => {
            const name = query.outputs?.name;
            if (typeof name !== "string") return [];
            return (await hasQuery(context, name).catch(() => true)) ? [] : [query];
        }),
    );
    return [...node, ...lost, ...gone.flat()];
}

/** A server as consumers of Consul see it. */
export interface MeshState {
    readonly server: string;
    readonly state: "passing" | "warning" | "critical" | "missing";
    readonly reason: string;
}

/**
 * The servers in Consul, waiting up to `patienceMs` for all to pass; the reporter needs a few seconds.
 * @returns the reason instead, when Consul cannot be asked
 */
export async function meshStates(
    context: StackContext,
    manifests: readonly ServerManifest[],
    patienceMs: number,
): Promise<readonly MeshState[] | string> {
    const deadline = Date.now() + patienceMs;
    for (;;) {
        const states = await registered(context).then(
            (found) =>
                manifests.map(({ name }) => stateOf(context.names.service(name), name, found)),
            messageOf,
        );
        const done = typeof states !== "string" && states.every(({ state }) => state === "passing");
        if (done || Date.now() >= deadline) return states;
        await new Promise((resolve) => setTimeout(resolve, 250));
    }
}

function stateOf(service: string, server: string, found: readonly Registered[]): MeshState {
    const one = found.find((candidate) => candidate.service === service);
    if (!one) return { server, state: "missing", reason: "not registered" };
    return { server, state: one.state, reason: one.output };
}

/** The states in one line for people. */
export function meshLine(states: readonly MeshState[] | string): string {
    if (typeof states === "string") return states;
    const sick = states.filter(({ state }) => state !== "passing");
    const passing = `Consul: ${String(states.length - sick.length)} of ${String(states.length)} servers pass`;
    return [
        passing,
        ...sick.map(({ server, state, reason }) => `${server} is ${state} (${reason})`),
    ].join("; ");
}
