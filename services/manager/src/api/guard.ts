/** Who may ask what: Host allow list, bearer tokens, roles, and a limit for those who guess. */
import type { FastifyInstance, FastifyRequest } from "fastify";

import { ApiError } from "./errors.ts";
import type { Role, Tokens } from "./tokens.ts";

/** What a route asks for; a route that does not say needs `read`. */
export type Access = "public" | Role;

declare module "fastify" {
    interface FastifyContextConfig {
        access?: Access;
    }
    interface FastifyRequest {
        /** Undefined only where the route is public. */
        role: Role | undefined;
        /** The role its token has by now, for answers that stay open. */
        roleNow: () => Role | undefined;
    }
}

/** Refused tokens of one address in a minute; after that the address is told to wait. */
const GUESSES_PER_MINUTE = 30;

export interface GuardOptions {
    readonly tokens: Tokens;
    readonly allowedHosts: ReadonlySet<string>;
}

/** Puts the guard before every route of `app`, also those that do not exist. Needs @fastify/rate-limit. */
export function guard(app: FastifyInstance, { tokens, allowedHosts }: GuardOptions): void {
    const guesses = app.createRateLimit({
        max: GUESSES_PER_MINUTE,
        timeWindow: 60_000,
        keyGenerator: ({ ip }) => `guess ${ip}`,
    });
    app.decorateRequest("role", undefined);
    app.decorateRequest("roleNow", function () {
        return tokens.roleOf(this.headers.authorization);
    });
    app.addHook("onRequest", async (request) => {
        if (!allowedHosts.has(request.hostname.toLowerCase())) {
            throw new ApiError(421, "host-not-allowed", "the Host header is not on the list", {
                remedy: "use a name or address of MANAGER_ALLOWED_HOSTS",
            });
        }
        request.role = request.roleNow();
        const access = request.routeOptions.config.access ?? "read";
        if (access === "public") return;
        if (request.role === undefined) {
            const limit = await guesses(request);
            if (!limit.isAllowed && limit.isExceeded) throw tooMany(limit.ttlInSeconds);
            throw unauthorized(request);
        }
        if (access === "operate") demandOperate(request);
    });
}

/** @throws ApiError 403 unless the request's token may change things */
export function demandOperate({ role }: FastifyRequest): void {
    if (role === "operate") return;
    throw new ApiError(403, "forbidden", "this token may only read", {
        remedy: "use the operate token",
        headers: { "www-authenticate": 'Bearer realm="mcp-manager", error="insufficient_scope"' },
    });
}

/** The answer to whoever asks too often, or for too much at once. */
export function tooMany(seconds: number, detail = "too many requests"): ApiError {
    return new ApiError(429, "too-many-requests", detail, {
        remedy: `try again in ${seconds} s`,
        headers: { "retry-after": String(seconds) },
    });
}

function unauthorized({ headers }: FastifyRequest): ApiError {
    const given = headers.authorization !== undefined;
    return new ApiError(
        401,
        "unauthorized",
        given ? "the token is not valid" : "a token is needed",
        {
            remedy: "send Authorization: Bearer <token>",
            headers: {
                "www-authenticate": `Bearer realm="mcp-manager"${given ? ', error="invalid_token"' : ""}`,
            },
        },
    );
}
