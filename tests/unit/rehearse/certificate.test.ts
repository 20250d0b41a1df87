import { execFileSync } from "node:child_process";
import { createPrivateKey, createPublicKey, X509Certificate } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { CREATORS } from "../../../cli/rehearse/creators";
import type { Run } from "../../../cli/rehearse/run";

const dir = mkdtempSync(join(tmpdir(), "rehearse-test-"));
afterAll(() => rmSync(dir, { recursive: true }));

const openssl = (...args: string[]) =>
    execFileSync("openssl", args, { encoding: "utf8", cwd: dir, stdio: "pipe" });

/** Creates a tls resource; gives its outputs, secrets in clear. */
async function tls(kind: string, inputs: Record<string, unknown>): Promise<Record<string, string>> {
    const type = `tls:index/${kind[0]?.toLowerCase()}${kind.slice(1)}:${kind}`;
    const create = CREATORS.get(type);
    const made = await create?.({ type, name: "x", inputs }, {} as Run);
    const state = await new Promise((done) => pulumi.output(made?.state ?? {}).apply(done));
    return state as Record<string, string>;
}

const key = (algorithm: string, ecdsaCurve?: string) =>
    tls("PrivateKey", { algorithm, ...(ecdsaCurve && { ecdsaCurve }) });

function put(name: string, pem: string | undefined): string {
    writeFileSync(join(dir, name), pem ?? "");
    return name;
}

/** openssl's words for an extension: the header with "critical" or not, and the line after it. */
function extension(text: string, name: string): string | undefined {
    const lines = text.split("\n").map((line) => line.trim());
    const at = lines.findIndex((line) => line.startsWith(`X509v3 ${name}:`));
    return at < 0
        ? undefined
        : `${lines[at]?.includes("critical") ? "critical " : ""}${lines[at + 1]}`;
}

async function authority(algorithm = "ECDSA", curve?: string) {
    const { privateKeyPem } = await key(algorithm, curve ?? "P256");
    const cert = await tls("SelfSignedCert", {
        privateKeyPem,
        isCaCertificate: true,
        subject: { commonName: "Test CA", organization: "Größe", country: "DE" },
        allowedUses: ["cert_signing", "crl_signing", "digital_signature"],
        validityPeriodHours: 24,
        maxPathLength: 1,
    });
    return { caCertPem: cert.certPem ?? "", caPrivateKeyPem: privateKeyPem ?? "" };
}

async function leaf(ca: { caCertPem: string; caPrivateKeyPem: string }, more: object = {}) {
    const { privateKeyPem } = await key("ECDSA", "P256");
    const { certRequestPem } = await tls("CertRequest", {
        privateKeyPem,
        subject: { commonName: "server", organizationalUnit: "unit" },
        dnsNames: ["localhost", "*.example.test"],
        ipAddresses: ["127.0.0.1", "fd00::1"],
        uris: ["spiffe://example/server"],
    });
    const cert = await tls("LocallySignedCert", {
        ...ca,
        certRequestPem,
        allowedUses: ["digital_signature", "key_encipherment", "server_auth", "client_auth"],
        validityPeriodHours: 2,
        ...more,
    });
    return { cert, privateKeyPem: privateKeyPem ?? "" };
}

