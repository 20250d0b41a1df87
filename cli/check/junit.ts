import type { Rule } from "../../policy/core/model";

import type { Located, Report } from "./report";

/** A report as JUnit XML: a suite an area, a case a rule; a mandatory violation is a failure. */
export function junitReport({ stack, rules, verdicts }: Report): string {
    const areas = [...new Set(rules.map(areaOf))];
    const suites = areas.map((area) => {
        const ofArea = rules.filter((rule) => areaOf(rule) === area);
        const cases = ofArea.map((rule) => {
            return testCase(
                area,
                rule,
                verdicts.filter((verdict) => verdict.rule === rule.name),
            );
        });
        const failures = cases.filter((text) => text.includes("<failure")).length;
        const counts = `tests="${String(cases.length)}" failures="${String(failures)}"`;
        return [`  <testsuite name="${area}" ${counts}>`, ...cases, "  </testsuite>"].join("\n");
    });
    return [
        '<?xml version="1.0" encoding="UTF-8"?>',
        `<testsuites name="${escaped(`mcp check ${stack}`)}">`,
        ...suites,
        "</testsuites>",
    ].join("\n");
}

function areaOf({ name }: Rule): string {
    return name.split("-")[0] ?? name;
}

function testCase(area: string, rule: Rule, found: readonly Located[]): string {
    const lines = ({ resource, message, at }: Located): string => {
        return escaped(`${resource}: ${message} (${at.file}:${String(at.line)})`);
    };
    const hard = found.filter(({ enforcement }) => enforcement === "mandatory");
    const soft = found.filter((verdict) => !hard.includes(verdict));
    const inside = [
        ...(hard.length === 0
            ? []
            : [
                  `      <failure message="${escaped(rule.description)}">`,
                  ...hard.map(lines),
                  `${escaped(rule.remediation)}</failure>`,
              ]),
        ...(soft.length === 0 ? [] : ["      <system-out>", ...soft.map(lines), "</system-out>"]),
    ];
    const open = `    <testcase classname="${area}" name="${rule.name}"`;
    return inside.length === 0
        ? `${open}/>`
        : [`${open}>`, ...inside, "    </testcase>"].join("\n");
}

function escaped(text: string): string {
    const entities: Readonly<Record<string, string>> = {
        "&": "&amp;",
        "<": "&lt;",
        ">": "&gt;",
        '"': "&quot;",
    };
    return text.replace(/[&<>"]/g, (character) => entities[character] ?? character);
}
