import pc from "picocolors";

import { counted, mandatory, type Report } from "./report";

/** A report for people: violations by rule, each with its place, the remedy once, and one line of counts. */
export function textReport(report: Report): string {
    const { rules, verdicts, resources, stack } = report;
    const blocks = rules.flatMap((rule) => {
        const found = verdicts.filter((verdict) => verdict.rule === rule.name);
        if (found.length === 0) return [];
        const hard = found.some(({ enforcement }) => enforcement === "mandatory");
        const mark = hard ? pc.red("✗") : pc.yellow("!");
        const level = hard ? "mandatory" : "advisory";
        return [
            [
                `${mark} ${pc.bold(rule.name)} (${level}, ${rule.severity}): ${rule.description}`,
                ...found.map(({ resource, message, at }) => {
                    return `    ${resource}: ${message}  ${pc.dim(`${at.file}:${String(at.line)}`)}`;
                }),
                `    ${pc.bold("→")} ${rule.remediation}`,
            ].join("\n"),
        ];
    });
    const hard = mandatory(report).length;
    const looked = `${counted(rules.length, "rule")} on ${counted(resources, "resource")} of stack ${stack}`;
    const said = `${counted(hard, "violation")}, ${counted(verdicts.length - hard, "advisory note")}`;
    return [...blocks, `${looked}: ${said}`].join("\n\n");
}
