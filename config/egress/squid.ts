import { FORBIDDEN_RANGES, PRIVATE_RANGES } from "./ranges";
import type { EgressTarget } from "./target";

/** Where the proxy listens: the companion's address or name on the server's network, and a port. */
export interface ProxyListener {
    readonly address: string;
    readonly port: number;
}

/**
 * squid.conf of a companion that admits exactly the targets, for clients of one server's network.
 *
 * What is not declared is refused before its name is looked up, so that no lookup carries data out. A name is judged
 * by all addresses it has, and one of a wrong range refuses it; IP literals in any notation are judged as the address
 * they are.
 *
 * @param targets at least one
 */
export function renderSquid(targets: readonly EgressTarget[], listener: ProxyListener): string {
    const rules = accessRules(targets);
    return `${[
        "# Written from the egress list of the server's manifest.",
        `http_port ${listener.address}:${listener.port}`,
        ...PROCESS,
        ...rules,
        "",
        "# The health command's own requests are not worth a line.",
        `acl own src ${listener.address}`,
        "logformat egress proxy %>a %rm %ru %>Hs %Ss %<a",
        "access_log stdio:/dev/stdout logformat=egress !own",
    ].join("\n")}\n`;
}

/** One process of 1001 that writes nowhere but below /tmp, keeps nothing, and stays small. */
const PROCESS = [
    "visible_hostname egress",
    "pid_filename none",
    "coredump_dir /tmp",
    "error_directory /tmp/errors",
    // Messages go to standard error.
    "cache_log /dev/null",
    "pinger_enable off",
    "shutdown_lifetime 1 second",
    "",
    "cache deny all",
    "cache_mem 0",
    "memory_pools off",
    "digest_generation off",
    "client_db off",
    // Some 90 connections at once; more wait to be accepted. So many downloads that nobody reads fit the memory limit.
    "max_filedescriptors 256",
    "read_ahead_gap 4 KB",
    "server_persistent_connections off",
    "quick_abort_min 0",
    "quick_abort_max 0",
    "",
    "connect_timeout 10 seconds",
    // A name that could not be looked up is asked for again after that; also the least a good answer is kept.
    "negative_dns_ttl 5 seconds",
    "",
    // Spares a look-up of every client's name.
    "url_rewrite_extras none",
    "store_id_extras none",
    "",
    "via off",
    "forwarded_for delete",
    "httpd_suppress_version_string on",
    "global_internal_static off",
    "",
];

/** Kinds a request can be admitted by; `any` is a case of `public`. */
const ADMITTED = ["address", "internal", "public"] as const;

function accessRules(targets: readonly EgressTarget[]): string[] {
    const ports = [...new Set(targets.map(({ port }) => port))];
    const acls = new Map(ADMITTED.map((kind) => [kind, kindRules(kind, targets)]));
    const present = ADMITTED.filter((kind) => acls.get(kind)?.length);
    const allow = (kind: (typeof ADMITTED)[number]): string[] =>
        present.includes(kind) ? [`http_access allow ${kind}`] : [];
    return [
        ...ports.map((port) => `acl port_${port} port ${port}`),
        ...[...acls.values()].flat(),
        `acl declared any-of ${present.join(" ")}`,
        "acl http proto HTTP",
        "acl resolved dst all",
        `acl forbidden dst ${FORBIDDEN_RANGES.join(" ")}`,
        `acl private_range dst ${PRIVATE_RANGES.join(" ")}`,
        "deny_info 503:ERR_DNS_FAIL resolved",
        "",
        "http_access deny manager",
        "http_access deny !CONNECT !http",
        "http_access deny !declared",
        "http_access deny !resolved",
        ...allow("address"),
        "http_access deny forbidden",
        ...allow("internal"),
        "http_access deny private_range",
        ...allow("public"),
        "http_access deny all",
    ];
}

/** ACLs for the targets of a kind, summed up in one of the kind's name; `any` is the public internet on a port. */
function kindRules(
    kind: (typeof ADMITTED)[number],
    targets: readonly EgressTarget[],
): readonly string[] {
    const lines: string[] = [];
    const parts: string[] = [];
    for (const port of new Set(targets.map((target) => target.port))) {
        const onPort = targets.filter((target) => target.port === port);
        if (kind === "public" && onPort.some((target) => target.kind === "any")) {
            parts.push(`port_${port}`);
            continue;
        }
        const hosts = onPort.filter((target) => target.kind === kind).map(({ host }) => host);
        if (hosts.length === 0) continue;
        // -n: an address whose reverse name is a declared one is not declared by that.
        lines.push(`acl ${kind}_hosts_${port} dstdomain -n ${hosts.join(" ")}`);
        lines.push(`acl ${kind}_${port} all-of port_${port} ${kind}_hosts_${port}`);
        parts.push(`${kind}_${port}`);
    }
    return parts.length === 0 ? [] : [...lines, `acl ${kind} any-of ${parts.join(" ")}`];
}
