import "reflect-metadata";
import { createHash, createPrivateKey, createPublicKey, randomBytes, webcrypto } from "node:crypto";
import * as x509 from "@peculiar/x509";
import type * as tls from "@pulumi/tls";
import type { Unwrap } from "@pulumi/pulumi";
import { refuseUnknown, type Creator } from "../run";

type SelfSignedInputs = Unwrap<tls.SelfSignedCertArgs>;
type RequestInputs = Unwrap<tls.CertRequestArgs>;
type LocalInputs = Unwrap<tls.LocallySignedCertArgs>;

const NAMED = ["dnsNames", "ipAddresses", "privateKeyPem", "subject", "uris"];
const ISSUED = [
    ...["allowedUses", "earlyRenewalHours", "isCaCertificate", "maxPathLength"],
    ...["setSubjectKeyId", "validityPeriodHours"],
];

const KEY_USAGES = new Map([
    ["digital_signature", x509.KeyUsageFlags.digitalSignature],
    ["content_commitment", x509.KeyUsageFlags.nonRepudiation],
    ["key_encipherment", x509.KeyUsageFlags.keyEncipherment],
    ["data_encipherment", x509.KeyUsageFlags.dataEncipherment],
    ["key_agreement", x509.KeyUsageFlags.keyAgreement],
    ["cert_signing", x509.KeyUsageFlags.keyCertSign],
    ["crl_signing", x509.KeyUsageFlags.cRLSign],
]);
const EXTENDED_KEY_USAGES = new Map([
    ["server_auth", "1.3.6.1.5.5.7.3.1"],
    ["client_auth", "1.3.6.1.5.5.7.3.2"],
    ["code_signing", "1.3.6.1.5.5.7.3.3"],
    ["email_protection", "1.3.6.1.5.5.7.3.4"],
    ["timestamping", "1.3.6.1.5.5.7.3.8"],
    ["ocsp_signing", "1.3.6.1.5.5.7.3.9"],
]);

/** A certificate that its own key signs. */
export const createSelfSignedCert: Creator = async ({ inputs, type }) => {
    refuseUnknown(type, inputs, [...NAMED, ...ISSUED, "setAuthorityKeyId"]);
    const given = inputs as unknown as SelfSignedInputs;
    const key = await loadKey(given.privateKeyPem);
    const subject = subjectName(given.subject);
    const publicKey = await x509.PublicKey.create(key.publicKey);
    const own = await x509.SubjectKeyIdentifierExtension.create(publicKey);
    return issue(
        given,
        { subject, names: alternativeNames(given), publicKey },
        {
            key,
            name: subject,
            keyId: given.setAuthorityKeyId ? own.keyId : undefined,
            output: "keyAlgorithm",
        },
    );
};

/** A certificate signing request. */
export const createCertRequest: Creator = async ({ inputs, type }) => {
    refuseUnknown(type, inputs, NAMED);
    const given = inputs as unknown as RequestInputs;
    const keys = await loadKey(given.privateKeyPem);
    const names = alternativeNames(given);
    const request = await x509.Pkcs10CertificateRequestGenerator.create({
        name: subjectName(given.subject),
        keys,
        signingAlgorithm: keys.algorithm,
        extensions: names.length > 0 ? [new x509.SubjectAlternativeNameExtension(names)] : [],
    });
    return {
        id: createHash("sha1").update(Buffer.from(request.rawData)).digest("hex"),
        state: { certRequestPem: `${request.toString("pem")}\n`, keyAlgorithm: keys.label },
    };
};

/** A certificate for a signing request, signed by a CA. */
export const createLocallySignedCert: Creator = async ({ inputs, type }) => {
    refuseUnknown(type, inputs, [...ISSUED, "caCertPem", "caPrivateKeyPem", "certRequestPem"]);
    const given = inputs as unknown as LocalInputs;
    const request = new x509.Pkcs10CertificateRequest(given.certRequestPem);
    const ca = new x509.X509Certificate(given.caCertPem);
    const san = request.extensions.find((e) => e instanceof x509.SubjectAlternativeNameExtension);
    const names = san?.names.toJSON().filter(({ type }) => ["dns", "ip", "url"].includes(type));
    const { publicKey, subjectName: subject } = request;
    return issue(
        given,
        { subject, names: names ?? [], publicKey },
        {
            key: await loadKey(given.caPrivateKeyPem),
            name: ca.subjectName,
            keyId:
                ca.subject === request.subject
                    ? undefined
                    : ca.getExtension(x509.SubjectKeyIdentifierExtension)?.keyId,
            output: "caKeyAlgorithm",
        },
    );
};