describe("private keys", () => {
    test.each([
        ["ECDSA", "P256", "EC PRIVATE KEY", "ec"],
        ["ECDSA", "P384", "EC PRIVATE KEY", "ec"],
        ["RSA", undefined, "RSA PRIVATE KEY", "rsa"],
        ["ED25519", undefined, "PRIVATE KEY", "ed25519"],
    ])("%s %s has the provider's forms, all of one key", async (algorithm, curve, label, kind) => {
        const made = await key(algorithm, curve);
        expect(made.privateKeyPem).toMatch(new RegExp(`^-----BEGIN ${label}-----\n`));
        expect(made.privateKeyPemPkcs8).toMatch(/^-----BEGIN PRIVATE KEY-----\n/);
        const loaded = createPrivateKey(made.privateKeyPem ?? "");
        expect(loaded.asymmetricKeyType).toBe(kind);
        expect(loaded.equals(createPrivateKey(made.privateKeyPemPkcs8 ?? ""))).toBe(true);
        expect(createPublicKey(loaded).equals(createPublicKey(made.publicKeyPem ?? ""))).toBe(true);
    });

    test.each([
        ["ECDSA", "P521"],
        ["RSA", undefined],
        ["ED25519", undefined],
    ])("%s has OpenSSH's fingerprints", async (algorithm, curve) => {
        const made = await key(algorithm, curve);
        const file = put("key.pub", made.publicKeyOpenssh);
        const print = (hash: string) =>
            execFileSync("ssh-keygen", ["-l", "-E", hash, "-f", join(dir, file)], {
                encoding: "utf8",
            }).split(" ")[1];
        expect(print("sha256")).toBe(made.publicKeyFingerprintSha256);
        expect(print("md5")).toBe(`MD5:${made.publicKeyFingerprintMd5}`);
    });

    test("are secret", async () => {
        const create = CREATORS.get("tls:index/privateKey:PrivateKey");
        const inputs = { algorithm: "ED25519" };
        const made = await create?.({ type: "t", name: "x", inputs }, {} as Run);
        const isSecret = (name: string) =>
            pulumi.isSecret(made?.state[name] as pulumi.Output<string>);
        expect(await isSecret("privateKeyPem")).toBe(true);
        expect(await isSecret("privateKeyPemPkcs8")).toBe(true);
    });

    test("of other kinds are refused", async () => {
        await expect(key("ECDSA")).rejects.toThrow("P256, P384, P521 only");
        await expect(key("DSA")).rejects.toThrow("P256, P384, P521 only");
    });
});

describe("a CA", () => {
    test("says so, critically", async () => {
        const { caCertPem } = await authority();
        expect(new X509Certificate(caCertPem).ca).toBe(true);
        const text = openssl("x509", "-noout", "-text", "-in", put("ca.pem", caCertPem));
        expect(extension(text, "Basic Constraints")).toBe("critical CA:TRUE, pathlen:1");
        expect(extension(text, "Key Usage")).toBe(
            "critical Digital Signature, Certificate Sign, CRL Sign",
        );
        expect(extension(text, "Subject Key Identifier")).toMatch(
            /^[0-9A-F]{2}(:[0-9A-F]{2}){19}$/,
        );
        expect(extension(text, "Authority Key Identifier")).toBeUndefined();
        expect(extension(text, "Extended Key Usage")).toBeUndefined();
        expect(text).toContain("Subject: C = DE, O = Gr\\C3\\B6\\C3\\9Fe, CN = Test CA");
    });

    test("needs a subject", async () => {
        const { privateKeyPem } = await key("ED25519");
        const inputs = {
            privateKeyPem,
            isCaCertificate: true,
            allowedUses: [],
            validityPeriodHours: 1,
        };
        await expect(tls("SelfSignedCert", inputs)).rejects.toThrow("at least one name");
    });
});

