import { subjectOf } from "./graph";
import type { Finding, ResourceRecord, StackFinding, StackGraph, Subject } from "./model";
import { guarded } from "./values";

/** What a check finds in each of some resources, with the resource it is about. */
export function* inEach(
    graph: StackGraph,
    records: readonly ResourceRecord[],
    check: (subject: Subject) => Iterable<Finding>,
): Iterable<StackFinding> {
    for (const record of records) {
        const subject = subjectOf(record, graph);
        for (const finding of guarded(() => check(subject))) yield { urn: record.urn, ...finding };
    }
}

/** Something a resource lays claim to, such as a port of a daemon. */
export interface Claim {
    readonly urn: string;
    readonly path: string;
    /** What must be its own; compared, never printed. */
    readonly key: string;
}

/** One finding for each claim on what another resource has; they name the other one, not the value. */
export function* repeated(claims: readonly Claim[], thing: string): Iterable<StackFinding> {
    const first = new Map<string, Claim>();
    for (const claim of claims) {
        const other = first.get(claim.key);
        if (other === undefined) first.set(claim.key, claim);
        else {
            const problem = `is the same ${thing} as ${nameOf(other.urn)}, ${other.path}`;
            yield { urn: claim.urn, path: claim.path, problem };
        }
    }
}

/** The program's name of a resource. */
export function nameOf(urn: string): string {
    return urn.split("::").slice(3).join("::");
}

/**
 * What a value is told apart by: itself, or, when it is not known yet, the resources it comes from. Undecided when
 * neither is known.
 */
export function identity(subject: Subject, key: string): string | undefined {
    const value = subject.at(key);
    if (value.unknown) {
        const from = subject.sourcesOf(key).map(({ urn }) => urn);
        if (from.length > 0) return `from ${[...from].sort().join(" ")}`;
    }
    return value.text();
}
