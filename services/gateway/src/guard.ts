/** Decides from a request's head, before anyone is identified, whether it may go on. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { isIP } from "node:net";

import type { Config } from "./config.ts";
import type { Refusal } from "./refusal.ts";

/** What a path is for; `path` is what OAuth calls the resource. */
export type Route =
    | { readonly kind: "server"; readonly server: string; readonly path: string }
    | { readonly kind: "all"; readonly path: string }
    | { readonly kind: "sse" | "message"; readonly server: string; readonly path: string }
    | { readonly kind: "metadata"; readonly path: string }
    | { readonly kind: "healthz" | "readyz" | "other" };

const METHODS: Readonly<Record<Exclude<Route["kind"], "other">, readonly string[]>> = {
    server: ["GET", "POST", "DELETE"],
    all: ["GET", "POST", "DELETE"],
    sse: ["GET"],
    message: ["POST"],
    metadata: ["GET", "HEAD"],
    healthz: ["GET", "HEAD"],
    readyz: ["GET", "HEAD"],
};
const METADATA = "/.well-known/oauth-protected-resource";
const SERVER_PATH = /^\/servers\/([a-z0-9-]{1,40})\/(mcp|sse|message)$/;
const CORS_METHODS = "GET, POST, DELETE";
const CORS_HEADERS =
    "Authorization, Content-Type, Last-Event-ID, MCP-Protocol-Version, Mcp-Method, Mcp-Name, Mcp-Session-Id, traceparent, tracestate";

/**
 * What a request is for.
 *
 * @param url the request's target
 * @param own the server that a port of its own stands for; `/mcp` is that server's there
 */
export function routeOf(url: string | undefined, own: string | undefined): Route {
    // Only the origin form: an absolute target would carry a second host past the check of Host.
    const [path = ""] = url?.startsWith("/") ? url.split(/[?#]/, 1) : [];
    if (path === "/healthz") return { kind: "healthz" };
    if (path === "/readyz") return { kind: "readyz" };
    if (path === METADATA || path.startsWith(`${METADATA}/`)) {
        return { kind: "metadata", path: path.slice(METADATA.length) };
    }
    if (path === "/mcp") {
        return own === undefined ? { kind: "all", path } : { kind: "server", server: own, path };
    }
    const [, server, leaf] = SERVER_PATH.exec(path) ?? [];
    if (server === undefined || (own !== undefined && own !== server)) return { kind: "other" };
    if (leaf === "mcp") return { kind: "server", server, path };
    return { kind: leaf === "sse" ? "sse" : "message", server, path };
}

/** Checks Host, Origin, path and method; undefined means "go on". */
export function guard(
    req: IncomingMessage,
    route: Route,
    { allowedHosts, allowedOrigins }: Config["settings"],
): Refusal | undefined {
    if (!isAllowedHost(req.headers.host, allowedHosts)) {
        const message = "Forbidden: Host is not in settings.allowedHosts";
        return { status: 403, reason: "host", message };
    }
    const { origin } = req.headers;
    if (origin !== undefined && !allowedOrigins.has(origin)) {
        const message = "Forbidden: Origin is not in settings.allowedOrigins";
        return { status: 403, reason: "origin", message };
    }
    if (route.kind === "other") return { status: 404, reason: "not_found", message: "Not Found" };
    const methods = METHODS[route.kind];
    if (!methods.includes(req.method ?? "") && !isPreflight(req)) {
        const headers = { Allow: methods.join(", ") };
        return { status: 405, reason: "method", message: "Method Not Allowed", headers };
    }
    return undefined;
}

/** A browser's question before the request proper; only an allowed origin gets past the guard. */
export function isPreflight(req: IncomingMessage): boolean {
    return req.method === "OPTIONS" && req.headers.origin !== undefined;
}

/** Names the allowed origin that asked; never a wildcard, and nothing without an Origin. */
export function setCorsHeaders(req: IncomingMessage, res: ServerResponse): void {
    const { origin } = req.headers;
    if (origin === undefined) return;
    res.setHeader("Access-Control-Allow-Origin", origin);
    res.setHeader("Vary", "Origin");
    res.setHeader("Access-Control-Expose-Headers", "Mcp-Session-Id, WWW-Authenticate, Retry-After");
    if (!isPreflight(req)) return;
    res.setHeader("Access-Control-Allow-Methods", CORS_METHODS);
    res.setHeader("Access-Control-Allow-Headers", CORS_HEADERS);
}

/**
 * Guards against DNS rebinding: a browser that was led here under a foreign name says so in `Host`.
 * An address cannot be rebound, so IP literals pass.
 */
export function isAllowedHost(host: string | undefined, names: ReadonlySet<string>): boolean {
    const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+))(?::\d{1,5})?$/.exec(host ?? "");
    if (!match) return false;
    const [, ipv6, name] = match;
    if (ipv6 !== undefined) return isIP(ipv6) === 6;
    if (name === undefined) return false;
    const lower = name.toLowerCase();
    return lower === "localhost" || isIP(lower) === 4 || names.has(lower);
}
