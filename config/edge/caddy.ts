import {
    CORS_HEADERS,
    EDGE_PATHS,
    EDGE_SECONDS,
    IDENTITY_HEADERS,
    pathPattern,
    type EdgePlan,
    type EdgeRoute,
} from "./model";

/** Lines of a configuration; a block is a nested list under its first line. */
type Lines = readonly (string | readonly [head: string, body: Lines])[];

const TOLD_LENGTH = "{http.request.header.Content-Length}";

/** Headers of an answer proper that CORS knows, and what caches are told of them. */
const CORS_ANSWER = ["Access-Control-Allow-Origin", "Access-Control-Expose-Headers", "Vary"];

/**
 * Caddyfile for Caddy from 2.6 on, without modules of others. It does what Kong's configuration does, except that plain
 * Caddy has no rate limit: `limits.requestsPerMinute` is not in it.
 */
export function renderCaddy(plan: EdgePlan): string {
    const { tls, listenPort, metrics } = plan;
    const scheme = tls === undefined ? "http" : "https";
    const lines: Lines = [
        "# Written by config/edge/caddy.ts.",
        ["", globalOptions()],
        [
            `${scheme}://:${listenPort}`,
            [
                ...(tls === undefined ? [] : [`tls ${tls.certFile} ${tls.keyFile}`]),
                ["log", ["output stdout", "format json"]],
                // In the order they are written, not in the one that Caddy gives directives by their names.
                ["route", siteRoute(plan)],
            ],
        ],
        [
            `http://:${metrics.port}`,
            ["bind 127.0.0.1", "metrics /metrics", 'respond /status/ready "ready" 200'],
        ],
    ];
    return `${flatten(lines, "").join("\n")}\n`;
}

/** Environment of Caddy's container: nothing is written outside the scratch folder. */
export const CADDY_ENVIRONMENT: Readonly<Record<string, string>> = {
    XDG_CONFIG_HOME: `${EDGE_PATHS.scratch}/config`,
    XDG_DATA_HOME: `${EDGE_PATHS.scratch}/data`,
};

/** Command of Caddy's container. */
export const CADDY_COMMAND: readonly string[] = [
    ...["caddy", "run"],
    ...["--config", EDGE_PATHS.caddyConfig, "--adapter", "caddyfile"],
];

function globalOptions(): Lines {
    return [
        "admin off",
        "auto_https off",
        // Streams never end by themselves: what is left of them after that is broken off.
        "grace_period 5s",
        [
            "servers",
            [
                "protocols h1 h2",
                "max_header_size 16KiB",
                "metrics",
                [
                    "timeouts",
                    [
                        `read_header ${EDGE_SECONDS.readHead}s`,
                        `read_body ${EDGE_SECONDS.readBody}s`,
                    ],
                ],
            ],
        ],
    ];
}

function siteRoute(plan: EdgePlan): Lines {
    const { routes, limits } = plan;
    const known = routes.map((route) => pathPattern(route)).join("|");
    return [
        // Which proxy it is, is no client's business; newer Caddys say it in Via as well.
        "header -Server",
        "header -Via",
        ...correlation(plan),
        ...cors(plan),
        `@unknown not path_regexp ${known}`,
        'respond @unknown "Not Found" 404',
        ...routes.flatMap(wrongMethod),
        // A length that is told is judged at once; a body without one, when it turns out too long.
        `@too-large \`${TOLD_LENGTH}.matches("^[0-9]{1,18}$") && int(${TOLD_LENGTH}) > ${limits.bodyBytes}\``,
        'respond @too-large "Payload Too Large" 413',
        ["request_body", [`max_size ${limits.bodyBytes}`]],
        ...IDENTITY_HEADERS.map((name) => `request_header -${name}`),
        ["reverse_proxy", reverseProxy(plan)],
    ];
}

function correlation({ correlationHeader: name }: EdgePlan): Lines {
    return [
        `@uncorrelated not header ${name} *`,
        `request_header @uncorrelated ${name} {http.request.uuid}`,
        `header ${name} {http.request.header.${name}}`,
    ];
}

function cors({ cors: { allowedOrigins }, routes, correlationHeader }: EdgePlan): Lines {
    if (allowedOrigins.length === 0) return [];
    const methods = [...new Set(routes.flatMap((route) => route.methods))].join(", ");
    const origins = allowedOrigins.map((origin) => `header Origin ${origin}`);
    const list = (names: readonly string[]): string => `"${names.join(", ")}"`;
    return [
        ["@browser", origins],
        [
            "header @browser",
            [
                "Access-Control-Allow-Origin {http.request.header.Origin}",
                `Access-Control-Expose-Headers ${list([...CORS_HEADERS.exposed, correlationHeader])}`,
            ],
        ],
        // For caches, whether or not this origin is one of the list.
        "header Vary Origin",
        ["@preflight", ["method OPTIONS", ...origins, "header Access-Control-Request-Method *"]],
        [
            "header @preflight",
            [
                `Access-Control-Allow-Methods ${list([methods])}`,
                `Access-Control-Allow-Headers ${list([...CORS_HEADERS.allowed, correlationHeader])}`,
                `Access-Control-Max-Age ${CORS_HEADERS.maxAgeSeconds}`,
            ],
        ],
        "respond @preflight 204",
    ];
}

function wrongMethod(route: EdgeRoute): Lines {
    const matcher = `@${route.name}-method`;
    return [
        [matcher, [`path_regexp ${pathPattern(route)}`, `not method ${route.methods.join(" ")}`]],
        `header ${matcher} Allow "${route.methods.join(", ")}"`,
        `respond ${matcher} "Method Not Allowed" 405`,
    ];
}

function reverseProxy({ upstream, limits, correlationHeader, cors }: EdgePlan): Lines {
    const { host, port, healthPath } = upstream;
    return [
        `to ${host}:${port}`,
        `health_uri ${healthPath}`,
        `health_interval ${EDGE_SECONDS.healthInterval}s`,
        `health_timeout ${EDGE_SECONDS.connect}s`,
        "health_status 200",
        // No flush_interval: events are passed on at once as it is, and -1 would keep the gateway's side of a stream
        // open when its client is gone.
        // What the edge says itself stands alone: browsers refuse an origin that is there twice.
        ...[correlationHeader, ...(cors.allowedOrigins.length > 0 ? CORS_ANSWER : [])].map(
            (name) => `header_down -${name}`,
        ),
        [
            "transport http",
            [
                `dial_timeout ${EDGE_SECONDS.connect}s`,
                `response_header_timeout ${limits.readTimeoutSeconds}s`,
                `read_timeout ${limits.readTimeoutSeconds}s`,
                `write_timeout ${EDGE_SECONDS.write}s`,
                `keepalive ${EDGE_SECONDS.upstreamIdle}s`,
                // Nothing is unpacked on the way.
                "compression off",
            ],
        ],
    ];
}

function flatten(lines: Lines, indent: string): string[] {
    return lines.flatMap((line) => {
        if (typeof line === "string") return [`${indent}${line}`];
        const [head, body] = line;
        return [
            `${indent}${head === "" ? "" : `${head} `}{`,
            ...flatten(body, `${indent}\t`),
            `${indent}}`,
        ];
    });
}
