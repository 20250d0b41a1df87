import "../reflect";
import {
    createHash,
    createPrivateKey,
    createPublicKey,
    randomBytes,
    webcrypto,
    type KeyObject,
} from "node:crypto";
import * as x509 from "@peculiar/x509";
import type * as tls from "@pulumi/tls";
import type { Unwrap } from "@pulumi/pulumi";
import { refuseUnknown, type Creator, type Made } from "../run";

type SelfSignedInputs = Unwrap<tls.SelfSignedCertArgs>;
type RequestInputs = Unwrap<tls.CertRequestArgs>;
type LocalInputs = Unwrap<tls.LocallySignedCertArgs>;
type Subject = NonNullable<RequestInputs["subject"]>;
type Names = readonly { readonly type: x509.GeneralNameType; readonly value: string }[];

const NAMED = ["dnsNames", "ipAddresses", "privateKeyPem", "subject", "uris"];
const ISSUED = [
    ...["allowedUses", "earlyRenewalHours", "isCaCertificate", "maxPathLength"],
    ...["setSubjectKeyId", "validityPeriodHours"],
];

const KEY_USAGES: Readonly<Record<string, x509.KeyUsageFlags>> = {
    digital_signature: x509.KeyUsageFlags.digitalSignature,
    content_commitment: x509.KeyUsageFlags.nonRepudiation,
    key_encipherment: x509.KeyUsageFlags.keyEncipherment,
    data_encipherment: x509.KeyUsageFlags.dataEncipherment,
    key_agreement: x509.KeyUsageFlags.keyAgreement,
    cert_signing: x509.KeyUsageFlags.keyCertSign,
    crl_signing: x509.KeyUsageFlags.cRLSign,
    encipher_only: x509.KeyUsageFlags.encipherOnly,
    decipher_only: x509.KeyUsageFlags.decipherOnly,
};

const EXTENDED_KEY_USAGES: Readonly<Record<string, string>> = {
    any_extended: "2.5.29.37.0",
    server_auth: "1.3.6.1.5.5.7.3.1",
    client_auth: "1.3.6.1.5.5.7.3.2",
    code_signing: "1.3.6.1.5.5.7.3.3",
    email_protection: "1.3.6.1.5.5.7.3.4",
    timestamping: "1.3.6.1.5.5.7.3.8",
    ocsp_signing: "1.3.6.1.5.5.7.3.9",
};

/** A certificate that its own key signs. */
export const createSelfSignedCert: Creator = async (request) => {
    refuseUnknown(request, [...NAMED, ...ISSUED, "setAuthorityKeyId"]);
    const inputs = request.inputs as unknown as SelfSignedInputs;
    const key = createPrivateKey(inputs.privateKeyPem ?? "");
    const subject = subjectName(inputs.subject);
    const publicKey = publicKeyOf(key);
    const keyId = (await x509.SubjectKeyIdentifierExtension.create(publicKey)).keyId;
    return issue(inputs, {
        subject,
        names: alternativeNames(inputs),
        publicKey,
        issuer: subject,
        key,
        issuerKeyId: inputs.setAuthorityKeyId ? keyId : undefined,
        output: "keyAlgorithm",
    });
};

/** A certificate signing request. */
export const createCertRequest: Creator = async (request) => {
    refuseUnknown(request, NAMED);
    const inputs = request.inputs as unknown as RequestInputs;
    const key = createPrivateKey(inputs.privateKeyPem ?? "");
    const names = alternativeNames(inputs);
    const csr = await x509.Pkcs10CertificateRequestGenerator.create({
        name: subjectName(inputs.subject).toJSON(),
        keys: { privateKey: await signer(key), publicKey: await verifier(key) },
        signingAlgorithm: algorithm(key),
        extensions: names.length > 0 ? [new x509.SubjectAlternativeNameExtension([...names])] : [],
    });
    const certRequestPem = csr.toString("pem") + "\n";
    const id = createHash("sha1").update(new Uint8Array(csr.rawData)).digest("hex");
    return { id, state: { certRequestPem, keyAlgorithm: keyAlgorithm(key) } };
};

/** A certificate for a signing request, signed by a CA. */
export const createLocallySignedCert: Creator = (request) => {
    refuseUnknown(request, [...ISSUED, "caCertPem", "caPrivateKeyPem", "certRequestPem"]);
    const inputs = request.inputs as unknown as LocalInputs;
    const csr = new x509.Pkcs10CertificateRequest(inputs.certRequestPem);
    const ca = new x509.X509Certificate(inputs.caCertPem);
    const caKeyId = ca.getExtension(x509.SubjectKeyIdentifierExtension)?.keyId;
    const names = csr.extensions.find((e) => e instanceof x509.SubjectAlternativeNameExtension);
    return issue(inputs, {
        subject: csr.subjectName,
        names: names?.names.items.filter(({ type }) => ["dns", "ip", "url"].includes(type)) ?? [],
        publicKey: csr.publicKey,
        issuer: ca.subjectName,
        key: createPrivateKey(inputs.caPrivateKeyPem ?? ""),
        issuerKeyId: ca.subject === csr.subject ? undefined : caKeyId,
        output: "caKeyAlgorithm",
    });
};

interface Issue {
    readonly subject: x509.Name;
    readonly names: Names;
    readonly publicKey: x509.PublicKey;
    readonly issuer: x509.Name;
    readonly key: KeyObject;
    readonly issuerKeyId?: string;
    readonly output: "keyAlgorithm" | "caKeyAlgorithm";
}

