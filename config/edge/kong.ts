import { stringify } from "yaml";

import {
    CORS_HEADERS,
    EDGE_PATHS,
    EDGE_SECONDS,
    IDENTITY_HEADERS,
    pathPattern,
    type EdgePlan,
    type EdgeRoute,
} from "./model";

interface Plugin {
    readonly name: string;
    readonly config: Readonly<Record<string, unknown>>;
}

const UPSTREAM = "gateway";

/**
 * Plugins of the configuration below, which are all that Kong loads. None of them authenticates: the gateway does, so
 * that `Authorization` reaches it as the client sent it.
 */
const PLUGINS = [
    "correlation-id",
    "cors",
    "prometheus",
    "rate-limiting",
    "request-size-limiting",
    "request-termination",
    "request-transformer",
    "response-transformer",
] as const;

/** Kong's declarative configuration, YAML, for Kong 3.9 without a database. */
export function renderKong(plan: EdgePlan): string {
    const { limits, routes } = plan;
    const scheme = plan.tls === undefined ? "http" : "https";
    const config = {
        _format_version: "3.0",
        upstreams: [upstream(plan)],
        services: [
            {
                name: UPSTREAM,
                protocol: "http",
                host: UPSTREAM,
                port: plan.upstream.port,
                connect_timeout: EDGE_SECONDS.connect * 1000,
                write_timeout: EDGE_SECONDS.write * 1000,
                read_timeout: limits.readTimeoutSeconds * 1000,
                // There is one gateway: a second try would only double the wait.
                retries: 0,
                routes: routes.map((route) => gatewayRoute(route, scheme)),
            },
        ],
        // Without a service: what is answered here. Kong would say 404 to a wrong method, and count none of these.
        routes: [
            ...routes.map((route) => wrongMethod(route, scheme)),
            {
                ...routeBase("unknown", "/", scheme),
                plugins: [termination(404, "Not Found")],
            },
        ],
        plugins: globalPlugins(plan),
    };
    return `# Written by config/edge/kong.ts.\n${stringify(config, { lineWidth: 0, aliasDuplicateObjects: false })}`;
}

/** Environment of Kong's container: no admin API, no database, nothing written outside the scratch folder. */
export function kongEnvironment(plan: EdgePlan): Readonly<Record<string, string>> {
    const { tls, limits } = plan;
    return {
        KONG_DATABASE: "off",
        KONG_DECLARATIVE_CONFIG: EDGE_PATHS.kongConfig,
        KONG_PREFIX: `${EDGE_PATHS.scratch}/kong`,
        KONG_PLUGINS: PLUGINS.join(","),
        KONG_ADMIN_LISTEN: "off",
        KONG_ADMIN_GUI_LISTEN: "off",
        KONG_STATUS_LISTEN: `127.0.0.1:${plan.metrics.port}`,
        KONG_PROXY_LISTEN: `0.0.0.0:${plan.listenPort}${tls === undefined ? "" : " http2 ssl"}`,
        ...(tls === undefined
            ? {}
            : { KONG_SSL_CERT: tls.certFile, KONG_SSL_CERT_KEY: tls.keyFile }),
        KONG_PROXY_ACCESS_LOG: "/dev/stdout",
        KONG_PROXY_ERROR_LOG: "/dev/stderr",
        KONG_STATUS_ACCESS_LOG: "off",
        KONG_STATUS_ERROR_LOG: "/dev/stderr",
        KONG_ANONYMOUS_REPORTS: "off",
        KONG_UNTRUSTED_LUA: "off",
        KONG_REQUEST_DEBUG: "off",
        // Neither its version nor its timing is a client's business.
        KONG_HEADERS: "off",
        KONG_HEADERS_UPSTREAM: "off",
        // The file is small; both maps are memory of the container.
        KONG_MEM_CACHE_SIZE: "16m",
        KONG_LMDB_MAP_SIZE: "32m",
        KONG_NGINX_WORKER_PROCESSES: "1",
        KONG_UPSTREAM_KEEPALIVE_IDLE_TIMEOUT: String(EDGE_SECONDS.upstreamIdle),
        // The plugin reads a body without a length to its end before it counts.
        KONG_NGINX_HTTP_CLIENT_MAX_BODY_SIZE: String(limits.bodyBytes),
        // A body stays in memory instead of going to a file.
        KONG_NGINX_HTTP_CLIENT_BODY_BUFFER_SIZE: String(limits.bodyBytes),
        KONG_NGINX_HTTP_CLIENT_HEADER_TIMEOUT: `${EDGE_SECONDS.readHead}s`,
        KONG_NGINX_HTTP_CLIENT_BODY_TIMEOUT: `${EDGE_SECONDS.readBody}s`,
        KONG_NGINX_HTTP_SEND_TIMEOUT: `${EDGE_SECONDS.write}s`,
    };
}

