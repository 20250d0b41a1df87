import { randomUUID } from "node:crypto";

import type * as consul from "@pulumi/consul";
import type { Unwrap } from "@pulumi/pulumi";

import { askConsul, ConsulRefusal, type ConsulTarget } from "../../consul/client";
import type { Registration } from "../ledger";
import { refuseUnknown, type Creator, type Request, type Run } from "../run";

const KNOWN_PROVIDER = ["address", "caPem", "datacenter", "scheme", "token"];
const KNOWN_NODE = ["address", "meta", "name"];
const KNOWN_SERVICE = ["address", "checks", "meta", "name", "node", "port", "serviceId", "tags"];
const KNOWN_QUERY = ["name", "onlyPassing", "service", "tags", "template"];

/** A consul.Provider: the Consul its resources are registered in. */
export const createConsulProvider: Creator = ({ inputs, type }, run) => {
    refuseUnknown(type, inputs, KNOWN_PROVIDER);
    const { address, caPem, scheme, token } = inputs as unknown as Unwrap<consul.ProviderArgs>;
    if (!address) throw new Error("it names no address; rehearse takes none from the environment");
    const id = randomUUID();
    const { hostname, port } = new URL(`${scheme ?? "http"}://${address}`);
    // In a container of this rehearsal: what is registered goes with it.
    const isOwn = run.homes.some(({ published }) =>
        published.some((at) => at.ip === hostname && at.external === Number(port)),
    );
    run.consuls.set(id, {
        url: `${scheme ?? "http"}://${address}`,
        ...(caPem ? { ca: caPem } : {}),
        ...(token ? { token } : {}),
        isOwn,
    });
    return Promise.resolve({ id, state: {} });
};

/** An external node. */
export const createConsulNode: Creator = async (request, run) => {
    refuseUnknown(request.type, request.inputs, KNOWN_NODE);
    const inputs = request.inputs as unknown as Unwrap<consul.NodeArgs>;
    const name = inputs.name ?? request.name;
    const found = await askConsul(targetOf(request, run), "GET", `/v1/catalog/node/${name}`);
    if (found !== null) {
        throw new Error(`a node "${name}" is registered that this rehearsal did not make`);
    }
    await register(request, run, { what: "node", name }, async (ask) => {
        await ask("PUT", "/v1/catalog/register", {
            Node: name,
            Address: inputs.address,
            NodeMeta: inputs.meta,
        });
    });
    return { id: name, state: { name } };
};

/** A service instance with the checks it is born with. */
export const createConsulService: Creator = async (request, run) => {
    refuseUnknown(request.type, request.inputs, KNOWN_SERVICE);
    const inputs = request.inputs as unknown as Unwrap<consul.ServiceArgs>;
    const name = inputs.name ?? request.name;
    const id = inputs.serviceId ?? name;
    const node = inputs.node;
    await register(request, run, { what: "service", name: id, node }, async (ask) => {
        await ask("PUT", "/v1/catalog/register", {
            Node: node,
            SkipNodeUpdate: true,
            Service: {
                ID: id,
                Service: name,
                Address: inputs.address,
                Port: inputs.port,
                Tags: inputs.tags ?? [],
                Meta: inputs.meta ?? {},
            },
            Checks: (inputs.checks ?? []).map((check) => ({
                Node: node,
                CheckID: check.checkId,
                Name: check.name,
                Status: check.status ?? "critical",
                Notes: check.notes ?? "",
                ServiceID: id,
            })),
        });
    });
    return { id, state: { name, serviceId: id } };
};

/** A prepared query. */
export const createPreparedQuery: Creator = async (request, run) => {
    refuseUnknown(request.type, request.inputs, KNOWN_QUERY);
    const inputs = request.inputs as unknown as Unwrap<consul.PreparedQueryArgs>;
    const name = inputs.name ?? request.name;
    let id = "";
    await register(request, run, { what: "query", name }, async (ask) => {
        const made = await ask<{ ID: string }>("POST", "/v1/query", {
            Name: name,
            Service: {
                Service: inputs.service,
                OnlyPassing: inputs.onlyPassing ?? false,
                Tags: inputs.tags ?? [],
            },
            ...(inputs.template
                ? { Template: { Type: inputs.template.type, Regexp: inputs.template.regexp } }
                : {}),
        });
        id = made.ID;
    });
    return { id, state: { name } };
};

type Ask = <T>(method: "PUT" | "POST", path: string, body: unknown) => Promise<T>;

/** Registers something, with its intent in the ledger before where it does not go with a container of this rehearsal. */
async function register(
    request: Request,
    run: Run,
    thing: Pick<Registration, "what" | "name" | "node">,
    make: (ask: Ask) => Promise<void>,
): Promise<void> {
    const target = targetOf(request, run);
    const { url, ca, isOwn } = target;
    const number = isOwn
        ? undefined
        : run.ledger.intend({
              kind: "registration",
              ...thing,
              consul: { url, ...(ca ? { ca } : {}) },
          });
    try {
        await make((method, path, body) => askConsul(target, method, path, body));
        if (number !== undefined) run.ledger.made(number, thing.name);
    } catch (error) {
        if (number !== undefined && error instanceof ConsulRefusal) run.ledger.strike(number);
        throw error;
    }
}

/** The Consul of a resource's provider. There is no default one: a rehearsal touches only what was named. */
function targetOf(request: Request, run: Run): ConsulTarget & { readonly isOwn: boolean } {
    const target = run.consuls.get(request.provider?.split("::").pop() ?? "");
    if (target) return target;
    throw new Error("it has no explicit consul.Provider, and rehearse has no default one");
}