describe("a signed certificate", () => {
    test.each([
        ["ECDSA", "P256"],
        ["ECDSA", "P384"],
        ["RSA", undefined],
        ["ED25519", undefined],
    ])("is one of its CA with an %s %s key", async (algorithm, curve) => {
        const ca = await authority(algorithm, curve);
        const { cert: made, privateKeyPem } = await leaf(ca);
        const { certPem } = made;
        const cert = new X509Certificate(certPem ?? "");
        const issuer = new X509Certificate(ca.caCertPem);
        expect(cert.checkIssued(issuer) && cert.verify(issuer.publicKey)).toBe(true);
        expect(cert.checkPrivateKey(createPrivateKey(privateKeyPem))).toBe(true);
        const files = [put("ca.pem", ca.caCertPem), put("leaf.pem", certPem)];
        const verify = ["verify", "-x509_strict", "-purpose", "sslserver", "-CAfile"];
        expect(openssl(...verify, ...files)).toBe("leaf.pem: OK\n");
        expect(() => openssl("verify", "-CAfile", "leaf.pem", "ca.pem")).toThrow();
    });

    test("has the request's names and the given uses", async () => {
        const ca = await authority();
        const { certPem } = (await leaf(ca, { setSubjectKeyId: true })).cert;
        const cert = new X509Certificate(certPem ?? "");
        expect(cert.checkHost("localhost")).toBe("localhost");
        expect(cert.checkHost("a.example.test")).toBeDefined();
        expect(cert.checkIP("fd00::1")).toBeDefined();
        expect(cert.checkIP("127.0.0.2")).toBeUndefined();
        expect(cert.ca).toBe(false);
        const text = openssl("x509", "-noout", "-text", "-in", put("leaf.pem", certPem));
        expect(extension(text, "Basic Constraints")).toBe("critical CA:FALSE");
        expect(extension(text, "Key Usage")).toBe("critical Digital Signature, Key Encipherment");
        expect(extension(text, "Extended Key Usage")).toBe(
            "TLS Web Server Authentication, TLS Web Client Authentication",
        );
        expect(extension(text, "Subject Alternative Name")).toBe(
            "DNS:localhost, DNS:*.example.test, IP Address:127.0.0.1, " +
                "IP Address:FD00:0:0:0:0:0:0:1, URI:spiffe://example/server",
        );
        expect(extension(text, "Subject Key Identifier")).toBeDefined();
        const ski = openssl(
            "x509",
            "-noout",
            "-ext",
            "subjectKeyIdentifier",
            "-in",
            put("ca.pem", ca.caCertPem),
        );
        const identifier =
            extension(text, "Authority Key Identifier")?.replace("keyid:", "") ?? "none";
        expect(ski).toContain(identifier);
    });

    test("is valid for as long as asked", async () => {
        const { cert } = await leaf(await authority());
        const { validFrom, validTo } = new X509Certificate(cert.certPem ?? "");
        const { readyForRenewal, validityEndTime, validityStartTime } = cert;
        expect(Date.parse(validTo) - Date.parse(validFrom)).toBe(2 * 3600_000);
        expect(Date.parse(validityStartTime ?? "")).toBe(Date.parse(validFrom));
        expect(Date.parse(validityEndTime ?? "")).toBe(Date.parse(validTo));
        expect(readyForRenewal).toBe(false);
    });

    test("chains to a CA that openssl made, whose names are encoded in another way", async () => {
        openssl(
            ...[
                "req",
                "-x509",
                "-newkey",
                "rsa:2048",
                "-nodes",
                "-utf8",
                "-subj",
                "/O=Other/CN=other",
            ],
            ...["-keyout", "other.key", "-out", "other.pem", "-days", "1"],
        );
        const ca = {
            caCertPem: openssl("x509", "-in", "other.pem"),
            caPrivateKeyPem: openssl("pkey", "-in", "other.key"),
        };
        put("leaf.pem", (await leaf(ca)).cert.certPem);
        expect(openssl("verify", "-CAfile", "other.pem", "leaf.pem")).toBe("leaf.pem: OK\n");
    });

    test("marks its names critical if there is no subject", async () => {
        const { privateKeyPem } = await key("ECDSA", "P256");
        const { certPem } = await tls("SelfSignedCert", {
            ...{ privateKeyPem, dnsNames: ["a.test"], allowedUses: [], validityPeriodHours: 1 },
            ...{ setAuthorityKeyId: true, setSubjectKeyId: true },
        });
        const text = openssl("x509", "-noout", "-text", "-in", put("self.pem", certPem));
        expect(extension(text, "Subject Alternative Name")).toBe("critical DNS:a.test");
        const own = extension(text, "Subject Key Identifier");
        expect(extension(text, "Authority Key Identifier")?.replace("keyid:", "")).toBe(own);
    });

    test("refuses a use it does not know", async () => {
        const signed = leaf(await authority(), { allowedUses: ["serverAuth"] });
        await expect(signed).rejects.toThrow("does not know the allowedUses serverAuth");
    });
});

test("a request verifies and has all of its subject", async () => {
    const { privateKeyPem } = await key("ECDSA", "P384");
    const { certRequestPem, keyAlgorithm } = await tls("CertRequest", {
        privateKeyPem,
        subject: {
            ...{ commonName: "cn", country: "DE", emailAddress: "a@b.test", locality: "l" },
            ...{ organization: "o", postalCode: "1", province: "p", serialNumber: "7" },
            streetAddresses: ["s 1", "s 2"],
        },
    });
    const text = openssl(
        "req",
        "-verify",
        "-noout",
        "-subject",
        "-in",
        put("x.csr", certRequestPem),
    );
    expect(text).toContain(
        "C = DE, O = o, L = l, ST = p, street = s 1 + street = s 2, postalCode = 1, CN = cn, " +
            "serialNumber = 7, emailAddress = a@b.test",
    );
    expect(keyAlgorithm).toBe("ECDSA");
});