function upstream({ upstream: { host, port, healthPath } }: EdgePlan): object {
    return {
        name: UPSTREAM,
        targets: [{ target: `${host}:${port}`, weight: 100 }],
        healthchecks: {
            active: {
                type: "http",
                http_path: healthPath,
                timeout: EDGE_SECONDS.connect,
                concurrency: 1,
                healthy: {
                    interval: EDGE_SECONDS.healthInterval,
                    successes: 1,
                    http_statuses: [200],
                },
                unhealthy: {
                    interval: EDGE_SECONDS.healthInterval,
                    http_failures: 2,
                    tcp_failures: 2,
                    timeouts: 2,
                    http_statuses: [429, 500, 501, 502, 503, 504],
                },
            },
        },
    };
}

function routeBase(name: string, path: string, scheme: string): object {
    return { name, paths: [path], protocols: [scheme], strip_path: false };
}

/** Kong puts the first anchor itself. */
function kongPath(route: EdgeRoute): string {
    return `~${pathPattern(route).slice(1)}`;
}

function gatewayRoute(route: EdgeRoute, scheme: string): object {
    return {
        ...routeBase(route.name, kongPath(route), scheme),
        methods: route.methods,
        // The gateway guards against DNS rebinding by the Host that the client sent.
        preserve_host: true,
        // Bodies are bounded: the gateway gets them whole, and no slow client holds one of its requests.
        request_buffering: true,
        response_buffering: !route.stream,
    };
}

function wrongMethod(route: EdgeRoute, scheme: string): object {
    return {
        ...routeBase(`${route.name}-method`, kongPath(route), scheme),
        plugins: [
            termination(405, "Method Not Allowed"),
            {
                name: "response-transformer",
                config: { add: { headers: [`Allow:${route.methods.join(", ")}`] } },
            } satisfies Plugin,
        ],
    };
}

function termination(status: number, message: string): Plugin {
    return { name: "request-termination", config: { status_code: status, message } };
}

function globalPlugins(plan: EdgePlan): readonly Plugin[] {
    const { limits, correlationHeader } = plan;
    return [
        {
            name: "correlation-id",
            config: { header_name: correlationHeader, generator: "uuid", echo_downstream: true },
        },
        ...corsPlugins(plan),
        {
            name: "rate-limiting",
            config: { minute: limits.requestsPerMinute, limit_by: "ip", policy: "local" },
        },
        {
            name: "request-size-limiting",
            config: { allowed_payload_size: limits.bodyBytes, size_unit: "bytes" },
        },
        { name: "request-transformer", config: { remove: { headers: IDENTITY_HEADERS } } },
        {
            name: "prometheus",
            config: {
                status_code_metrics: true,
                latency_metrics: true,
                bandwidth_metrics: true,
                upstream_health_metrics: true,
            },
        },
    ];
}

/** None without an origin: to this plugin an empty list means every origin. Preflights it answers before any other. */
function corsPlugins({ cors: { allowedOrigins }, routes, correlationHeader }: EdgePlan): Plugin[] {
    if (allowedOrigins.length === 0) return [];
    return [
        {
            name: "cors",
            config: {
                origins: allowedOrigins,
                methods: [...new Set(routes.flatMap(({ methods }) => methods))],
                headers: [...CORS_HEADERS.allowed, correlationHeader],
                exposed_headers: [...CORS_HEADERS.exposed, correlationHeader],
                max_age: CORS_HEADERS.maxAgeSeconds,
                credentials: false,
            },
        },
    ];
}
