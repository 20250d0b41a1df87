import { nameOf } from "../../policy/core/stack";
import type { Rule, StackGraph } from "../../policy/core/model";
import type { Verdict } from "../../policy/core/run";

import { locate, type Location } from "./location";

/** A verdict with where to look in the project. */
export interface Located extends Verdict {
    /** The program's name of the resource. */
    readonly resource: string;
    readonly type: string;
    readonly at: Location;
}

/** What a check found, in any format. */
export interface Report {
    readonly stack: string;
    readonly version: string;
    readonly rules: readonly Rule[];
    /** Number of resources looked at. */
    readonly resources: number;
    readonly verdicts: readonly Located[];
}

/** Adds to each verdict which resource it is about and where that comes from. */
export function reportOf(
    about: Pick<Report, "stack" | "version" | "rules">,
    graph: StackGraph,
    verdicts: readonly Verdict[],
    projectDir: string,
): Report {
    const located = verdicts.map((verdict) => ({
        ...verdict,
        resource: nameOf(verdict.urn),
        type: graph.byUrn(verdict.urn)?.type ?? "",
        at: locate(projectDir, graph, verdict.urn),
    }));
    return { ...about, resources: graph.all.length, verdicts: located };
}

/** Violations that stop an `up`. */
export function mandatory({ verdicts }: Report): readonly Located[] {
    return verdicts.filter(({ enforcement }) => enforcement === "mandatory");
}

/** "1 resource", "2 resources". */
export function counted(count: number, thing: string): string {
    return `${String(count)} ${thing}${count === 1 ? "" : "s"}`;
}
