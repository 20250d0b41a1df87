import { EXCEPTIONS } from "../exceptions";

import type { Reference, Rule } from "./model";

/** The rules as a table in Markdown, for docs/policy.md; a test holds the two equal. */
export function ruleTable(rules: readonly Rule[]): string {
    const rows = rules.map((rule) => [
        `\`${rule.name}\``,
        rule.enforcement,
        rule.severity,
        rule.description,
        (rule.references ?? []).map(short).join(", "),
        Object.keys(rule.config ?? {})
            .map((key) => `\`${key}\``)
            .join(", "),
    ]);
    return table(["rule", "level", "severity", "what must hold", "from", "settings"], rows);
}

/** The exceptions as a table in Markdown. */
export function exceptionTable(): string {
    const rows = EXCEPTIONS.map(({ rules, resource, why }) => [
        resource,
        rules.map((name) => `\`${name}\``).join(", "),
        why,
    ]);
    return table(["resource", "rules", "why"], rows);
}

function short({ name, item }: Reference): string {
    return name === "CIS Docker Benchmark" ? `CIS ${item}` : item;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
    const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
    return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}