/** What Go's x509.CreateCertificate makes of the same inputs: the same extensions, equally critical. */
async function issue(inputs: SelfSignedInputs | LocalInputs, what: Issue): Promise<Made> {
    const isCa = inputs.isCaCertificate ?? false;
    const hasSubject = what.subject.toJSON().length > 0;
    if (isCa && !hasSubject) {
        throw new Error("a CA's subject needs at least one name");
    }
    const { flags, extended } = usages(inputs.allowedUses);
    const extensions: x509.Extension[] = [
        // Go takes a length of 0 for "not given".
        new x509.BasicConstraintsExtension(isCa, (isCa && inputs.maxPathLength) || undefined, true),
    ];
    if (flags !== 0) {
        extensions.push(new x509.KeyUsagesExtension(flags, true));
    }
    if (extended.length > 0) {
        extensions.push(new x509.ExtendedKeyUsageExtension(extended));
    }
    if (isCa || inputs.setSubjectKeyId) {
        extensions.push(await x509.SubjectKeyIdentifierExtension.create(what.publicKey));
    }
    if (what.issuerKeyId !== undefined) {
        extensions.push(new x509.AuthorityKeyIdentifierExtension(what.issuerKeyId));
    }
    if (what.names.length > 0) {
        extensions.push(new x509.SubjectAlternativeNameExtension([...what.names], !hasSubject));
    }
    const notBefore = new Date(Math.floor(Date.now() / 1000) * 1000);
    const notAfter = new Date(notBefore.getTime() + inputs.validityPeriodHours * 3600_000);
    const serialNumber = randomBytes(16);
    serialNumber[0] = (serialNumber[0] ?? 0) & 0x7f;
    const certificate = await x509.X509CertificateGenerator.create({
        serialNumber: serialNumber.toString("hex"),
        subject: what.subject,
        issuer: what.issuer,
        notBefore,
        notAfter,
        publicKey: what.publicKey,
        signingKey: await signer(what.key),
        signingAlgorithm: algorithm(what.key),
        extensions,
    });
    return {
        id: BigInt(`0x${serialNumber.toString("hex")}`).toString(),
        state: {
            certPem: certificate.toString("pem") + "\n",
            [what.output]: keyAlgorithm(what.key),
            readyForRenewal: false,
            validityStartTime: rfc3339(notBefore),
            validityEndTime: rfc3339(notAfter),
        },
    };
}

function usages(allowed: readonly string[]) {
    const unknown = allowed.filter((u) => !(u in KEY_USAGES) && !(u in EXTENDED_KEY_USAGES));
    if (unknown.length > 0) {
        throw new Error(`rehearse does not know the allowedUses ${unknown.join(", ")}`);
    }
    return {
        flags: allowed.reduce((flags, use) => flags | (KEY_USAGES[use] ?? 0), 0),
        extended: allowed.flatMap((use) => EXTENDED_KEY_USAGES[use] ?? []),
    };
}

/** The distinguished name, its parts in Go's order. */
function subjectName(subject: Subject = {}): x509.Name {
    const parts: readonly (readonly [string, string | readonly string[] | undefined])[] = [
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
    const names: x509.JsonName = parts.flatMap(([oid, value]) => {
        const values = value === undefined ? [] : [value].flat();
        return values.length > 0 ? [{ [oid]: values }] : [];
    });
    const { emailAddress } = subject;
    return new x509.Name([
        ...names,
        ...(emailAddress ? [{ "1.2.840.113549.1.9.1": [{ ia5String: emailAddress }] }] : []),
    ]);
}

function alternativeNames(inputs: SelfSignedInputs | RequestInputs): Names {
    return [
        ...(inputs.dnsNames ?? []).map((value) => ({ type: "dns", value }) as const),
        ...(inputs.ipAddresses ?? []).map((value) => ({ type: "ip", value }) as const),
        ...(inputs.uris ?? []).map((value) => ({ type: "url", value }) as const),
    ];
}

function keyAlgorithm(key: KeyObject): string {
    return { ec: "ECDSA", rsa: "RSA", ed25519: "ED25519" }[key.asymmetricKeyType ?? ""] ?? "";
}

/** The algorithm with which Go signs with such a key. */
function algorithm(key: KeyObject): EcAlgorithm {
    const curve = key.asymmetricKeyDetails?.namedCurve ?? "";
    const known: Readonly<Record<string, EcAlgorithm>> = {
        rsa: { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" },
        ed25519: { name: "Ed25519", hash: "SHA-512" },
        prime256v1: { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" },
        secp384r1: { name: "ECDSA", namedCurve: "P-384", hash: "SHA-384" },
        secp521r1: { name: "ECDSA", namedCurve: "P-521", hash: "SHA-512" },
    };
    const found = known[key.asymmetricKeyType === "ec" ? curve : (key.asymmetricKeyType ?? "")];
    if (found === undefined) {
        throw new Error(`rehearse cannot sign with a key of ${curve || key.asymmetricKeyType}`);
    }
    return found;
}

interface EcAlgorithm {
    readonly name: string;
    readonly hash: string;
    readonly namedCurve?: string;
}

function signer(key: KeyObject) {
    const der = key.export({ type: "pkcs8", format: "der" });
    return webcrypto.subtle.importKey("pkcs8", der, algorithm(key), true, ["sign"]);
}

function verifier(key: KeyObject) {
    const der = createPublicKey(key).export({ type: "spki", format: "der" });
    return webcrypto.subtle.importKey("spki", der, algorithm(key), true, ["verify"]);
}

function publicKeyOf(key: KeyObject): x509.PublicKey {
    return new x509.PublicKey(createPublicKey(key).export({ type: "spki", format: "der" }));
}

function rfc3339(time: Date): string {
    return time.toISOString().replace(/\.\d+Z$/, "Z");
}
