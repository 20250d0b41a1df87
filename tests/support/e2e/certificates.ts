import "reflect-metadata";
import { randomBytes, webcrypto } from "node:crypto";
import * as x509 from "@peculiar/x509";

/** A certificate with its key, PEM. */
export interface KeyPair {
    readonly cert: string;
    readonly key: string;
}

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const CLIENT_AUTH = "1.3.6.1.5.5.7.3.2";

/** A client certificate of a CA made on the spot, whose subject is the given one: same name, another key. */
export async function clientOfOtherCa(caSubject: string): Promise<KeyPair> {
    const ca = await webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
    const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
    const certificate = await x509.X509CertificateGenerator.create({
        serialNumber: randomBytes(8).toString("hex"),
        subject: "CN=client",
        issuer: caSubject,
        notBefore: new Date(Date.now() - 60_000),
        notAfter: new Date(Date.now() + 3_600_000),
        signingKey: ca.privateKey,
        publicKey: keys.publicKey,
        signingAlgorithm: ALGORITHM,
        extensions: [new x509.ExtendedKeyUsageExtension([CLIENT_AUTH])],
    });
    const der = await webcrypto.subtle.exportKey("pkcs8", keys.privateKey);
    return {
        cert: certificate.toString("pem"),
        key: x509.PemConverter.encode(der, "PRIVATE KEY"),
    };
}

/** Subject of a certificate, in the notation the generator takes. */
export function subjectOf(pem: string): string {
    return new x509.X509Certificate(pem).subject;
}
