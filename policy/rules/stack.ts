import { DEFAULTS } from "../../config/defaults";
import { overlaps, parseCidr, type Cidr } from "../../config/ipv4";
import type { Finding, ResourceRecord, Rule, StackGraph, StackRule, Subject } from "../core/model";
import { identity, inEach, nameOf, repeated, type Claim } from "../core/stack";
import { each } from "../core/values";
import { TYPES, cpusOf, isOrchestrator, neverRuns, onHost } from "../known";

import { cis } from "./references";

const stack = { scope: "stack", enforcement: "mandatory", severity: "high" } as const;

/** The daemon or agent a resource is on: its provider. */
function daemonOf({ provider }: ResourceRecord): string {
    return provider === undefined ? "none" : `${provider.type} ${provider.name}`;
}

/** Collects claims of resources; what cannot be read or is undecided comes out as findings. */
function collect(
    graph: StackGraph,
    records: readonly ResourceRecord[],
    claimsOf: (subject: Subject, add: (path: string, key: string) => void) => Iterable<Finding>,
): { claims: Claim[]; findings: Iterable<Finding & { urn: string }> } {
    const claims: Claim[] = [];
    const findings = [
        ...inEach(graph, records, (subject) => {
            const { urn } = subject.record;
            return claimsOf(subject, (path, key) => claims.push({ urn, path, key }));
        }),
    ];
    return { claims, findings };
}

const onePrivileged: StackRule = {
    ...stack,
    severity: "critical",
    name: "stack-one-privileged",
    description: "A stack has one privileged container at most.",
    remediation: "Keep one orchestrator a stack.",
    references: [cis("5.5")],
    *check(graph) {
        const found = graph
            .ofType(TYPES.container)
            .filter(({ props }) => ![undefined, null, false].includes(props.privileged as null));
        if (found.length < 2) return;
        for (const { urn } of found) {
            yield { urn, path: "privileged", problem: "is on for more than one container" };
        }
    },
};

/** Types whose names must be their own, and what a name is unique in besides the daemon. */
const NAMED: readonly (readonly [type: string, within: string | undefined, key: string])[] = [
    [TYPES.container, undefined, "name"],
    [TYPES.network, undefined, "name"],
    [TYPES.volume, undefined, "name"],
    [TYPES.consulNode, undefined, "name"],
    [TYPES.consulService, "node", "serviceId"],
];

const uniqueNames: StackRule = {
    ...stack,
    name: "stack-unique-names",
    description: "No two resources of a daemon or catalog have the same name.",
    remediation: "Give each its own name.",
    *check(graph) {
        for (const [type, within, key] of NAMED) {
            const { claims, findings } = collect(graph, graph.ofType(type), (subject, add) => {
                // A service without an id of its own is known by its name; others get a generated one.
                const field = subject.at(key).given || type !== TYPES.consulService ? key : "name";
                const name = identity(subject, field);
                const scope = within === undefined ? "" : (identity(subject, within) ?? "");
                if (name !== undefined) add(field, `${daemonOf(subject.record)} ${scope} ${name}`);
                return [];
            });
            yield* findings;
            yield* repeated(claims, "name");
        }
    },
};

const uniquePorts: StackRule = {
    ...stack,
    name: "stack-unique-ports",
    description: "No two containers of a daemon publish the same port.",
    remediation: "Give each its own port.",
    *check(graph) {
        const published: (Claim & { readonly ip: string })[] = [];
        yield* inEach(graph, graph.ofType(TYPES.container), (subject) =>
            each(subject.at("ports"), (port) => {
                const external = port.at("external").number();
                if (external === undefined) return [];
                const ip = port.at("ip").text() ?? "0.0.0.0";
                const protocol = port.at("protocol").text() ?? "tcp";
                const key = `${daemonOf(subject.record)} ${protocol} ${String(external)}`;
                published.push({ urn: subject.record.urn, path: port.path, key, ip });
                return [];
            }),
        );
        for (const [index, claim] of published.entries()) {
            const other = published.slice(0, index).find((earlier) => {
                const ips = [earlier.ip, claim.ip];
                return earlier.key === claim.key && (ips[0] === ips[1] || ips.includes("0.0.0.0"));
            });
            if (other === undefined) continue;
            const problem = `is the same port as ${nameOf(other.urn)}, ${other.path}`;
            yield { urn: claim.urn, path: claim.path, problem };
        }
    },
};

const uniqueAddresses: StackRule = {
    ...stack,
    name: "stack-unique-addresses",
    description: "No two containers of a daemon have the same fixed address.",
    remediation: "Take addresses from config/addresses.ts.",
    *check(graph) {
        const containers = graph.ofType(TYPES.container);
        const { claims, findings } = collect(graph, containers, (subject, add) =>
            each(subject.at("networksAdvanced"), (network) => {
                const address = network.at("ipv4Address");
                const text = address.text();
                if (text !== undefined) add(address.path, `${daemonOf(subject.record)} ${text}`);
                return [];
            }),
        );
        yield* findings;
        yield* repeated(claims, "address");
    },
};

