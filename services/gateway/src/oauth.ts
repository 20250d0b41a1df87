/** The OAuth 2.1 resource server: protected-resource metadata (RFC 9728) and access tokens (RFC 9068). */
import {
    createRemoteJWKSet,
    customFetch,
    errors,
    jwtVerify,
    type FetchImplementation,
    type JWTPayload,
} from "jose";
import { fetch, ProxyAgent } from "undici";

import type { OAuthConfig } from "./config.ts";
import type { Refusal } from "./refusal.ts";

const JWKS_TIMEOUT_MS = 5_000;
const CLOCK_TOLERANCE_SECONDS = 30;
/** Asymmetric only: with a symmetric one, whoever knows the public key could sign. */
const ALGORITHMS = [
    ...["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"],
    ...["ES256", "ES384", "ES512", "EdDSA", "Ed25519"],
];

/** Whether a bearer token has the shape of a signed JWT. */
export function looksLikeJwt(token: string): boolean {
    return /^eyJ[\w-]*\.[\w-]+\.[\w-]+$/.test(token);
}

/** `fetch` by way of an HTTP proxy. */
function through(proxyUrl: string): FetchImplementation {
    const dispatcher = new ProxyAgent(proxyUrl);
    return async (url, { headers, method, redirect, signal }) => {
        const answer = await fetch(url, {
            ...{ method, redirect, signal, dispatcher },
            headers: Object.fromEntries(headers),
        });
        return new Response(await answer.text(), { status: answer.status });
    };
}

/** Checks the access tokens of one authorization server. */
export class TokenVerifier {
    readonly config: OAuthConfig;
    readonly #keys: ReturnType<typeof createRemoteJWKSet>;

    constructor(config: OAuthConfig) {
        this.config = config;
        this.#keys = createRemoteJWKSet(new URL(config.jwksUri), {
            timeoutDuration: JWKS_TIMEOUT_MS,
            ...(config.proxyUrl === undefined ? {} : { [customFetch]: through(config.proxyUrl) }),
        });
    }

    /**
     * Returns the name of the client that a token was issued to.
     *
     * @param token the JWT
     * @param path path of the resource asked for; a token may be for it alone or for the gateway
     */
    async verify(token: string, path: string): Promise<string | Refusal> {
        const { issuer, audience, scopes, clientClaim } = this.config;
        let payload: JWTPayload;
        try {
            ({ payload } = await jwtVerify(token, this.#keys, {
                issuer,
                audience: [audience, `${audience}/`, `${audience}${path}`],
                algorithms: ALGORITHMS,
                clockTolerance: CLOCK_TOLERANCE_SECONDS,
                requiredClaims: ["exp"],
            }));
        } catch (error) {
            return this.#refusal(error, path);
        }
        const granted = new Set(typeof payload.scope === "string" ? payload.scope.split(" ") : []);
        if (!scopes.every((scope) => granted.has(scope))) {
            return {
                status: 403,
                reason: "forbidden",
                message: "Forbidden: the token lacks a scope",
                headers: this.challenge(path, {
                    error: "insufficient_scope",
                    scope: scopes.join(" "),
                }),
            };
        }
        const client = payload[clientClaim];
        return typeof client === "string" ? client : this.#invalid(path);
    }

    /** The header that tells a client where to get a token. */
    challenge(path: string, parts: Readonly<Record<string, string>> = {}): Record<string, string> {
        const { audience, scopes } = this.config;
        const all = {
            resource_metadata: `${audience}/.well-known/oauth-protected-resource${path}`,
            ...(scopes.length > 0 && { scope: scopes.join(" ") }),
            ...parts,
        };
        const text = Object.entries(all).map(([key, value]) => `${key}="${value}"`);
        return { "WWW-Authenticate": `Bearer ${text.join(", ")}` };
    }

    /** The metadata of the resource at `path`, or of the whole gateway for an empty one. */
    metadata(path: string): Record<string, unknown> {
        const { issuer, audience, scopes } = this.config;
        return {
            resource: `${audience}${path}`,
            authorization_servers: [issuer],
            bearer_methods_supported: ["header"],
            ...(scopes.length > 0 && { scopes_supported: scopes }),
        };
    }

    #invalid(path: string): Refusal {
        return {
            status: 401,
            reason: "unauthorized",
            message: "Unauthorized: the token is not valid here",
            headers: this.challenge(path, { error: "invalid_token" }),
        };
    }

    #refusal(error: unknown, path: string): Refusal {
        const keysAreMissing =
            !(error instanceof errors.JOSEError) ||
            error instanceof errors.JWKSTimeout ||
            error.code === "ERR_JOSE_GENERIC";
        if (!keysAreMissing) return this.#invalid(path);
        return {
            status: 503,
            reason: "upstream",
            message: "Service Unavailable: the authorization server's keys cannot be had",
            headers: { "Retry-After": "5" },
        };
    }
}
