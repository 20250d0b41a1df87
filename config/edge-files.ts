import { createPrivateKey, X509Certificate, type KeyObject } from "node:crypto";
import { readFileSync } from "node:fs";
import * as path from "node:path";

import type { EdgeOptions } from "./edge-settings";
import { ConfigError, errorCode, shown } from "./errors";

/** The certificate, with its intermediates, and the key that a stack was given for its edge; PEM. */
export interface EdgeFiles {
    readonly cert: string;
    readonly key: string;
}

/**
 * Reads the pair of `edgeTls: files`.
 *
 * @param projectDir what relative paths are relative to
 * @returns undefined unless files are asked for
 * @throws ConfigError for a file that cannot be read, is not PEM, or is not the other one's
 */
export function readEdgeFiles(projectDir: string, tls: EdgeOptions["tls"]): EdgeFiles | undefined {
    if (tls.mode !== "files") return undefined;
    const cert = readPem(projectDir, "edgeCertFile", tls.certFile);
    const key = readPem(projectDir, "edgeKeyFile", tls.keyFile);
    const certificate = parsed("edgeCertFile", tls.certFile, "a certificate", () => {
        return new X509Certificate(cert);
    });
    const privateKey = parsed(
        "edgeKeyFile",
        tls.keyFile,
        "a private key without passphrase",
        () => {
            return createPrivateKey(key);
        },
    );
    demandPair(certificate, privateKey, tls.keyFile);
    return { cert, key };
}

function readPem(projectDir: string, key: string, file: string): string {
    try {
        return readFileSync(path.resolve(projectDir, file), "utf8");
    } catch (error) {
        throw new ConfigError(
            `${key}: cannot be read (${errorCode(error) ?? "unknown error"}), got ${shown(file)}; ` +
                `set it with: pulumi config set ${key} <file>`,
        );
    }
}

function parsed<T>(key: string, file: string, what: string, parse: () => T): T {
    try {
        return parse();
    } catch {
        throw new ConfigError(
            `${key}: must be ${what} in PEM form, got ${shown(file)}; set it with: pulumi config set ${key} <file>`,
        );
    }
}

function demandPair(certificate: X509Certificate, key: KeyObject, keyFile: string): void {
    if (certificate.checkPrivateKey(key)) return;
    throw new ConfigError(
        `edgeKeyFile: must be the key of the certificate in edgeCertFile, got ${shown(keyFile)}; ` +
            "set it with: pulumi config set edgeKeyFile <file>",
    );
}
