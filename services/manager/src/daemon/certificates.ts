/** The client certificate for the daemon: read from its folder, and read again when it was rotated. */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";

export interface ClientCertificate {
    /** PEM texts. */
    readonly ca: string;
    readonly cert: string;
    readonly key: string;
}

/**
 * Reads `ca.pem`, `cert.pem` and `key.pem` of a folder.
 *
 * @throws Error in one line when a file is missing or is no PEM, or when key and certificate do not belong together,
 *   which they do not for a moment while they are being replaced
 */
export function readClientCertificate(dir: string): ClientCertificate {
    const read = (name: string): string => readFileSync(join(dir, name), "utf8");
    const found = { ca: read("ca.pem"), cert: read("cert.pem"), key: read("key.pem") };
    new X509Certificate(found.ca);
    if (!new X509Certificate(found.cert).checkPrivateKey(createPrivateKey(found.key))) {
        throw new Error(`${dir}: key.pem is not the key of cert.pem`);
    }
    return found;
}

/** Whether two hold the same texts. */
export function sameCertificate(a: ClientCertificate, b: ClientCertificate): boolean {
    return a.ca === b.ca && a.cert === b.cert && a.key === b.key;
}

/** End of a PEM certificate's validity, ISO 8601. */
export function expiryOf(pem: string): string {
    return new Date(new X509Certificate(pem).validTo).toISOString();
}