interface Range {
    readonly urn: string;
    readonly path: string;
    readonly cidr: Cidr;
    readonly inner: boolean;
    /** The pool inner networks are taken from, which holds them. */
    readonly pool: boolean;
}

const networksApart: StackRule = {
    ...stack,
    name: "stack-networks-apart",
    description: "Inner networks keep clear of 172.30.0.0/16, and no two networks overlap.",
    remediation: "Take subnets from config/addresses.ts.",
    config: {
        reserved: {
            type: "array",
            items: { type: "string" },
            description: "Subnets no inner network may touch.",
            default: [DEFAULTS.internalSubnet],
        },
    },
    *check(graph, { reserved }) {
        const ranges: Range[] = [];
        const add = (subject: Subject, path: string, text: string, pool: boolean): Finding[] => {
            if (text.includes(":")) return [];
            const cidr = parseCidr(text);
            if (cidr === undefined) return [{ path, problem: "is not an IPv4 subnet" }];
            const inner = pool || !onHost(subject.record);
            ranges.push({ urn: subject.record.urn, path, cidr, inner, pool });
            return [];
        };
        yield* inEach(graph, graph.ofType(TYPES.network), (subject) =>
            each(subject.at("ipamConfigs"), (config) => {
                const subnet = config.at("subnet");
                const text = subnet.text();
                return text === undefined ? [] : add(subject, subnet.path, text, false);
            }),
        );
        const orchestrators = graph.ofType(TYPES.container).filter(onHost);
        yield* inEach(graph, orchestrators, (subject) => {
            if (!isOrchestrator(subject)) return [];
            return each(subject.at("command"), (word) => {
                const flag = /^--default-address-pool=base=([^,]+)/.exec(word.text() ?? "")?.[1];
                return flag === undefined ? [] : add(subject, word.path, flag, true);
            });
        });
        const kept = (Array.isArray(reserved) ? reserved : []).flatMap(
            (text) => parseCidr(String(text)) ?? [],
        );
        for (const [index, range] of ranges.entries()) {
            const { urn, path } = range;
            if (range.inner && kept.some((cidr) => overlaps(cidr, range.cidr))) {
                yield { urn, path, problem: "overlaps a reserved subnet" };
            }
            const other = ranges.slice(0, index).find((earlier) => {
                const within = earlier.inner && range.inner && (earlier.pool || range.pool);
                return !within && overlaps(earlier.cidr, range.cidr);
            });
            if (other !== undefined) {
                yield { urn, path, problem: `overlaps ${nameOf(other.urn)}, ${other.path}` };
            }
        }
    },
};

const limitsFit: StackRule = {
    ...stack,
    severity: "medium",
    name: "stack-limits-fit",
    description: "The limits of all inner containers together fit those of the orchestrator.",
    remediation:
        "Lower the servers' resources, or raise orchestratorMemoryMb and orchestratorCpus.",
    references: [cis("5.11"), cis("5.12")],
    config: {
        memoryReserveMb: {
            type: "integer",
            minimum: 0,
            description: "MiB of the orchestrator's limit kept for its daemon.",
            default: 0,
        },
        cpuOvercommit: {
            type: "number",
            minimum: 0,
            description: "How many times the orchestrator's CPUs may be given away.",
            default: 1,
        },
    },
    *check(graph, { memoryReserveMb, cpuOvercommit }) {
        const room = { memory: 0, cpus: 0 };
        const taken = { memory: 0, cpus: 0 };
        const orchestrators: string[] = [];
        yield* inEach(graph, graph.ofType(TYPES.container), (subject) => {
            const whole = isOrchestrator(subject);
            if (whole) orchestrators.push(subject.record.urn);
            else if (onHost(subject.record) || neverRuns(subject)) return [];
            const sum = whole ? room : taken;
            sum.memory += subject.at("memory").number() ?? 0;
            sum.cpus += cpusOf(subject) ?? 0;
            return [];
        });
        const [urn] = orchestrators;
        if (urn === undefined) return;
        if (taken.memory > room.memory - Number(memoryReserveMb)) {
            yield { urn, path: "memory", problem: "is less than the inner containers' together" };
        }
        // Shares of a core add up to what no binary fraction hits exactly.
        if (taken.cpus > room.cpus * Number(cpuOvercommit) + 1e-9) {
            yield { urn, path: "cpuQuota", problem: "is less than the inner containers' together" };
        }
    },
};

export const stackRules: readonly Rule[] = [
    onePrivileged,
    uniqueNames,
    uniquePorts,
    uniqueAddresses,
    networksApart,
    limitsFit,
];
