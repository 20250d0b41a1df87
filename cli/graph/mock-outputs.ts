import { createHash } from "node:crypto";

import * as pulumi from "@pulumi/pulumi";

/** Start of validity of every mock certificate: fixed, so that a run gives the same values on every day. */
const VALID_FROM = Date.UTC(2026, 0, 1);

/**
 * Outputs like those of the real providers: inputs, what the provider adds, and the private half of a key as a
 * secret (in a deployment the SDK's `additionalSecretOutputs` does that, which mocks do not see). Derived
 * from names and inputs only: equal programs give equal outputs.
 */
export function outputsOf(
    type: string,
    name: string,
    inputs: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
    const kind = type.split(":").pop() ?? "";
    return {
        ...inputs,
        ...(type.startsWith("tls:") ? tlsOutputs : dockerOutputs)(kind, name, inputs),
    };
}

/** The private key a mock `tls.PrivateKey` of that name gives. */
export function mockPrivateKey(name: string): string {
    return pem("EC PRIVATE KEY", `private half of ${name}`);
}

/** The content id a mock `docker.RemoteImage` of that reference gives. */
export function mockImageId(ref: string): string {
    return `sha256:${hash(`image ${ref}`)}`;
}

function dockerOutputs(
    kind: string,
    name: string,
    inputs: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
    const physical = typeof inputs.name === "string" ? inputs.name : `${name}-0a1b2c3`;
    switch (kind) {
        case "RemoteImage":
            return { name: physical, imageId: mockImageId(physical), repoDigest: `${name}@mock` };
        case "Container":
        case "Network":
        case "Volume":
            return { name: physical };
        default:
            return {};
    }
}

function tlsOutputs(
    kind: string,
    name: string,
    inputs: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
    switch (kind) {
        case "PrivateKey":
            return {
                privateKeyPem: pulumi.secret(mockPrivateKey(name)),
                publicKeyPem: pem("PUBLIC KEY", `public half of ${name}`),
            };
        case "CertRequest":
            return { certRequestPem: pem("CERTIFICATE REQUEST", `request ${name}`) };
        case "SelfSignedCert":
        case "LocallySignedCert":
            return {
                certPem: pem("CERTIFICATE", `certificate ${name}`),
                validityStartTime: time(0),
                validityEndTime: time(Number(inputs.validityPeriodHours)),
            };
        default:
            return {};
    }
}

function time(hours: number): string {
    return new Date(VALID_FROM + hours * 3_600_000).toISOString();
}

function pem(label: string, seed: string): string {
    const body = createHash("sha512").update(seed).digest("base64");
    return `-----BEGIN ${label}-----\n${body.slice(0, 64)}\n-----END ${label}-----\n`;
}

function hash(text: string): string {
    return createHash("sha256").update(text).digest("hex");
}
