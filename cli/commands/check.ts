import { readFileSync } from "node:fs";
import * as path from "node:path";

import { judge } from "../../policy/core/run";
import { RULES } from "../../policy/rules";
import { readPackConfig } from "../check/config";
import { jsonReport } from "../check/json";
import { junitReport } from "../check/junit";
import { mandatory, reportOf, type Report } from "../check/report";
import { sarifReport } from "../check/sarif";
import { textReport } from "../check/text";
import { stackGraph } from "../graph/records";
import { recordStack } from "../graph/stack";
import type { Project } from "../project";
import type { Session } from "../session";

/** Formats of a report. */
export const FORMATS = ["text", "json", "sarif", "junit"] as const;

export interface CheckOptions {
    readonly format: (typeof FORMATS)[number];
    /** File with settings of the rules. */
    readonly policyConfig?: string;
}

/**
 * `./mcp check`: the policy pack's rules over the program, without engine, Docker or network. Images are taken as from
 * registries, so that it says the same on every machine.
 */
export async function check({ project, out }: Session, options: CheckOptions): Promise<void> {
    const report = await checked(project, options.policyConfig);
    const format = out.json ? "json" : options.format;
    process.stdout.write(`${formatted(report, format)}\n`);
    if (mandatory(report).length > 0) process.exitCode = 1;
}

/** Runs all rules over the program's graph. */
export async function checked(project: Project, policyConfig?: string): Promise<Report> {
    const given = policyConfig === undefined ? {} : readPackConfig(policyConfig, RULES);
    const graph = await stackGraph(project.stack, await recordStack(project));
    const about = { stack: project.stack, version: packVersion(project.dir), rules: RULES };
    return reportOf(about, graph, judge(RULES, graph, given), project.dir);
}

function packVersion(projectDir: string): string {
    const file = path.join(projectDir, "policy", "package.json");
    return (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version;
}

function formatted(report: Report, format: CheckOptions["format"]): string {
    switch (format) {
        case "json":
            return JSON.stringify(jsonReport(report), undefined, 2);
        case "sarif":
            return JSON.stringify(sarifReport(report), undefined, 2);
        case "junit":
            return junitReport(report);
        case "text":
            return textReport(report);
    }
}
