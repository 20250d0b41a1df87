import { mandatory, type Report } from "./report";

/** A report for programs. */
export function jsonReport(report: Report): unknown {
    const { stack, version, rules, resources, verdicts } = report;
    const violations = mandatory(report).length;
    return {
        stack,
        packVersion: version,
        from: "graph",
        rules: rules.length,
        resources,
        violations,
        advisories: verdicts.length - violations,
        verdicts: verdicts.map(
            ({ rule, enforcement, severity, undecided, urn, path, message, at }) => ({
                ...{ rule, enforcement, severity, undecided, urn, path, message },
                file: at.file,
                line: at.line,
            }),
        ),
    };
}
