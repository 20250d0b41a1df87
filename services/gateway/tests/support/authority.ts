/** An OAuth authorization server, as far as a resource server sees it: keys on a URL, and tokens. */
import { createServer, type Server } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";

import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWTPayload } from "jose";

/** The running authority. */
export class Authority {
    readonly #http: Server;
    readonly #keys: { readonly publicKey: CryptoKey; readonly privateKey: CryptoKey };
    /** Requests for the keys so far. */
    fetched = 0;

    private constructor(keys: { publicKey: CryptoKey; privateKey: CryptoKey }) {
        this.#keys = keys;
        this.#http = createServer((_req, res) => {
            this.fetched += 1;
            void exportJWK(keys.publicKey).then((jwk) => {
                res.setHeader("Content-Type", "application/json");
                res.end(JSON.stringify({ keys: [{ ...jwk, kid: "k", alg: "ES256", use: "sig" }] }));
            });
        });
    }

    static async start(): Promise<Authority> {
        const authority = new Authority(await generateKeyPair("ES256"));
        authority.#http.listen(0, "127.0.0.1");
        await once(authority.#http, "listening");
        return authority;
    }

    get issuer(): string {
        return `http://127.0.0.1:${(this.#http.address() as AddressInfo).port}`;
    }

    /** A token; `alg` other than the key's makes one that must not be taken. */
    token(
        claims: JWTPayload,
        expires = "5m",
        key: CryptoKey = this.#keys.privateKey,
    ): Promise<string> {
        return new SignJWT({ iss: this.issuer, ...claims })
            .setProtectedHeader({ alg: "ES256", kid: "k" })
            .setExpirationTime(expires)
            .sign(key);
    }

    async close(): Promise<void> {
        this.#http.closeAllConnections();
        this.#http.close();
        await once(this.#http, "close");
    }
}
