import type { PolicyNote, PreviewStep } from "../engine/types";

/** What would change, wherever it was learnt. */
export interface StackDiff {
    readonly stack: string;
    /** One sentence: what was compared with what. */
    readonly from: string;
    readonly steps: readonly PreviewStep[];
    readonly policies: readonly PolicyNote[];
    /** Number of rules, where it is known. */
    readonly rules?: number;
}

/** One MCP server as a reviewer thinks of it: facet by facet, as short texts without secrets. */
export type ServerFacts = Readonly<Record<string, string>>;

/** A server that is added, removed or changed. */
export interface ServerChange {
    readonly name: string;
    readonly kind: "added" | "removed" | "changed";
    /** Facets that differ, in a fixed order; of an added server all, of a removed one what others may have used. */
    readonly facets: readonly {
        readonly name: string;
        readonly before?: string;
        readonly after?: string;
    }[];
}

/** A container that is made anew or changed while it runs. */
export interface Restart {
    readonly name: string;
    readonly how: "made anew" | "changed in place" | "started" | "removed";
    /** Inputs that are the reason. */
    readonly because: readonly string[];
}
