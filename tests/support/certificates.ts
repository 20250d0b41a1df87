import "reflect-metadata";
import { randomBytes, webcrypto } from "node:crypto";
import * as x509 from "@peculiar/x509";

/** A certificate with its key, PEM. */
export interface KeyPair {
    readonly cert: string;
    readonly key: string;
}

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const DAY_MS = 86_400_000;
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
    return pair(certificate, keys.privateKey);
}

/** An authority made on the spot, for what this program is told to trust. */
export interface TestAuthority extends KeyPair {
    /** A certificate for a server of these names and addresses. */
    issue(names: readonly { type: "dns" | "ip"; value: string }[]): Promise<KeyPair>;
}

/** A new authority. */
export async function testAuthority(): Promise<TestAuthority> {
    const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
    const [notBefore, notAfter] = [new Date(Date.now() - 60_000), new Date(Date.now() + DAY_MS)];
    const ca = await x509.X509CertificateGenerator.createSelfSigned({
        serialNumber: randomBytes(8).toString("hex"),
        name: "CN=test authority",
        notBefore,
        notAfter,
        keys,
        signingAlgorithm: ALGORITHM,
        extensions: [
            new x509.BasicConstraintsExtension(true, undefined, true),
            new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
        ],
    });
    const issue: TestAuthority["issue"] = async (names) => {
        const own = await webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
        const cert = await x509.X509CertificateGenerator.create({
            serialNumber: randomBytes(8).toString("hex"),
            subject: "CN=test server",
            issuer: ca.subject,
            notBefore,
            notAfter,
            signingKey: keys.privateKey,
            publicKey: own.publicKey,
            signingAlgorithm: ALGORITHM,
            extensions: [new x509.SubjectAlternativeNameExtension([...names])],
        });
        return pair(cert, own.privateKey);
    };
    return { ...(await pair(ca, keys.privateKey)), issue };
}

async function pair(
    certificate: x509.X509Certificate,
    privateKey: webcrypto.CryptoKey,
): Promise<KeyPair> {
    const der = await webcrypto.subtle.exportKey("pkcs8", privateKey);
    return {
        cert: certificate.toString("pem"),
        key: x509.PemConverter.encode(der, "PRIVATE KEY"),
    };
}

/** Subject of a certificate, in the notation the generator takes. */
export function subjectOf(pem: string): string {
    return new x509.X509Certificate(pem).subject;
}
