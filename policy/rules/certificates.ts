import { MAX_CA_DAYS, MAX_LEAF_DAYS } from "../../config/predicates";
import type { ResourceRecord, ResourceRule, Rule, StackRule, Value } from "../core/model";
import { each, guarded } from "../core/values";
import { TYPES } from "../known";

import { cis, owaspMcp } from "./references";

const HOURS_PER_DAY = 24;
const CURVES = ["P256", "P384", "P521"];

const certificate = { scope: "resource", enforcement: "mandatory", severity: "high" } as const;

const keyAlgorithm: ResourceRule = {
    ...certificate,
    types: [TYPES.privateKey],
    name: "cert-key-algorithm",
    description: "A private key is ECDSA on P-256 or larger, Ed25519, or RSA of enough bits.",
    remediation: "Set algorithm to ECDSA and ecdsaCurve to P256.",
    references: [cis("2.7")],
    config: {
        rsaBits: { type: "integer", minimum: 2048, description: "Least RSA bits.", default: 3072 },
    },
    *check(subject, { rsaBits }) {
        const algorithm = subject.at("algorithm");
        switch (algorithm.text()) {
            case "ECDSA": {
                // Not set means P224 to the provider.
                const curve = subject.at("ecdsaCurve");
                if (!CURVES.includes(curve.text() ?? "")) {
                    yield { path: curve.path, problem: `is none of ${CURVES.join(", ")}` };
                }
                return;
            }
            case "RSA": {
                const bits = subject.at("rsaBits");
                if ((bits.number() ?? 0) < Number(rsaBits)) {
                    yield { path: bits.path, problem: `is below ${String(rsaBits)}` };
                }
                return;
            }
            case "ED25519":
                return;
            default:
                yield { path: algorithm.path, problem: "is none of ECDSA, ED25519, RSA" };
        }
    },
};

const leafValidity: ResourceRule = {
    ...certificate,
    types: [TYPES.leaf, TYPES.selfSigned],
    name: "cert-validity",
    description: "A leaf is valid for at most 398 days, an authority for at most 7300.",
    remediation: "Lower leafDays or caDays.",
    references: [owaspMcp(1)],
    config: {
        leafDays: {
            type: "integer",
            minimum: 1,
            description: "Most days of a leaf.",
            default: MAX_LEAF_DAYS,
        },
        caDays: {
            type: "integer",
            minimum: 1,
            description: "Most days of an authority.",
            default: MAX_CA_DAYS,
        },
    },
    *check(subject, { leafDays, caDays }) {
        const authority =
            subject.record.type === TYPES.selfSigned &&
            subject.at("isCaCertificate").flag() === true;
        const most = Number(authority ? caDays : leafDays) * HOURS_PER_DAY;
        const hours = subject.at("validityPeriodHours");
        const value = hours.number() ?? Infinity;
        if (value > most) yield { path: hours.path, problem: `is more than ${String(most)} hours` };
        if (value <= 0) yield { path: hours.path, problem: "is not positive" };
    },
};

const roles: ResourceRule = {
    ...certificate,
    types: [TYPES.leaf, TYPES.selfSigned],
    name: "cert-roles",
    description: "A leaf signs nothing, and an authority only signs.",
    remediation:
        "Keep cert_signing and isCaCertificate to the one authority, and all other uses to leaves.",
    references: [owaspMcp(7)],
    *check(subject) {
        const isCa = subject.at("isCaCertificate");
        const uses = subject.at("allowedUses");
        const signs = (use: Value): boolean => /^(cert|crl)_signing$/.test(use.text() ?? "");
        yield* guarded(
            function* () {
                if (subject.record.type === TYPES.leaf && isCa.flag() === true) {
                    yield { path: isCa.path, problem: "is on" };
                }
            },
            function* () {
                const authority = subject.record.type === TYPES.selfSigned && isCa.flag() === true;
                if (uses.items().length === 0) yield { path: uses.path, problem: "is empty" };
                yield* each(uses, (use) =>
                    signs(use) === authority
                        ? []
                        : [{ path: use.path, problem: "is not a use of such a certificate" }],
                );
            },
        );
    },
};

/** Where the authority's key may be read: to sign its own certificate and those of leaves. */
const KEY_SINKS: Readonly<Record<string, readonly string[]>> = {
    [TYPES.selfSigned]: ["privateKeyPem"],
    [TYPES.leaf]: ["caPrivateKeyPem"],
};

const caKey: StackRule = {
    scope: "stack",
    enforcement: "mandatory",
    severity: "critical",
    name: "cert-ca-key-stays",
    description:
        "The authority's key never leaves the state: no upload, environment, other resource or output has it.",
    remediation: "Hand on the leaf's key, or the authority's certificate.",
    references: [owaspMcp(1)],
    *check(graph) {
        const authorities = graph
            .ofType(TYPES.selfSigned)
            .filter(
                ({ props }) => ![undefined, null, false].includes(props.isCaCertificate as null),
            );
        const keys = new Set(authorities.flatMap((ca) => ca.sources?.privateKeyPem ?? []));
        const texts = authorities
            .map(({ props }) => props.privateKeyPem)
            .filter((value): value is string => typeof value === "string" && value !== "");
        for (const record of graph.all) {
            if (keys.has(record.urn)) continue;
            const allowed = KEY_SINKS[record.type] ?? [];
            const byOrigin = Object.entries(record.sources ?? {})
                .filter(([, from]) => from.some((urn) => keys.has(urn)))
                .map(([key]) => key);
            const byValue = Object.entries({ ...outputsOf(record), ...record.props })
                .filter(([, value]) => texts.some((text) => holds(value, text)))
                .map(([key]) => key);
            for (const path of [...new Set([...byOrigin, ...byValue])].sort()) {
                if (allowed.includes(path)) continue;
                yield { urn: record.urn, path, problem: "has the authority's key" };
            }
        }
    },
};

/** Outputs that are not the provider's own record of a key or certificate. */
function outputsOf({ type, outputs = {} }: ResourceRecord): Readonly<Record<string, unknown>> {
    return type.startsWith("tls:") ? {} : outputs;
}

/** Whether the text is anywhere in the value. */
function holds(value: unknown, text: string): boolean {
    if (typeof value === "string") return value.includes(text);
    if (typeof value !== "object" || value === null) return false;
    return Object.values(value).some((part) => holds(part, text));
}

export const certificateRules: readonly Rule[] = [keyAlgorithm, leafValidity, roles, caKey];
