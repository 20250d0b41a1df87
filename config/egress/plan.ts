import { ConfigError } from "../errors";

import { renderHaproxy } from "./haproxy";
import { renderSquid } from "./squid";
import { EGRESS_HOST, egressIssues, parseTargets, type EgressTarget } from "./target";

/** Where the companion is, and what the stack itself knows of names. */
export interface EgressPlace {
    /** The companion's IPv4 address on the network it shares with its server alone, or its name there. */
    readonly companion: string;
    /** IPv4 addresses of names that the stack gives out, like `postgres`; of use when they are declared. */
    readonly hosts: Readonly<Record<string, string>>;
}

/** Everything about a server's egress, in plain data. */
export interface EgressPlan {
    /** Environment of the companion: the configuration of what is to run in it (images/egress/mcp-egress). */
    readonly companionEnvironment: Readonly<Record<string, string>>;
    /** Entries for the companion's /etc/hosts: name to address. */
    readonly companionHosts: Readonly<Record<string, string>>;
    /** Environment of the server: empty when nothing goes through the HTTP proxy. */
    readonly serverEnvironment: Readonly<Record<string, string>>;
    /** Names under which the server knows its companion: those of forwarded targets, and `egress`. */
    readonly companionNames: readonly string[];
    /** URL of the HTTP proxy, for programs that take it as an argument; undefined when there is none. */
    readonly proxyUrl: string | undefined;
}

/** Variables of the companion, as images/egress/mcp-egress reads them. */
export const EGRESS_VARIABLES = { squid: "EGRESS_SQUID_CONF", haproxy: "EGRESS_HAPROXY_CFG" };

/** The command of the companion's health check. */
export const EGRESS_HEALTH: readonly string[] = ["bash", "/opt/egress/mcp-egress", "health"];

/**
 * Limits of a companion. Measured with both programs: 13 MiB at rest, 49 with a stalled download on every connection the
 * proxy takes, 35 after 15000 requests.
 */
export const EGRESS_LIMITS = { memoryMb: 64, cpus: 0.125, pids: 32 } as const;

const FIRST_PROXY_PORT = 3128;

/**
 * Turns a manifest's egress list into what its companion and its server are given. The same list gives the same plan,
 * in whatever order it is written.
 *
 * @param list not empty: a server without egress has no companion
 * @throws ConfigError that names every item that cannot be enforced
 */
export function planEgress(list: readonly string[], place: EgressPlace): EgressPlan {
    const issues = egressIssues(list);
    if (list.length === 0) throw new ConfigError("egress: is empty; a companion needs a target");
    if (issues.length > 0) {
        throw new ConfigError(
            issues
                .map(({ index, problem, remedy }) => `egress[${index}]: ${problem}; ${remedy}`)
                .join("\n"),
        );
    }
    const targets = parseTargets(list);
    const forwarded = targets.filter((target) => target.forwarded);
    const listener = { address: place.companion, port: proxyPort(targets) };
    // Clients that know a proxy use it for every host, so it admits the forwarded targets as well.
    const proxied = targets.some((target) => !target.forwarded);
    const proxyUrl = proxied ? `http://${listener.address}:${listener.port}` : undefined;
    return {
        companionEnvironment: {
            ...(proxied ? { [EGRESS_VARIABLES.squid]: renderSquid(targets, listener) } : {}),
            ...(forwarded.length > 0
                ? {
                      [EGRESS_VARIABLES.haproxy]: renderHaproxy(
                          forwarded,
                          place.companion,
                          place.hosts,
                      ),
                  }
                : {}),
        },
        companionHosts: declaredHosts(targets, place.hosts),
        serverEnvironment: proxyUrl === undefined ? {} : proxyEnvironment(proxyUrl),
        companionNames: forwardNames(forwarded),
        proxyUrl,
    };
}

/** The first port from Squid's usual one that no target has. */
function proxyPort(targets: readonly EgressTarget[]): number {
    let port = FIRST_PROXY_PORT;
    while (targets.some((target) => target.port === port)) port += 1;
    return port;
}

/** What tells programs to use the proxy; both cases, since curl reads `http_proxy` in lower case only. */
function proxyEnvironment(url: string): Record<string, string> {
    const variables = { HTTP_PROXY: url, HTTPS_PROXY: url, NO_PROXY: "localhost,127.0.0.1,::1" };
    const lower = Object.entries(variables).map(([key, value]) => [key.toLowerCase(), value]);
    return {
        ...variables,
        ...(Object.fromEntries(lower) as Record<string, string>),
        // Node's own clients read the variables only when told to.
        NODE_USE_ENV_PROXY: "1",
    };
}

function declaredHosts(
    targets: readonly EgressTarget[],
    known: Readonly<Record<string, string>>,
): Record<string, string> {
    const declared = new Set(targets.map(({ host }) => host));
    return Object.fromEntries(Object.entries(known).filter(([name]) => declared.has(name)));
}

/** Names of forwarded targets, and `egress`, which is the proxy's and that of bare addresses. */
function forwardNames(forwarded: readonly EgressTarget[]): string[] {
    const names = forwarded.flatMap(({ host, kind }) => (kind === "address" ? [] : [host]));
    return [...new Set([EGRESS_HOST, ...names])].sort();
}
