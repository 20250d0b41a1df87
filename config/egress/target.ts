import { shown } from "../errors";
import { contains, parseAddress, parseCidr } from "../ipv4";

import { UNREACHABLE_RANGES } from "./ranges";

/**
 * What a target names, which decides what it may lead to:
 * - `any`: every host of the internet;
 * - `public`: a name that must lead to the internet, so that whoever owns its DNS cannot point it inwards;
 * - `internal`: a name of a private network, by its form, that may lead there, though never to the machine itself, its link
 *   or a metadata service;
 * - `address`: that IPv4 address, whichever it is.
 */
export type TargetKind = "any" | "public" | "internal" | "address";

/** One item of a manifest's egress list. */
export interface EgressTarget {
    /** Lower-case DNS name, IPv4 address or `*`. */
    readonly host: string;
    /** TCP port. */
    readonly port: number;
    readonly kind: TargetKind;
    /**
     * Whether the companion forwards a port of its own to it. HTTP's own ports and `*` are reached through the HTTP proxy
     * alone, which admits all targets.
     */
    readonly forwarded: boolean;
}

/** Something wrong with an egress list. */
export interface EgressIssue {
    /** Place in the list. */
    readonly index: number;
    readonly problem: string;
    readonly remedy: string;
}

/** Name by which a server reaches the ports its companion forwards to bare addresses. */
export const EGRESS_HOST = "egress";

/** Ports whose clients speak HTTP, or TLS through an HTTP proxy. */
const PROXIED_PORTS: readonly number[] = [80, 443];

/** Endings for names of private networks: RFC 6762 appendix G, RFC 8375, `.internal` by ICANN, Consul's. */
const INTERNAL_ENDING = /\.(internal|intranet|private|corp|home|lan|local|home\.arpa|consul)$/;

/**
 * Reads `host:port` with a lower-case DNS name, a dotted IPv4 address or `*` as host; `undefined` when the text is
 * not one.
 */
export function parseTarget(text: string): EgressTarget | undefined {
    const match = /^(\*|[a-z0-9.-]{1,253}):([1-9][0-9]{0,4})$/.exec(text);
    const host = match?.[1];
    const port = Number(match?.[2]);
    if (host === undefined || port > 65535) return undefined;
    const kind = kindOf(host);
    if (kind === undefined) return undefined;
    return { host, port, kind, forwarded: kind !== "any" && !PROXIED_PORTS.includes(port) };
}

function kindOf(host: string): TargetKind | undefined {
    if (host === "*") return "any";
    if (parseAddress(host) !== undefined) return "address";
    const labels = host.split(".");
    const named = labels.every((label) => /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(label));
    // A number at the end would be read as an address of an unusual form.
    if (!named || /^([0-9]+|0x[0-9a-f]*)$/.test(labels.at(-1) ?? "")) return undefined;
    return labels.length === 1 || INTERNAL_ENDING.test(host) ? "internal" : "public";
}

/** The targets of a list, each once, in order of port and host; what `egressIssues` names is left out. */
export function parseTargets(list: readonly string[]): EgressTarget[] {
    const found = new Map(list.map((text) => [text, parseTarget(text)]));
    return [...found.values()]
        .filter((target) => target !== undefined)
        .sort((a, b) => a.port - b.port || (a.host < b.host ? -1 : 1));
}

/**
 * What keeps a list from being enforced: items that are no target, that name this machine or no machine, and two hosts
 * that would need the same forwarded port.
 */
export function egressIssues(list: readonly string[]): EgressIssue[] {
    const holders = new Map<number, EgressTarget>();
    return list.flatMap((text, index): EgressIssue[] => {
        const target = parseTarget(text);
        if (target === undefined) {
            const remedy =
                'write host:port, quoted, like "api.example.com:443", "10.0.0.5:5432" or "*:443"';
            return [{ index, problem: `${shown(text)} is not a host and port`, remedy }];
        }
        if (namesNobody(target)) {
            const problem = `${shown(text)} is not on another machine`;
            return [{ index, problem, remedy: "name the machine it runs on" }];
        }
        if (target.host === EGRESS_HOST) {
            const problem = `${EGRESS_HOST} is the name of the server's own way out`;
            return [{ index, problem, remedy: "write the host's full name or its address" }];
        }
        const holder = target.forwarded ? holders.get(target.port) : undefined;
        if (target.forwarded && holder === undefined) holders.set(target.port, target);
        if (holder === undefined || holder.host === target.host) return [];
        return [
            {
                index,
                problem: `port ${target.port} already leads to ${holder.host}`,
                remedy: "one host for each port other than 80 and 443: give the second one a server of its own",
            },
        ];
    });
}

function namesNobody({ host, kind }: EgressTarget): boolean {
    if (kind !== "address") return host === "localhost" || host.endsWith(".localhost");
    const address = parseCidr(`${host}/32`);
    return UNREACHABLE_RANGES.map(parseCidr).some(
        (range) => range !== undefined && address !== undefined && contains(range, address),
    );
}
