import { TYPES } from "../../../policy/known";
import { part, props } from "../../support/policy/change";
import { describeRule, testCompleteness, type RuleCases } from "../../support/policy/cases";

const CA_KEY = `urn:pulumi:test::sutazai-mcp::mcp:host:Layer$${TYPES.privateKey}::ca-key`;

const tables: readonly RuleCases[] = [
    {
        rule: "cert-key-algorithm",
        on: "leaf-key",
        bad: {
            "a short curve": props({ ecdsaCurve: "P224" }),
            "a short key": props({ algorithm: "RSA", rsaBits: 2048 }),
            "the provider's bits": props({ algorithm: "RSA", rsaBits: undefined }),
            "another algorithm": props({ algorithm: "DSA" }),
            "none at all": props({ algorithm: undefined }),
        },
        fine: {
            Ed25519: props({ algorithm: "ED25519", ecdsaCurve: undefined }),
            "a long key": props({ algorithm: "RSA", rsaBits: 4096 }),
            "a longer curve": props({ ecdsaCurve: "P384" }),
        },
        missing: ["ecdsaCurve", "violates"],
        otherType: ["algorithm", 1, "violates"],
        unknown: ["algorithm", "undecided"],
        configured: {
            config: { rsaBits: 4096 },
            change: props({ algorithm: "RSA", rsaBits: 3072 }),
            outcomes: ["passes", "violates"],
        },
    },
    {
        rule: "cert-validity",
        on: "leaf",
        bad: {
            "a leaf of two years": props({ validityPeriodHours: 17_520 }),
            "a leaf of one day too many": props({ validityPeriodHours: 399 * 24 }),
            "a leaf of no time": props({ validityPeriodHours: 0 }),
            "an authority of thirty years": ["ca", props({ validityPeriodHours: 262_800 })],
            "a self-signed leaf of ten years": ["ca", props({ isCaCertificate: false })],
        },
        fine: { "398 days": props({ validityPeriodHours: 398 * 24 }) },
        missing: ["validityPeriodHours", "violates"],
        otherType: ["validityPeriodHours", "8760", "violates"],
        unknown: ["validityPeriodHours", "undecided"],
        configured: {
            config: { leafDays: 90 },
            change: props({ validityPeriodHours: 8_760 }),
            outcomes: ["passes", "violates"],
        },
    },
    {
        rule: "cert-roles",
        on: "leaf",
        bad: {
            "a leaf that is an authority": props({ isCaCertificate: true }),
            "a leaf that signs": props({ "allowedUses[2]": "cert_signing" }),
            "an authority that serves": ["ca", props({ "allowedUses[2]": "server_auth" })],
        },
        missing: ["allowedUses", "violates"],
        otherType: ["allowedUses", "server_auth", "violates"],
        unknown: ["allowedUses", "undecided"],
    },
    {
        rule: "cert-ca-key-stays",
        on: "orchestrator",
        bad: {
            "in an upload": part({ sources: { uploads: [CA_KEY] } }),
            "in an upload, by its text": props({ "uploads[0].content": "x ca-private-half y" }),
            "in the environment": props({ "envs[1]": "X=ca-private-half" }),
            "as a leaf's key": ["leaf", part({ sources: { certRequestPem: [CA_KEY] } })],
            "with a provider": ["inner", part({ sources: { keyMaterial: [CA_KEY] } })],
            "in an output": ["sutazai-mcp-test", part({ outputs: { key: "ca-private-half" } })],
            "of what may be an authority": [
                "orchestrator",
                (record) => part({ sources: { envs: [CA_KEY] } })(record),
            ],
        },
        missing: ["uploads", "passes"],
        otherType: ["uploads", "ca-private-half", "violates"],
        unknown:
            "where the key goes is told by what inputs come from, known or not; the first case",
    },
];

tables.forEach(describeRule);
testCompleteness(["cert"], tables);

describeRule({
    rule: "cert-validity",
    on: "ca",
    bad: {},
    missing: "above",
    otherType: "above",
    unknown: ["isCaCertificate", "undecided"],
});
