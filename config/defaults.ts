/**
 * TCP ports. `host` is the port on the host before the stack's `portOffset` is added, `container` the
 * port inside the container. The host ports are those of the system this one replaces.
 */
export const PORTS = {
    /** Inner daemon, mutual TLS. */
    dockerTls: { host: 12376, container: 2376 },
    /** Inner daemon without TLS: off unless `plainApi` is set. */
    dockerPlain: { host: 12375, container: 2375 },
    /** Manager: REST API and dashboard. */
    management: { host: 18080, container: 8080 },
    /** Prometheus metrics. */
    metrics: { host: 19090, container: 9090 },
    /** Edge, the one way in for clients: `/mcp` and `/servers/<name>/mcp`; its ports in the container are `EDGE_PORTS`. */
    edge: { host: 10005 },
    /** Gateway, behind the edge. */
    gateway: { container: 8090 },
    /** Metrics of the gateway, for the manager alone. */
    gatewayMetrics: 9464,
    /** Consul's HTTP API; its ports in the container are `CONSUL_PORTS`. */
    consul: { host: 10006 },
    /** PostgreSQL inside its container; not published. */
    postgres: 5432,
    /** Where an MCP server listens inside its container unless its manifest says otherwise. */
    mcp: 3000,
} as const;

/** Ports of Consul in its own container; DNS answers on `sutazai-main` alone. */
export const CONSUL_PORTS = { http: 8500, dns: 8600 } as const;

/** Socket of the host's daemon: always this one, whatever the environment says. */
export const HOST_SOCKET = "/var/run/docker.sock";

/** Folders inside the containers. */
export const PATHS = {
    /** TLS material of the inner daemon: `ca/`, `server/` and `client/` below it. */
    certs: "/certs",
    /** Shared storage of the servers, as the orchestrator sees it. */
    sharedData: "/data/shared",
    /** Central logs. */
    logs: "/var/log/mcp",
    /** State of the inner daemon. */
    dockerData: "/var/lib/docker",
    /** Client certificate for the inner daemon, in the orchestrator and in the manager. */
    clientCerts: "/certs/client",
    /** One file per secret of a manifest. */
    secrets: "/run/secrets",
    /** Volume of `ROUTES_VOLUME`, in the manager and in the gateway. */
    routes: "/var/lib/mcp-routes",
    /** What the gateway keeps: the tools it saw first. */
    gatewayState: "/var/lib/mcp-gateway",
    /** The gateway's record of calls, below the central logs. */
    audit: "/var/log/mcp/audit",
} as const;

/**
 * Folders of the orchestrator that are volumes of the inner daemon as well, by the name of the volume there. Each is a
 * volume of the host, so that no path of the host is mounted.
 */
export const INNER_VOLUMES = {
    shared: { name: "mcp-shared-data", folder: PATHS.sharedData },
    logs: { name: "mcp-logs", folder: PATHS.logs },
    clientCerts: { name: "mcp-docker-certs-client", folder: PATHS.clientCerts },
} as const;

/** Volume of the inner daemon on which the manager tells the gateway what its API has made. */
export const ROUTES_VOLUME = "mcp-routes";

/**
 * Networks of the inner daemon: that of servers, without a way out, and that of companions, with one. Docker takes a
 * container's default route from the first of its networks by name, which is why the companions' sorts before `Names.link`.
 */
export const INNER_NETWORKS = { closed: "mcp-closed", egress: "mcp-egress" } as const;

/** Container of the manager, on the inner daemon. */
export const MANAGER_NAME = "mcp-manager";

/** The edge as a service in Consul. */
export const EDGE_NAME = "mcp-edge";

/** Container of the gateway, on the inner daemon. */
export const GATEWAY_NAME = "mcp-gateway";

/** Volume and carrier of the clients' tokens, which nothing mounts: `./mcp client token` reads them there. */
export const CLIENTS_NAME = "mcp-clients";

