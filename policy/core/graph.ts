import type { ResourceRecord, StackGraph, Subject } from "./model";
import { Undecided, valueAt } from "./values";

/** The parts of a URN: stack, and the types of the ancestors, nearest last. */
export function urnParts(urn: string): {
    readonly stack: string;
    readonly ancestors: readonly string[];
} {
    const [head = "", , types = ""] = urn.split("::");
    return { stack: head.replace(/^urn:pulumi:/, ""), ancestors: types.split("$").slice(0, -1) };
}

/** The whole stack from its resources, by URN: whoever recorded them, in whatever order they were made. */
export function graphOf(records: readonly ResourceRecord[]): StackGraph {
    const all = [...records].sort((a, b) => (a.urn < b.urn ? -1 : 1));
    const byUrn = new Map(all.map((record) => [record.urn, record]));
    const byType = new Map<string, ResourceRecord[]>();
    for (const record of all) {
        byType.set(record.type, [...(byType.get(record.type) ?? []), record]);
    }
    return {
        all,
        byUrn: (urn) => byUrn.get(urn),
        ofType: (type) => byType.get(type) ?? [],
    };
}

/** One resource as a rule reads it; without the graph, nothing is known of where its inputs come from. */
export function subjectOf(record: ResourceRecord, graph?: StackGraph): Subject {
    const props = valueAt(record.props, "");
    return {
        record,
        ancestors: urnParts(record.urn).ancestors,
        at: (key) => props.at(key),
        sourcesOf: (key) => {
            if (graph === undefined) throw new Undecided(key);
            return (record.sources?.[key] ?? []).flatMap((urn) => graph.byUrn(urn) ?? []);
        },
    };
}

/** The record and its ancestors, nearest first. */
export function lineage(graph: StackGraph, record: ResourceRecord): readonly ResourceRecord[] {
    const parent = record.parent === undefined ? undefined : graph.byUrn(record.parent);
    return parent === undefined ? [record] : [record, ...lineage(graph, parent)];
}
