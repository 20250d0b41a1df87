import { createHash, generateKeyPairSync, type KeyObject } from "node:crypto";
import type * as tls from "@pulumi/tls";
import { secret, type Unwrap } from "@pulumi/pulumi";
import { refuseUnknown, type Creator } from "../run";

const CURVES = new Map([
    ["P256", "prime256v1"],
    ["P384", "secp384r1"],
    ["P521", "secp521r1"],
]);

/** A private key in PEM, in the same forms as the tls provider's. */
export const createPrivateKey: Creator = ({ inputs, type }) => {
    refuseUnknown(type, inputs, ["algorithm", "ecdsaCurve", "rsaBits"]);
    const given = inputs as unknown as Unwrap<tls.PrivateKeyArgs>;
    const { ecdsaCurve = "P224", rsaBits = 2048 } = given;
    const { form, publicKey, privateKey } = generate(given.algorithm, ecdsaCurve, rsaBits);
    const pem = (type: "sec1" | "pkcs1" | "pkcs8") =>
        secret(privateKey.export({ type, format: "pem" }).toString());
    const publicDer = publicKey.export({ type: "spki", format: "der" });
    return Promise.resolve({
        id: createHash("sha1").update(publicDer).digest("hex"),
        state: {
            ecdsaCurve,
            rsaBits,
            privateKeyPem: pem(form),
            privateKeyPemPkcs8: pem("pkcs8"),
            publicKeyPem: publicKey.export({ type: "spki", format: "pem" }).toString(),
            ...openSsh(publicKey, ecdsaCurve),
        },
    });
};

function generate(algorithm: string, curve: string, modulusLength: number) {
    const namedCurve = CURVES.get(curve);
    if (algorithm === "ECDSA" && namedCurve !== undefined) {
        return { form: "sec1", ...generateKeyPairSync("ec", { namedCurve }) } as const;
    } else if (algorithm === "RSA") {
        return { form: "pkcs1", ...generateKeyPairSync("rsa", { modulusLength }) } as const;
    } else if (algorithm === "ED25519") {
        return { form: "pkcs8", ...generateKeyPairSync("ed25519") } as const;
    }
    throw new Error("rehearse makes keys of RSA, ED25519 and ECDSA with P256, P384, P521 only");
}

/** The public key in OpenSSH's form and its fingerprints. */
function openSsh(key: KeyObject, curve: string) {
    const { x, y, n, e } = key.export({ format: "jwk" });
    const raw = (part?: string) => Buffer.from(part ?? "", "base64url");
    // OpenSSH's integers have a sign.
    const integer = (part?: string) =>
        Buffer.concat([Buffer.alloc((raw(part)[0] ?? 0) >> 7), raw(part)]);
    const name = `nistp${curve.slice(1)}`;
    const parts = {
        ed25519: ["ssh-ed25519", raw(x)],
        rsa: ["ssh-rsa", integer(e), integer(n)],
        ec: [`ecdsa-sha2-${name}`, name, Buffer.concat([Buffer.from([4]), raw(x), raw(y)])],
    }[key.asymmetricKeyType as "ed25519" | "rsa" | "ec"].map((part) => Buffer.from(part));
    const lengths = parts.map(({ length }) => Buffer.from([0, 0, length >> 8, length & 255]));
    const blob = Buffer.concat(parts.flatMap((part, i) => [lengths[i] ?? "", part] as Buffer[]));
    const digest = (hash: string) => createHash(hash).update(blob);
    return {
        publicKeyOpenssh: `${parts[0]?.toString()} ${blob.toString("base64")}\n`,
        publicKeyFingerprintMd5: digest("md5")
            .digest("hex")
            .replace(/..(?=.)/g, "$&:"),
        publicKeyFingerprintSha256: `SHA256:${digest("sha256").digest("base64").replace(/=+$/, "")}`,
    };
}
