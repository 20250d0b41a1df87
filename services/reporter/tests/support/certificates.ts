/** Certificates for tests: a CA and a server's certificate for 127.0.0.1, made anew each time. */
import "reflect-metadata";

import { webcrypto } from "node:crypto";

import * as x509 from "@peculiar/x509";

export interface Certificates {
    readonly ca: string;
    readonly cert: string;
    readonly key: string;
}

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };

/** Makes a pair; `address` is what the server's certificate is for. */
export async function certificates(address = "127.0.0.1"): Promise<Certificates> {
    const { subtle } = webcrypto;
    const make = (): Promise<webcrypto.CryptoKeyPair> =>
        subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
    const dates = {
        notBefore: new Date(Date.now() - 60_000),
        notAfter: new Date(Date.now() + 3_600_000),
    };
    const issuer = await make();
    const ca = await x509.X509CertificateGenerator.createSelfSigned({
        name: "CN=test CA",
        keys: issuer,
        ...dates,
        extensions: [new x509.BasicConstraintsExtension(true, undefined, true)],
    });
    const own = await make();
    const cert = await x509.X509CertificateGenerator.create({
        subject: "CN=server",
        issuer: ca.subject,
        publicKey: own.publicKey,
        signingKey: issuer.privateKey,
        ...dates,
        extensions: [
            new x509.SubjectAlternativeNameExtension([{ type: "ip", value: address }]),
            await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey),
        ],
    });
    const pkcs8 = await subtle.exportKey("pkcs8", own.privateKey);
    return {
        ca: ca.toString("pem"),
        cert: cert.toString("pem"),
        key: x509.PemConverter.encode(pkcs8, "PRIVATE KEY"),
    };
}
