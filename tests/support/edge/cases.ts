import type { EdgePlan } from "../../../config/edge/model";

import type { EdgeRequest } from "./client";

type Wanted = Readonly<Record<string, string | RegExp | undefined>>;

/** A request and what has to come of it, in front of a `StandInGateway`, whatever program the edge is. */
export interface EdgeCase {
    readonly name: string;
    readonly request: EdgeRequest;
    readonly status: readonly number[];
    /** Headers of the answer, in lower case; undefined: must not be there. */
    readonly headers?: Wanted;
    /** The answer's body. */
    readonly body?: string | RegExp;
    /** What the gateway has seen; undefined: nothing may have reached it. */
    readonly gateway?: {
        readonly path?: string;
        readonly bytes?: number;
        /** In lower case; undefined: must not be there. */
        readonly headers?: Wanted;
    };
}

/** Origins of the plan that the cases are for. */
export const ORIGINS = ["http://localhost:5173", "https://console.example"] as const;

const ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const TOKEN = "Bearer of-a-client.0123456789";
const METHODS = /^GET, ?POST, ?DELETE$/;

/** The cases of a plan whose `cors.allowedOrigins` are `ORIGINS`. */
export function edgeCases(plan: EdgePlan): readonly EdgeCase[] {
    return [...routing(), ...trust(plan), ...correlation(plan), ...bodies(plan), ...cors(plan)];
}

const reached = (name: string, method: string, path: string): EdgeCase => ({
    name,
    request: { method, path },
    status: [200],
    body: "answer of the gateway",
    gateway: { path },
});

const unknown = (name: string, path: string): EdgeCase => ({
    name,
    request: { method: "POST", path, bytes: 2 },
    status: [404],
    headers: { "access-control-allow-origin": undefined, server: undefined },
    body: /Not Found/,
});

const wrongMethod = (method: string, path: string, allow: RegExp): EdgeCase => ({
    name: `${method} ${path} is no method of it`,
    request: { method, path, ...(method === "PUT" ? { bytes: 2 } : {}) },
    status: [405],
    headers: { allow },
});

function routing(): readonly EdgeCase[] {
    const metadata = "/.well-known/oauth-protected-resource";
    return [
        reached("all servers as one, GET", "GET", "/mcp"),
        reached("all servers as one, POST", "POST", "/mcp"),
        reached("all servers as one, DELETE", "DELETE", "/mcp"),
        reached("one server", "POST", "/servers/files-mcp/mcp"),
        reached("a query goes along", "GET", "/servers/files-mcp/mcp?a=%2F&b=1"),
        reached("OAuth metadata", "GET", metadata),
        reached("OAuth metadata of a server", "GET", `${metadata}/servers/files-mcp/mcp`),
        unknown("the root", "/"),
        unknown("more behind an endpoint", "/mcp/more"),
        unknown("more in a name", "/mcpx"),
        unknown("another case", "/MCP"),
        unknown("a server without its endpoint", "/servers/files-mcp"),
        unknown("a name that no server can have", "/servers/Files.MCP/mcp"),
        unknown("two names", "/servers/a/b/mcp"),
        unknown("a name beside the metadata's", `${metadata}-else`),
        unknown("the old transport, which is off", "/servers/files-mcp/sse"),
        {
            name: "the gateway's health",
            request: { method: "GET", path: "/healthz" },
            status: [200],
            body: /ok/,
        },
        unknown("more behind the health", "/healthz/more"),
        unknown("the gateway's readiness", "/readyz"),
        unknown("the gateway's metrics", "/metrics"),
        unknown("the edge's own state", "/status/ready"),
        unknown("Caddy's configuration", "/config/"),
        unknown("Kong's configuration", "/services"),
        unknown("out of an endpoint", "/mcp/../metrics"),
        unknown("out of an endpoint, escaped", "/mcp/%2e%2e/metrics"),
        wrongMethod("PUT", "/mcp", METHODS),
        wrongMethod("PATCH", "/servers/files-mcp/mcp", METHODS),
        wrongMethod("OPTIONS", "/mcp", METHODS),
        wrongMethod("POST", metadata, /^GET, ?HEAD$/),
    ];
}

