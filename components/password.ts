import { createHash } from "node:crypto";

import * as pulumi from "@pulumi/pulumi";
import * as tls from "@pulumi/tls";

/**
 * A generated password: the SHA-256 (hex) of a key that lives in the state alone. It is stable over runs, secret
 * by nature, and needs no plugin besides the one the certificates use (docs/decisions/0004).
 */
export function generatedPassword(
    name: string,
    opts: pulumi.CustomResourceOptions,
): pulumi.Output<string> {
    const seed = new tls.PrivateKey(name, { algorithm: "ED25519" }, opts);
    return pulumi.secret(
        seed.privateKeyPem.apply((pem) => createHash("sha256").update(pem).digest("hex")),
    );
}
