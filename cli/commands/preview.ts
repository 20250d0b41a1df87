import * as path from "node:path";

import type { StackGraph } from "../../policy/core/model";
import { judge } from "../../policy/core/run";
import { RULES } from "../../policy/rules";
import { baseGraph, resolveBase } from "../diff/base";
import { stepsBetween } from "../diff/from-graph";
import { markdown } from "../diff/markdown";
import type { StackDiff } from "../diff/model";
import type { EngineChoice } from "../engine/choose";
import type { PreviewResult } from "../engine/types";
import { findPulumi } from "../environment";
import { CliError } from "../errors";
import { stackGraph } from "../graph/records";
import { graphResources } from "../graph/snapshot";
import { recordStack } from "../graph/stack";
import type { Project } from "../project";
import type { Session } from "../session";

import { prepare } from "./up";

export interface PreviewOptions {
    readonly engine: EngineChoice;
    readonly format: "text" | "markdown";
    /** Compare graphs instead: this commit's program with that one's. */
    readonly base?: string;
    /** Run the policy pack as well. */
    readonly policy?: boolean;
    readonly refresh?: boolean;
    readonly expectNoChanges?: boolean;
}

/** Folder of the policy pack. */
export function packFolder({ dir }: Project): string {
    return path.join(dir, "policy");
}

/** `./mcp preview`: what `up` would change. */
export async function preview(session: Session, options: PreviewOptions): Promise<void> {
    const { project, out } = session;
    if (options.format === "markdown") {
        const byGraph = options.base !== undefined || !findPulumi();
        const diff = byGraph
            ? await diffOfGraphs(project, options.base)
            : await diffOfEngine(session, options);
        process.stdout.write(markdown(diff));
        if (diff.policies.some(({ mandatory }) => mandatory)) process.exitCode = 1;
        if (options.expectNoChanges === true) demandNone(changing(diff.steps));
        return;
    }
    if (options.base !== undefined) {
        throw new CliError(
            "--base compares graphs, which is for people to read",
            "add --format markdown",
        );
    }
    const result = await enginePreview(session, options, options.policy === true);
    out.result({ changes: result.changes }, () => result.text.trim());
    if (result.policies.some(({ mandatory }) => mandatory)) process.exitCode = 1;
    if (options.expectNoChanges === true) demandNone(changing(result.steps));
}

async function enginePreview(
    session: Session,
    options: PreviewOptions,
    policy: boolean,
): Promise<PreviewResult> {
    const { engine } = await prepare(session, options.engine, true);
    const policyPacks = policy ? [packFolder(session.project)] : [];
    return engine.preview({ policyPacks, refresh: options.refresh });
}

/** From the real engine: what the program asks for against what the state has. */
async function diffOfEngine(session: Session, options: PreviewOptions): Promise<StackDiff> {
    const { steps, policies } = await enginePreview(session, options, true);
    const what = options.refresh === true ? "what runs, read anew" : "the stack's state";
    return {
        stack: session.project.stack,
        from: `From a preview by the engine, against ${what}.`,
        steps,
        policies,
        rules: RULES.length,
    };
}

/** From two graphs, without engine and Docker: it says nothing of what runs. */
async function diffOfGraphs(project: Project, ref: string | undefined): Promise<StackDiff> {
    const base = await resolveBase(project.dir, ref);
    const old = await baseGraph(project.dir, base.commit, project.stack);
    const ran = await recordStack(project);
    const graph = await stackGraph(project.stack, ran);
    return {
        stack: project.stack,
        from: `From the program's graph against that of \`${base.ref}\`, without an engine: what runs may differ.`,
        steps: stepsBetween(old, graphResources(project.stack, ran)),
        policies: notes(graph),
        rules: RULES.length,
    };
}

function notes(graph: StackGraph): StackDiff["policies"] {
    return judge(RULES, graph).map(({ rule, enforcement, urn, message }) => {
        return { policy: rule, mandatory: enforcement === "mandatory", urn, message };
    });
}

function changing(steps: StackDiff["steps"]): readonly string[] {
    return steps
        .filter(({ operation }) => operation !== "same")
        .map(({ operation, name }) => `${operation} ${name}`)
        .sort();
}

function demandNone(changes: readonly string[]): void {
    if (changes.length === 0) return;
    throw new CliError(
        `there are changes: ${changes.join(", ")}`,
        "run ./mcp up to make what runs what the program says",
    );
}