function trust({ tls }: EdgePlan): readonly EdgeCase[] {
    const spoofed = "spoofed.example";
    return [
        {
            name: "the token reaches the gateway as it is",
            request: { method: "POST", path: "/mcp", headers: { authorization: TOKEN }, bytes: 2 },
            status: [200],
            gateway: { headers: { authorization: TOKEN }, bytes: 2 },
        },
        {
            name: "without a token there is none",
            request: { method: "POST", path: "/mcp", bytes: 2 },
            status: [200],
            gateway: { headers: { authorization: undefined } },
        },
        {
            name: "the Host that the client sent reaches the gateway's guard",
            request: { method: "GET", path: "/mcp", headers: { host: "rebound.example" } },
            status: [200],
            gateway: { headers: { host: "rebound.example" } },
        },
        {
            name: "the protocol's own headers cross, in both directions",
            request: {
                method: "GET",
                path: "/mcp",
                headers: { "mcp-session-id": "mine", "mcp-protocol-version": "2025-11-25" },
            },
            status: [200],
            headers: { "mcp-session-id": "session-1", server: undefined, via: undefined },
            gateway: {
                headers: { "mcp-session-id": "mine", "mcp-protocol-version": "2025-11-25" },
            },
        },
        {
            name: "where a client claims to come from is not taken over",
            request: {
                method: "GET",
                path: "/mcp",
                headers: {
                    forwarded: `for=${spoofed}`,
                    "x-forwarded-for": spoofed,
                    "x-forwarded-host": spoofed,
                    "x-forwarded-proto": "gopher",
                    "x-forwarded-user": spoofed,
                },
            },
            status: [200],
            gateway: {
                headers: {
                    forwarded: undefined,
                    // The last one is whom the edge spoke to.
                    "x-forwarded-for": /(^|, )[0-9a-f.:]+$/,
                    "x-forwarded-host": /^(?!spoofed)/,
                    "x-forwarded-proto": tls === undefined ? "http" : "https",
                    "x-forwarded-user": undefined,
                },
            },
        },
        {
            name: "who a client claims to be is not taken over",
            request: {
                method: "GET",
                path: "/mcp",
                headers: {
                    "x-consumer-id": spoofed,
                    "x-consumer-username": spoofed,
                    "x-consumer-groups": spoofed,
                    "x-credential-identifier": spoofed,
                    "x-authenticated-userid": spoofed,
                },
            },
            status: [200],
            gateway: {
                headers: {
                    "x-consumer-id": undefined,
                    "x-consumer-username": undefined,
                    "x-consumer-groups": undefined,
                    "x-credential-identifier": undefined,
                    "x-authenticated-userid": undefined,
                },
            },
        },
    ];
}

function correlation({ correlationHeader }: EdgePlan): readonly EdgeCase[] {
    const header = correlationHeader.toLowerCase();
    return [
        {
            name: "a request without an id gets one, and the client is told",
            request: { method: "GET", path: "/mcp" },
            status: [200],
            headers: { [header]: ID },
            gateway: { headers: { [header]: ID } },
        },
        {
            name: "a client's own id is kept",
            request: { method: "GET", path: "/mcp", headers: { [header]: "mine-1" } },
            status: [200],
            headers: { [header]: "mine-1" },
            gateway: { headers: { [header]: "mine-1" } },
        },
        {
            name: "what the edge answers itself has one too",
            request: { method: "GET", path: "/nothing" },
            status: [404],
            headers: { [header]: ID },
        },
    ];
}

function bodies({ limits: { bodyBytes } }: EdgePlan): readonly EdgeCase[] {
    const post = { method: "POST", path: "/servers/files-mcp/mcp" } as const;
    return [
        {
            name: "a body of exactly the limit",
            request: { ...post, bytes: bodyBytes },
            status: [200],
            gateway: { bytes: bodyBytes },
        },
        {
            name: "a body of exactly the limit, of untold length",
            request: { ...post, bytes: bodyBytes, chunked: true },
            status: [200],
            gateway: { bytes: bodyBytes },
        },
        {
            name: "a body over the limit",
            request: { ...post, bytes: bodyBytes + 1 },
            status: [413],
        },
        {
            name: "a body over the limit, of untold length",
            request: { ...post, bytes: bodyBytes + 1, chunked: true },
            status: [413],
        },
    ];
}

function cors({ correlationHeader }: EdgePlan): readonly EdgeCase[] {
    const preflight = (origin: string, path: string): EdgeRequest => ({
        method: "OPTIONS",
        path,
        headers: { origin, "access-control-request-method": "POST" },
    });
    const allowed = ORIGINS.flatMap((origin): EdgeCase[] => [
        {
            name: `a preflight from ${origin}`,
            request: preflight(origin, "/mcp"),
            status: [200, 204],
            headers: {
                "access-control-allow-origin": origin,
                "access-control-allow-methods": /POST/,
                "access-control-allow-headers": /Authorization.*Mcp-Session-Id/,
                "access-control-allow-credentials": undefined,
                vary: /Origin/i,
            },
        },
        {
            name: `a request from ${origin}`,
            request: { method: "GET", path: "/mcp", headers: { origin } },
            status: [200],
            headers: {
                "access-control-allow-origin": origin,
                "access-control-expose-headers": new RegExp(`Mcp-Session-Id.*${correlationHeader}`),
                "access-control-allow-credentials": undefined,
            },
            gateway: { headers: { origin } },
        },
    ]);
    const others = [
        "https://elsewhere.example",
        "https://console.example.elsewhere.example",
        "http://console.example",
        "http://localhost:5174",
        "null",
    ];
    const denied = others.map((origin): EdgeCase => ({
        name: `a preflight from ${origin} is told nothing`,
        request: preflight(origin, "/mcp"),
        // Kong says 200 to every preflight; what counts is the origin that it does not name.
        status: [200, 403, 405],
        headers: { "access-control-allow-origin": undefined },
    }));
    return [...allowed, ...denied];
}
