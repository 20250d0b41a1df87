/** Finds out which client a request comes from. */
import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";

import type { ClientConfig, Config } from "./config.ts";
import { Guesses } from "./limits.ts";
import { looksLikeJwt, TokenVerifier } from "./oauth.ts";
import { peerOf } from "./peer.ts";
import type { Refusal } from "./refusal.ts";

const LONGEST_TOKEN = 8_192;

interface Known {
    readonly digest: Buffer;
    readonly client: ClientConfig;
}

/** Knows the clients of one configuration; the tries of each address outlive it. */
export class Identity {
    readonly #known: readonly Known[];
    readonly #anonymous: ClientConfig | undefined;
    readonly #byOAuth: ReadonlyMap<string, ClientConfig>;
    readonly #guesses: Guesses;
    readonly #proven: WeakSet<Socket>;
    readonly #trusted: ReadonlySet<string>;
    /** Undefined without `settings.oauth`. */
    readonly verifier: TokenVerifier | undefined;

    /** @param before what this one replaces; its counts, and its keys if they are the same, go on */
    constructor({ clients, settings }: Config, before?: Identity) {
        const { oauth } = settings;
        this.#trusted = settings.trustedProxies;
        this.#known = clients.flatMap((client) =>
            client.tokenSha256.map((hex) => ({ digest: Buffer.from(hex, "hex"), client })),
        );
        this.#anonymous = clients.find(({ anonymous }) => anonymous);
        this.#byOAuth = new Map(
            clients.flatMap((client) =>
                client.oauthClient === undefined ? [] : [[client.oauthClient, client] as const],
            ),
        );
        this.#guesses = before ? before.#guesses : new Guesses();
        this.#proven = before ? before.#proven : new WeakSet();
        const same = JSON.stringify(before?.verifier?.config) === JSON.stringify(oauth);
        this.verifier = same ? before?.verifier : oauth && new TokenVerifier(oauth);
    }

    /**
     * The client a request comes from, or why it cannot be told.
     *
     * After too many wrong tokens an address's new connections are refused for a minute without a
     * look at the token. Connections that have shown a right one go on: behind Docker's port
     * forwarding all clients share one address, and one of them must not lock the others out.
     *
     * What a trusted proxy passes on says nothing by its connection, which many clients share, and
     * may still come from one address for all of them. There a right token counts at any time, and
     * only the wrong ones of a blocked address are told apart from others.
     *
     * @param path path of the resource asked for
     */
    async of(req: IncomingMessage, path: string): Promise<ClientConfig | Refusal> {
        const header = req.headers.authorization;
        // A wrong token never makes anyone anonymous.
        if (header === undefined) return this.#anonymous ?? this.#unauthorized(path);
        const { address, proxied } = peerOf(req, this.#trusted);
        if (proxied) {
            const found = await this.#match(header, path);
            return "status" in found && found.status === 401
                ? ((await this.#guessed(address)) ?? found)
                : found;
        }
        const proven = this.#proven.has(req.socket);
        const blocked = proven ? undefined : await this.#guesses.check(address);
        if (blocked) return blocked;
        const found = await this.#match(header, path);
        if (!("status" in found)) this.#proven.add(req.socket);
        else if (found.status === 401) {
            this.#proven.delete(req.socket);
            await this.#guesses.wrong(address);
        }
        return found;
    }

    /** Notes a wrong token; a refusal when the address had used up its tries before. */
    async #guessed(address: string): Promise<Refusal | undefined> {
        const blocked = await this.#guesses.check(address);
        if (!blocked) await this.#guesses.wrong(address);
        return blocked;
    }

    async #match(header: string, path: string): Promise<ClientConfig | Refusal> {
        const [, token] = /^bearer +([\w.~+/=-]+)$/i.exec(header) ?? [];
        if (token === undefined || token.length > LONGEST_TOKEN) return this.#unauthorized(path);
        const digest = createHash("sha256").update(token).digest();
        let found: ClientConfig | undefined;
        // To the end whatever is found, so that the time taken tells nothing.
        for (const known of this.#known) {
            if (timingSafeEqual(known.digest, digest)) found = known.client;
        }
        if (found) return found;
        if (!this.verifier || !looksLikeJwt(token)) return this.#unauthorized(path);
        const name = await this.verifier.verify(token, path);
        if (typeof name !== "string") return name;
        return (
            this.#byOAuth.get(name) ?? {
                status: 403,
                reason: "forbidden",
                message: "Forbidden: the token's client is not configured here",
            }
        );
    }

    #unauthorized(path: string): Refusal {
        return {
            status: 401,
            reason: "unauthorized",
            message: "Unauthorized: a bearer token is needed",
            headers: this.verifier?.challenge(path) ?? { "WWW-Authenticate": "Bearer" },
        };
    }
}
