import { ConfigError } from "./errors";

/** Physical names of a stack. What lives on the host carries the stack's prefix. */
export interface Names {
    /** Container of the inner daemon. */
    readonly orchestrator: string;
    /** Network of the host-level services. */
    readonly mainNetwork: string;
    /** Network between the orchestrator and PostgreSQL, without a route out. */
    readonly internalNetwork: string;
    readonly volumes: {
        /** State of the inner daemon: a cache, rebuilt from the manifests. */
        readonly data: string;
        readonly certsCa: string;
        readonly certsClient: string;
        /** Shared storage of the servers. */
        readonly shared: string;
        readonly logs: string;
        readonly postgres: string;
        readonly consul: string;
    };
    /** Container of the managed PostgreSQL. */
    readonly postgres: string;
    /** Container of the managed Consul. */
    readonly consul: string;
    /** Container of the edge. */
    readonly edge: string;
    /** Container of the health reporter. */
    readonly reporter: string;
    /**
     * Container of a server. It lives on the inner daemon, which belongs to one stack: no prefix.
     */
    server(name: string): string;
    /** Container through which a server with an egress list reaches what it declares, on the inner daemon. */
    companion(server: string): string;
    /** Network of such a server and its companion alone. */
    link(server: string): string;
    /**
     * Name of a service in Consul, which other stacks may register with as well. Servers are called after their
     * manifests, parts of the system `mcp-<part>` (see `RESERVED_NAMES`).
     */
    service(name: string): string;
}

/** How the names of companions begin; no server's does. */
export const COMPANION_PREFIX = "mcp-egress-";

/**
 * The names of a stack: each host-level name is prefix + base. No base ends with another one, so two
 * prefixes never give the same name.
 *
 * @param prefix `StackSettings.namePrefix`, empty or ending with "-"
 */
export function namesFor(prefix: string): Names {
    return {
        orchestrator: `${prefix}sutazai-mcp-orchestrator`,
        mainNetwork: `${prefix}sutazai-main`,
        internalNetwork: `${prefix}sutazai-dind-internal`,
        volumes: {
            data: `${prefix}mcp-orchestrator-data`,
            certsCa: `${prefix}mcp-docker-certs-ca`,
            certsClient: `${prefix}mcp-docker-certs-client`,
            shared: `${prefix}mcp-shared-data`,
            logs: `${prefix}mcp-logs`,
            postgres: `${prefix}mcp-postgres-data`,
            consul: `${prefix}mcp-consul-data`,
        },
        postgres: `${prefix}sutazai-mcp-postgres`,
        consul: `${prefix}sutazai-mcp-consul`,
        edge: `${prefix}sutazai-mcp-edge`,
        reporter: `${prefix}sutazai-mcp-reporter`,
        server: (name) => name,
        companion: (server) => `${COMPANION_PREFIX}${server}`,
        link: (server) => `mcp-link-${server}`,
        service: (name) => `${prefix}${name}`,
    };
}

/**
 * The port on the host: base port (see `PORTS`, or a manifest's `port`) plus the stack's `portOffset`.
 *
 * @throws ConfigError when the sum is not a TCP port
 */
export function hostPort(base: number, offset: number): number {
    const port = base + offset;
    if (!Number.isInteger(port) || port < 1 || port > 65535) {
        throw new ConfigError(
            `portOffset: port ${base} plus the offset must be a port up to 65535, got ${port}; ` +
                `lower portOffset to ${Math.max(0, 65535 - base)} or less, or choose a lower port`,
        );
    }
    return port;
}
