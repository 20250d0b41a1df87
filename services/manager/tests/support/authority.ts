/** Certificates for tests: a CA that issues server and client certificates, made anew each time. */
import "reflect-metadata";

import { webcrypto } from "node:crypto";

import * as x509 from "@peculiar/x509";

export interface Pair {
    /** PEM texts. */
    readonly ca: string;
    readonly cert: string;
    readonly key: string;
}

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const HOUR_MS = 3_600_000;

export class Authority {
    readonly #keys: webcrypto.CryptoKeyPair;
    readonly #ca: x509.X509Certificate;

    private constructor(keys: webcrypto.CryptoKeyPair, ca: x509.X509Certificate) {
        this.#keys = keys;
        this.#ca = ca;
    }

    static async make(): Promise<Authority> {
        const keys = await newKeys();
        const ca = await x509.X509CertificateGenerator.createSelfSigned({
            name: "CN=test CA",
            keys,
            ...valid(HOUR_MS),
            extensions: [new x509.BasicConstraintsExtension(true, undefined, true)],
        });
        return new Authority(keys, ca);
    }

    /** Issues a certificate for 127.0.0.1; `endsInMs` below zero: one that has expired. */
    async issue(subject: string, endsInMs = HOUR_MS): Promise<Pair> {
        const own = await newKeys();
        const cert = await x509.X509CertificateGenerator.create({
            subject: `CN=${subject}`,
            issuer: this.#ca.subject,
            publicKey: own.publicKey,
            signingKey: this.#keys.privateKey,
            ...valid(endsInMs),
            extensions: [
                new x509.SubjectAlternativeNameExtension([{ type: "ip", value: "127.0.0.1" }]),
                await x509.AuthorityKeyIdentifierExtension.create(this.#keys.publicKey),
            ],
        });
        const pkcs8 = await webcrypto.subtle.exportKey("pkcs8", own.privateKey);
        return {
            ca: this.#ca.toString("pem"),
            cert: cert.toString("pem"),
            key: x509.PemConverter.encode(pkcs8, "PRIVATE KEY"),
        };
    }
}

function newKeys(): Promise<webcrypto.CryptoKeyPair> {
    return webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
}

function valid(endsInMs: number): { notBefore: Date; notAfter: Date } {
    return {
        notBefore: new Date(Date.now() - 2 * HOUR_MS),
        notAfter: new Date(Date.now() + endsInMs),
    };
}
