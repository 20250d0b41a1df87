/** Decides from a request's head alone whether it may go on. */
import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { isIP } from "node:net";

import type { Settings } from "./settings.ts";

export type Route = "mcp" | "healthz" | "metrics" | "other";

/** An answer instead of the one asked for. */
export interface Refusal {
    readonly status: number;
    readonly message: string;
    readonly headers?: Readonly<Record<string, string>>;
}

type GuardSettings = Pick<Settings, "path" | "token" | "allowedHosts" | "allowedOrigins">;

const METHODS: Readonly<Record<Exclude<Route, "other">, readonly string[]>> = {
    mcp: ["GET", "POST", "DELETE"],
    healthz: ["GET", "HEAD"],
    metrics: ["GET", "HEAD"],
};

/** Which of the bridge's few paths a request is for. */
export function routeOf(url: string | undefined, mcpPath: string): Route {
    // The same reading as mcp-proxy's own, so that the two never disagree on what a path is.
    const target = URL.parse(url ?? "", "http://localhost");
    switch (target?.pathname) {
        case mcpPath:
            return "mcp";
        case "/healthz":
            return "healthz";
        case "/metrics":
            return "metrics";
        default:
            return "other";
    }
}

/** Returns a check of request heads; undefined means "go on". */
export function createGuard(
    settings: GuardSettings,
): (req: IncomingMessage, route: Route) => Refusal | undefined {
    const wanted = settings.token === undefined ? undefined : digest(`Bearer ${settings.token}`);
    return (req, route) => {
        if (!isAllowedHost(req.headers.host, settings.allowedHosts)) {
            return { status: 403, message: "Forbidden: Host is not on BRIDGE_ALLOWED_HOSTS" };
        }
        const { origin } = req.headers;
        if (origin !== undefined && !settings.allowedOrigins.has(origin.toLowerCase())) {
            return { status: 403, message: "Forbidden: Origin is not on BRIDGE_ALLOWED_ORIGINS" };
        }
        if (route === "other") return { status: 404, message: "Not Found" };
        const methods = METHODS[route];
        if (!methods.includes(req.method ?? "")) {
            const headers = { Allow: methods.join(", ") };
            return { status: 405, message: "Method Not Allowed", headers };
        }
        if (route === "mcp" && wanted && !isBearer(req.headers.authorization, wanted)) {
            const headers = { "WWW-Authenticate": "Bearer" };
            return { status: 401, message: "Unauthorized: a bearer token is needed", headers };
        }
        return undefined;
    };
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

/** Compares digests of equal length, so that the time taken tells nothing about the token. */
function isBearer(header: string | undefined, wanted: Buffer): boolean {
    const given = (header ?? "").replace(/^bearer\s+/i, "Bearer ");
    return timingSafeEqual(digest(given), wanted);
}

function digest(text: string): Buffer {
    return createHash("sha256").update(text).digest();
}
