import { createHash } from "node:crypto";

import type { Rule, Severity } from "../../policy/core/model";

import type { Located, Report } from "./report";

/** How a code scanning page ranks a rule: the CVSS ranges of the words. */
const SCORES: Readonly<Record<Severity, string>> = {
    critical: "9.5",
    high: "8.0",
    medium: "5.5",
    low: "3.0",
};

/** A report as SARIF 2.1.0. */
export function sarifReport({ stack, version, rules, verdicts }: Report): unknown {
    return {
        $schema: "https://json.schemastore.org/sarif-2.1.0.json",
        version: "2.1.0",
        runs: [
            {
                tool: {
                    driver: {
                        name: "sutazai-mcp-policy",
                        semanticVersion: version,
                        rules: rules.map(describe),
                    },
                },
                automationDetails: { id: `mcp-check/${stack}/` },
                columnKind: "utf16CodeUnits",
                results: verdicts.map((verdict) => result(verdict, rules)),
            },
        ],
    };
}

function describe(rule: Rule): object {
    const references = (rule.references ?? []).map(({ name, version, item }) => {
        return `${name} ${version}, ${item}`;
    });
    return {
        id: rule.name,
        shortDescription: { text: rule.description },
        fullDescription: { text: rule.description },
        help: { text: [rule.remediation, ...references].join("\n") },
        defaultConfiguration: { level: rule.enforcement === "mandatory" ? "error" : "warning" },
        properties: {
            tags: ["security", "policy"],
            precision: "high",
            "security-severity": SCORES[rule.severity],
        },
    };
}

function result(verdict: Located, rules: readonly Rule[]): object {
    const { rule, enforcement, resource, message, urn, path, at } = verdict;
    return {
        ruleId: rule,
        ruleIndex: rules.findIndex(({ name }) => name === rule),
        level: enforcement === "mandatory" ? "error" : "warning",
        message: { text: `${resource}: ${message}` },
        locations: [
            {
                physicalLocation: {
                    artifactLocation: { uri: at.file, uriBaseId: "%SRCROOT%" },
                    region: { startLine: at.line },
                },
                logicalLocations: [{ fullyQualifiedName: urn, kind: "resource" }],
            },
        ],
        // The same violation stays the same one while lines move.
        partialFingerprints: {
            "mcpCheck/v1": createHash("sha256").update(`${rule} ${urn} ${path}`).digest("hex"),
        },
    };
}