/** What Go's x509.CreateCertificate makes of the same inputs: the same extensions, equally critical. */
async function issue(
    inputs: SelfSignedInputs | LocalInputs,
    to: { subject: x509.Name; names: x509.JsonGeneralNames; publicKey: x509.PublicKey },
    by: { key: Key; name: x509.Name; keyId?: string; output: "keyAlgorithm" | "caKeyAlgorithm" },
) {
    const { allowedUses, isCaCertificate: isCa = false, maxPathLength, setSubjectKeyId } = inputs;
    const hasSubject = to.subject.toJSON().length > 0;
    if (isCa && !hasSubject) {
        throw new Error("the subject of a CA needs at least one name");
    }
    const unknown = allowedUses.filter((u) => !KEY_USAGES.has(u) && !EXTENDED_KEY_USAGES.has(u));
    if (unknown.length > 0) {
        throw new Error(`rehearse does not know the allowedUses ${unknown.join(", ")}`);
    }
    const flags = allowedUses.reduce((sum, use) => sum | (KEY_USAGES.get(use) ?? 0), 0);
    const extended = allowedUses.flatMap((use) => EXTENDED_KEY_USAGES.get(use) ?? []);
    const extensions: (x509.Extension | false)[] = [
        // The provider takes a length of 0 for "not given".
        new x509.BasicConstraintsExtension(isCa, (isCa && maxPathLength) || undefined, true),
        flags > 0 && new x509.KeyUsagesExtension(flags, true),
        extended.length > 0 && new x509.ExtendedKeyUsageExtension(extended),
        (isCa || setSubjectKeyId === true) &&
            (await x509.SubjectKeyIdentifierExtension.create(to.publicKey)),
        by.keyId !== undefined && new x509.AuthorityKeyIdentifierExtension(by.keyId),
        to.names.length > 0 && new x509.SubjectAlternativeNameExtension(to.names, !hasSubject),
    ];
    const notBefore = new Date(Math.floor(Date.now() / 1000) * 1000);
    const notAfter = new Date(notBefore.getTime() + inputs.validityPeriodHours * 3600_000);
    // The first byte makes it positive and keeps its length.
    const serialNumber = `01${randomBytes(15).toString("hex")}`;
    const certificate = await x509.X509CertificateGenerator.create({
        serialNumber,
        subject: to.subject,
        issuer: by.name,
        notBefore,
        notAfter,
        publicKey: to.publicKey,
        signingKey: by.key.privateKey,
        signingAlgorithm: by.key.algorithm,
        extensions: extensions.filter((extension) => extension !== false),
    });
    return {
        id: BigInt(`0x${serialNumber}`).toString(),
        state: {
            certPem: `${certificate.toString("pem")}\n`,
            [by.output]: by.key.label,
            readyForRenewal: false,
            validityStartTime: notBefore.toISOString(),
            validityEndTime: notAfter.toISOString(),
        },
    };
}

/** The distinguished name, its parts in Go's order. */
function subjectName(subject: NonNullable<RequestInputs["subject"]> = {}): x509.Name {
    const parts: [string, string | string[] | undefined][] = [
        ["2.5.4.6", subject.country],
        ["2.5.4.10", subject.organization],
        ["2.5.4.11", subject.organizationalUnit],
        ["2.5.4.7", subject.locality],
        ["2.5.4.8", subject.province],
        ["2.5.4.9", subject.streetAddresses],
        ["2.5.4.17", subject.postalCode],
        ["2.5.4.3", subject.commonName],
        ["2.5.4.5", subject.serialNumber],
    ];
    const { emailAddress } = subject;
    return new x509.Name([
        ...parts.flatMap(([oid, value]) => (value ? [{ [oid]: [value].flat() }] : [])),
        ...(emailAddress ? [{ "1.2.840.113549.1.9.1": [{ ia5String: emailAddress }] }] : []),
    ]);
}

function alternativeNames(inputs: SelfSignedInputs | RequestInputs): x509.JsonGeneralNames {
    return [
        ...(inputs.dnsNames ?? []).map((value) => ({ type: "dns", value }) as const),
        ...(inputs.ipAddresses ?? []).map((value) => ({ type: "ip", value }) as const),
        ...(inputs.uris ?? []).map((value) => ({ type: "url", value }) as const),
    ];
}

type Key = Awaited<ReturnType<typeof loadKey>>;

/** With each kind of key, the algorithm with which Go signs. */
const ALGORITHMS = new Map<string, ReturnType<typeof ecdsa>>([
    ["rsa", { label: "RSA", algorithm: { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" } }],
    ["ed25519", { label: "ED25519", algorithm: { name: "Ed25519", hash: "SHA-512" } }],
    ["prime256v1", ecdsa("P-256", "SHA-256")],
    ["secp384r1", ecdsa("P-384", "SHA-384")],
    ["secp521r1", ecdsa("P-521", "SHA-512")],
]);

function ecdsa(namedCurve: string, hash: string) {
    const algorithm: { name: string; hash: string; namedCurve?: string } = {
        name: "ECDSA",
        namedCurve,
        hash,
    };
    return { label: "ECDSA", algorithm };
}

async function loadKey(pem = "") {
    const key = createPrivateKey(pem);
    const kind = key.asymmetricKeyDetails?.namedCurve ?? key.asymmetricKeyType ?? "";
    const known = ALGORITHMS.get(kind);
    if (known === undefined) {
        throw new Error(`rehearse cannot sign with a key of ${kind}`);
    }
    const { subtle } = webcrypto;
    const pkcs8 = key.export({ type: "pkcs8", format: "der" });
    const spki = createPublicKey(key).export({ type: "spki", format: "der" });
    return {
        ...known,
        privateKey: await subtle.importKey("pkcs8", pkcs8, known.algorithm, true, ["sign"]),
        publicKey: await subtle.importKey("spki", spki, known.algorithm, true, ["verify"]),
    };
}
