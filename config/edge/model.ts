import { planAddresses } from "../addresses";
import { ConfigError, shown } from "../errors";
import type { StackSettings } from "../settings";

/** A path the edge lets through to the gateway. */
export interface EdgeRoute {
    /** Lower case, digits and "-"; unique. */
    readonly name: string;
    /** An exact path; `{server}` stands for the name of an MCP server, a final `*` for this path and all below it. */
    readonly path: string;
    /** Methods let through; any other is answered with 405. */
    readonly methods: readonly Method[];
    /** Answers are passed on event by event, and may last for hours. */
    readonly stream: boolean;
}

export type Method = "GET" | "HEAD" | "POST" | "DELETE";

/** Files of a certificate inside the edge's container, PEM. */
export interface EdgeTls {
    /** Who issues it: the stack's own authority, or whoever made the pair that the stack was given. */
    readonly mode: "internal-ca" | "given";
    /** Certificate, followed by the intermediate ones. */
    readonly certFile: string;
    readonly keyFile: string;
}

/** The edge in plain data: what Kong's and Caddy's configurations are rendered from. */
export interface EdgePlan {
    /** Port the edge listens on inside its container, on every address. */
    readonly listenPort: number;
    readonly upstream: {
        /** IPv4 address or host name of the gateway. */
        readonly host: string;
        readonly port: number;
        /** Answers 200 while the gateway serves. */
        readonly healthPath: string;
    };
    readonly routes: readonly EdgeRoute[];
    readonly limits: {
        /** Largest request body, in bytes. */
        readonly bodyBytes: number;
        /** Requests of one client address in a minute. Kong alone has it. */
        readonly requestsPerMinute: number;
        /** Longest silence of the gateway before its answer and inside it, in seconds. */
        readonly readTimeoutSeconds: number;
    };
    /** Origins whose scripts may read answers; none: CORS is left to the gateway, which refuses unlisted origins. */
    readonly cors: { readonly allowedOrigins: readonly string[] };
    /** Undefined: plain HTTP. */
    readonly tls: EdgeTls | undefined;
    /** Header with the id of a request: the client's own, or a new one; told to gateway and client. */
    readonly correlationHeader: string;
    /** Port of `/metrics` and `/status/ready`, on the container's loopback. */
    readonly metrics: { readonly port: number };
}

/** What a stack chooses about its edge. */
export interface EdgeSettings {
    /** Port of the gateway on the orchestrator's address in `sutazai-main`. */
    readonly gatewayPort: number;
    /** 1 KiB to 64 MiB, in bytes; the gateway's own limit for a client is 1 MiB by default. @default 4194304 */
    readonly bodyBytes?: number;
    /**
     * 60 to 1000000. All clients of the host that come by its published port have one address, Docker's: it limits
     * their sum. Clients one by one are limited by the gateway, which knows them. @default 6000
     */
    readonly requestsPerMinute?: number;
    /** 3600 to 86400, in seconds. @default 3600 */
    readonly readTimeoutSeconds?: number;
    /** Like `https://console.example`; the gateway must list them as well. @default [] */
    readonly allowedOrigins?: readonly string[];
    /** @default none */
    readonly tls?: "none" | EdgeTls["mode"];
    /** The gateway serves HTTP+SSE of 2024-11-05 too. @default false */
    readonly legacySse?: boolean;
}

/** Ports inside the edge's container; below 1024 nothing could listen without capabilities. */
export const EDGE_PORTS = { listen: 8000, status: 8100 } as const;

/** Ranges and defaults of what a stack can choose in numbers. */
export const EDGE_LIMITS = {
    /** Bytes. */
    bodyBytes: { min: 1_024, max: 67_108_864, fallback: 4_194_304 },
    requestsPerMinute: { min: 60, max: 1_000_000, fallback: 6_000 },
} as const;

/** Paths inside the edge's container. */
export const EDGE_PATHS = {
    /** A volume with the files below. */
    folder: "/etc/edge",
    kongConfig: "/etc/edge/kong.yml",
    caddyConfig: "/etc/edge/Caddyfile",
    certFile: "/etc/edge/cert.pem",
    keyFile: "/etc/edge/key.pem",
    /** The one place it writes to: a tmpfs. */
    scratch: "/tmp",
} as const;

/** Headers in which other proxies say who the client is: never taken over from a client. */
export const IDENTITY_HEADERS: readonly string[] = [
    "Forwarded",
    "X-Forwarded-User",
    "X-Forwarded-Email",
    "X-Forwarded-Groups",
    "X-Consumer-ID",
    "X-Consumer-Custom-ID",
    "X-Consumer-Username",
    "X-Consumer-Groups",
    "X-Credential-Identifier",
    "X-Anonymous-Consumer",
    "X-Authenticated-Groups",
    "X-Authenticated-Scope",
    "X-Authenticated-UserId",
];

/** Headers that a browser's script may send and read, as the gateway has them. */
export const CORS_HEADERS = {
    allowed: [
        "Authorization",
        "Content-Type",
        "Last-Event-ID",
        "MCP-Protocol-Version",
        "Mcp-Method",
        "Mcp-Name",
        "Mcp-Session-Id",
        "traceparent",
        "tracestate",
    ],
    exposed: ["Mcp-Session-Id", "WWW-Authenticate", "Retry-After"],
    /** Seconds a browser may remember the answer. */
    maxAgeSeconds: 600,
} as const;