/** The client that the health reporter and `./mcp` itself are. */
export const SYSTEM_CLIENT = "mcp-reporter";

/** User and group of everything that runs on the inner daemon. */
export const SERVER_USER = "1001:1001";

/** Keys of the labels this project puts on what it creates. A manifest may not set any `mcp.` label. */
export const LABELS = {
    /** What created it. */
    managedBy: "mcp.managed-by",
    /** Name of the stack. */
    stack: "mcp.stack",
    /** Part of the system: `orchestrator`, `server`, `edge` ... */
    component: "mcp.component",
    /** Name of the server, from its manifest. */
    server: "mcp.server",
    /** `ServerManifest.hash`. */
    manifestHash: "mcp.manifest-hash",
    /** Transport of the server: `streamable-http`. */
    transport: "mcp.protocol",
    /** Path of its endpoint. */
    path: "mcp.path",
    /** Port clients know it by, which the gateway serves. */
    port: "mcp.port",
    /** What the server may reach: `none` or a list of host:port. */
    egress: "mcp.egress",
    /** What program the edge is: `kong` or `caddy`. */
    program: "mcp.program",
    /** TLS of the edge: `none`, `own` or `files`. */
    tls: "mcp.tls",
    /** Whether it belongs to this project. */
    managed: "mcp.managed",
    /** File a server is described in, below the project. */
    manifestFile: "mcp.manifest-file",
    /** Text of the manifest of a server that was made through the manager's API. */
    manifest: "mcp.manifest",
} as const;

/** Values of `LABELS.component` of the containers that carry files onto a volume and never run. */
export const CARRIERS = { inner: "server-secrets", host: "files" } as const;

/** Values of `LABELS.managedBy`: this program, and the manager for what its API made. */
export const MANAGED_BY = { program: "sutazai-mcp", manager: "mcp-manager" } as const;

/** Name the inner daemon knows our OCI runtime by; inner containers ask for it by name. */
export const INNER_RUNTIME = "mcp-runc";

/** Name of the managed PostgreSQL inside the containers that declared it as egress. */
export const POSTGRES_HOST = "postgres";

/**
 * Longest stop grace a server may have, in seconds: the orchestrator's own is longer, so that its daemon has ended every
 * server before it is killed itself.
 */
export const MAX_STOP_GRACE_SECONDS = 30;

/** Prefix of every label key of this project. */
export const RESERVED_LABEL_PREFIX = "mcp.";

/**
 * Values of the settings a stack leaves out. Units are in the names; what each means is said at
 * `StackSettings`.
 */
export const DEFAULTS = {
    namePrefix: "",
    portOffset: 0,
    bindAddress: "127.0.0.1",
    mainSubnet: "10.89.0.0/24",
    internalSubnet: "172.30.0.0/16",
    innerPool: "10.90.0.0/16",
    plainApi: false,
    publishServers: "none",
    imageSource: "registry",
    orchestratorCpus: 4,
    orchestratorMemoryMb: 4096,
    postgresMode: "managed",
    edgeTls: "none",
    certEpoch: 1,
    caDays: 3650,
    leafDays: 365,
    protect: false,
    manifestsDir: "manifests",
    clientsDir: "clients",
} as const;

/** Values of the fields a manifest leaves out: MiB, seconds. */
export const MANIFEST_DEFAULTS = {
    transportPath: "/mcp",
    cpus: 0.5,
    memoryMb: 256,
    pids: 256,
    intervalSeconds: 10,
    timeoutSeconds: 5,
    retries: 3,
    startPeriodSeconds: 60,
    stopGraceSeconds: 10,
} as const;

/** Values of the fields a client's file leaves out. */
export const CLIENT_DEFAULTS = {
    callsPerMinute: 600,
    concurrent: 16,
    bodyBytes: 1048576,
    sessions: 64,
    tokenEpoch: 1,
} as const;
