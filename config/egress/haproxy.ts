import { FORBIDDEN_RANGES, ipv4Only, PRIVATE_RANGES } from "./ranges";
import type { EgressTarget } from "./target";

/** Socket on which the forwarder answers the health command: no port, so that none is taken from the targets. */
export const HEALTH_SOCKET = "/tmp/forward-health.sock";

/**
 * haproxy.cfg of a companion that listens on each target's port and forwards to that target alone. A name is looked up
 * for each connection, and the address that was judged is the one connected to. Names lead to IPv4 only, as the inner
 * networks do.
 *
 * @param targets forwarded ones, at least one, no port twice
 * @param address where to listen: the companion's address or name on the server's network
 * @param hosts addresses of names that the stack itself gives out; they are not looked up
 */
export function renderHaproxy(
    targets: readonly EgressTarget[],
    address: string,
    hosts: Readonly<Record<string, string>>,
): string {
    return `${[
        ...PROCESS,
        ...targets.flatMap((target) => [
            "",
            `listen ${target.host}:${target.port}`,
            `    bind ${address}:${target.port}`,
            ...destination(target, hosts),
        ]),
    ].join("\n")}\n`;
}

const PROCESS = [
    "# Written from the egress list of the server's manifest.",
    "global",
    "    log stdout format raw daemon",
    "    nbthread 1",
    "    maxconn 256",
    "",
    "defaults",
    "    mode tcp",
    "    log global",
    '    log-format "forward %ci %f %[var(sess.target)] %B bytes %Tt ms %ts"',
    "    timeout connect 10s",
    "    timeout client 1m",
    "    timeout server 1m",
    // Pools keep connections for hours; keep-alive probes find those whose other end is gone.
    "    timeout tunnel 24h",
    "    option clitcpka",
    "    option srvtcpka",
    "",
    "resolvers container",
    "    parse-resolv-conf",
    "    hold valid 5s",
    "",
    "frontend health",
    "    mode http",
    "    option dontlog-normal",
    `    bind unix@${HEALTH_SOCKET} mode 600`,
    "    monitor-uri /health",
];

function destination(
    { host, port, kind }: EgressTarget,
    hosts: Readonly<Record<string, string>>,
): string[] {
    const fixed = kind === "address" ? host : hosts[host];
    if (fixed !== undefined) return [`    server target ${fixed}:${port}`];
    const refused =
        kind === "internal" ? FORBIDDEN_RANGES : [...FORBIDDEN_RANGES, ...PRIVATE_RANGES];
    return [
        // How long a lookup may take; without it the rule below does not wait for one at all.
        "    tcp-request inspect-delay 10s",
        `    tcp-request content do-resolve(sess.target,container,ipv4) str(${host})`,
        "    tcp-request content reject unless { var(sess.target) -m found }",
        `    tcp-request content reject if { var(sess.target) -m ip ${ipv4Only(refused).join(" ")} }`,
        "    tcp-request content set-dst var(sess.target)",
        // The address is the one set above.
        `    server target 0.0.0.0:${port}`,
    ];
}