/** Times of everything but a gateway's answer, in seconds. */
export const EDGE_SECONDS = {
    connect: 2,
    healthInterval: 2,
    readHead: 10,
    readBody: 30,
    /** Shorter than the gateway's 65: it must not close a connection that the edge is about to use. */
    upstreamIdle: 30,
    /** Longest time in which the gateway or a client takes nothing of what is sent to it. */
    write: 60,
} as const;

const STREAM: readonly Method[] = ["GET", "POST", "DELETE"];
const ROUTES: readonly EdgeRoute[] = [
    { name: "all", path: "/mcp", methods: STREAM, stream: true },
    { name: "server", path: "/servers/{server}/mcp", methods: STREAM, stream: true },
    {
        // Where a 401 of the gateway sends clients that log in by OAuth.
        name: "oauth-metadata",
        path: "/.well-known/oauth-protected-resource*",
        methods: ["GET", "HEAD"],
        stream: false,
    },
    // The gateway's, so that whoever watches the edge sees through it.
    { name: "health", path: "/healthz", methods: ["GET", "HEAD"], stream: false },
];
const LEGACY_ROUTES: readonly EdgeRoute[] = [
    { name: "sse", path: "/servers/{server}/sse", methods: ["GET"], stream: true },
    { name: "sse-message", path: "/servers/{server}/message", methods: ["POST"], stream: false },
];

/** One of the digits, letters and "." of a host name: Kong takes an origin with anything else for a regular expression. */
const ORIGIN = /^https?:\/\/[a-z0-9.-]+(:[0-9]{1,5})?$/;

/**
 * The edge of a stack. Depends on the settings only, and names servers by pattern: a new MCP server changes nothing.
 *
 * @throws ConfigError that names every setting that cannot be used
 */
export function planEdge(
    stack: Pick<StackSettings, "mainSubnet" | "internalSubnet" | "innerPool">,
    settings: EdgeSettings,
): EdgePlan {
    const {
        gatewayPort,
        bodyBytes = EDGE_LIMITS.bodyBytes.fallback,
        requestsPerMinute = EDGE_LIMITS.requestsPerMinute.fallback,
        readTimeoutSeconds = 3_600,
        allowedOrigins = [],
        tls = "none",
        legacySse = false,
    } = settings;
    const issues = [
        ...outside("gatewayPort", gatewayPort, 1, 65_535),
        ...outside("bodyBytes", bodyBytes, EDGE_LIMITS.bodyBytes.min, EDGE_LIMITS.bodyBytes.max),
        ...outside(
            "requestsPerMinute",
            requestsPerMinute,
            EDGE_LIMITS.requestsPerMinute.min,
            EDGE_LIMITS.requestsPerMinute.max,
        ),
        ...outside("readTimeoutSeconds", readTimeoutSeconds, 3_600, 86_400),
        ...allowedOrigins.filter((origin) => !isOrigin(origin)).map(originIssue),
    ];
    if (issues.length > 0) throw new ConfigError(issues.join("\n"));
    const { certFile, keyFile } = EDGE_PATHS;
    return {
        listenPort: EDGE_PORTS.listen,
        upstream: {
            host: planAddresses(stack).main.orchestrator,
            port: gatewayPort,
            healthPath: "/healthz",
        },
        routes: legacySse ? [...ROUTES, ...LEGACY_ROUTES] : ROUTES,
        limits: { bodyBytes, requestsPerMinute, readTimeoutSeconds },
        cors: { allowedOrigins: [...new Set(allowedOrigins)].sort() },
        tls: tls === "none" ? undefined : { mode: tls, certFile, keyFile },
        correlationHeader: "X-Correlation-ID",
        metrics: { port: EDGE_PORTS.status },
    };
}

/** Regular expression of a route's path, with both anchors; reads the same in RE2, Rust and PCRE. */
export function pathPattern({ path }: EdgeRoute): string {
    const below = path.endsWith("*");
    const exact = below ? path.slice(0, -1) : path;
    // Brackets instead of a backslash: no notation around it has a meaning for them.
    const literal = exact.replaceAll(".", "[.]").replace("{server}", "[a-z0-9-]{1,40}");
    return `^${literal}${below ? "(/.*)?" : ""}$`;
}

function outside(key: string, value: number, min: number, max: number): string[] {
    if (Number.isInteger(value) && value >= min && value <= max) return [];
    return [
        `edge.${key}: must be a whole number from ${min} to ${max}, got ${shown(value)}; ` +
            "choose one in that range",
    ];
}

/** Whether the text is an origin that both programs take literally. */
export function isOrigin(text: string): boolean {
    return ORIGIN.test(text) && URL.canParse(text) && new URL(text).origin === text;
}

function originIssue(origin: string): string {
    return (
        "edge.allowedOrigins: must be scheme and host in lower case, with a port unless it is the scheme's own, " +
        `got ${shown(origin)}; write it like https://console.example or http://localhost:5173`
    );
}
