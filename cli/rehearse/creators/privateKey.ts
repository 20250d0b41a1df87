import { createHash, generateKeyPairSync, type KeyObject } from "node:crypto";
import type * as tls from "@pulumi/tls";
import { secret, type Unwrap } from "@pulumi/pulumi";
import { refuseUnknown, type Creator } from "../run";

const CURVES: Readonly<Record<string, string>> = {
    P224: "secp224r1",
    P256: "prime256v1",
    P384: "secp384r1",
    P521: "secp521r1",
};

/** A private key, in the forms of the tls provider less OpenSSH's own for the private half. */
export const createPrivateKey: Creator = (request) => {
    refuseUnknown(request, ["algorithm", "ecdsaCurve", "rsaBits"]);
    const inputs = request.inputs as unknown as Unwrap<tls.PrivateKeyArgs>;
    const { ecdsaCurve = "P224", rsaBits = 2048 } = inputs;
    const { form, publicKey, privateKey } = generate(inputs.algorithm, ecdsaCurve, rsaBits);
    const publicDer = publicKey.export({ type: "spki", format: "der" });
    return Promise.resolve({
        id: createHash("sha1").update(publicDer).digest("hex"),
        state: {
            ecdsaCurve,
            rsaBits,
            privateKeyPem: secret(privateKey.export({ type: form, format: "pem" }).toString()),
            privateKeyPemPkcs8: secret(
                privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
            ),
            publicKeyPem: publicKey.export({ type: "spki", format: "pem" }).toString(),
            ...openSsh(publicKey, ecdsaCurve),
        },
    });
};

function generate(algorithm: string, curve: string, modulusLength: number) {
    switch (algorithm) {
        case "ECDSA": {
            const namedCurve = CURVES[curve];
            if (namedCurve === undefined) {
                throw new Error(
                    `ecdsaCurve "${curve}" is none of ${Object.keys(CURVES).join(", ")}`,
                );
            }
            return { form: "sec1", ...generateKeyPairSync("ec", { namedCurve }) } as const;
        }
        case "RSA":
            return { form: "pkcs1", ...generateKeyPairSync("rsa", { modulusLength }) } as const;
        case "ED25519":
            return { form: "pkcs8", ...generateKeyPairSync("ed25519") } as const;
        default:
            throw new Error(`algorithm "${algorithm}" is none of ECDSA, ED25519, RSA`);
    }
}

/** The public key in OpenSSH's form and its fingerprints; empty for P224, which OpenSSH does not have. */
function openSsh(key: KeyObject, curve: string) {
    const isP224 = key.asymmetricKeyType === "ec" && curve === "P224";
    const { x, y, n, e } = isP224 ? {} : key.export({ format: "jwk" });
    const raw = (part: string | undefined) => Buffer.from(part ?? "", "base64url");
    const number = (part: string | undefined) => Buffer.concat([Buffer.from([0]), raw(part)]);
    const positive = (part: string | undefined) =>
        (raw(part)[0] ?? 0) > 127 ? number(part) : raw(part);
    const name = `nistp${curve.slice(1)}`;
    const parts = {
        ed25519: ["ssh-ed25519", raw(x)],
        rsa: ["ssh-rsa", positive(e), positive(n)],
        ec: [`ecdsa-sha2-${name}`, name, Buffer.concat([Buffer.from([4]), raw(x), raw(y)])],
    }[key.asymmetricKeyType as "ed25519" | "rsa" | "ec"];
    if (isP224) {
        return {
            publicKeyOpenssh: "",
            publicKeyFingerprintMd5: "",
            publicKeyFingerprintSha256: "",
        };
    }
    const blob = Buffer.concat(parts.map(lengthFirst));
    const md5 = createHash("md5").update(blob).digest("hex");
    const sha256 = createHash("sha256").update(blob).digest("base64").replace(/=+$/, "");
    return {
        publicKeyOpenssh: `${String(parts[0])} ${blob.toString("base64")}\n`,
        publicKeyFingerprintMd5: (md5.match(/../g) ?? []).join(":"),
        publicKeyFingerprintSha256: `SHA256:${sha256}`,
    };
}

function lengthFirst(part: string | Buffer): Buffer {
    const data = Buffer.from(part);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(data.length);
    return Buffer.concat([length, data]);
}
