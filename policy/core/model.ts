/** What stands for a value that is not known before `up`. */
export const UNKNOWN: unique symbol = Symbol("unknown until up");

/**
 * One resource as a rule sees it, whoever recorded it: the engine for a policy pack, the mock monitor for
 * `./mcp check`. Plain data; values are never printed.
 */
export interface ResourceRecord {
    /** `urn:pulumi:<stack>::<project>::<types of all ancestors>$<type>::<name>`. */
    readonly urn: string;
    readonly type: string;
    readonly name: string;
    /** Inputs; `UNKNOWN` stands for what is not known yet. */
    readonly props: Readonly<Record<string, unknown>>;
    /** What a component or the stack has registered as its outputs, where the recorder knows. */
    readonly outputs?: Readonly<Record<string, unknown>>;
    /** The provider it is sent to; none: a component, or nothing was said. */
    readonly provider?: ProviderReference;
    /** URN of the parent. */
    readonly parent?: string;
    readonly protect?: boolean;
    /** Resources each input comes from, as URNs; of the inputs' direct sources only. */
    readonly sources?: Readonly<Record<string, readonly string[]>>;
    /** What only the offline recorder sees: policy packs are not shown these. */
    readonly beyondPack?: {
        /** URN of what it is deleted with, its own or an ancestor's. */
        readonly deletedWith?: string;
        /** Paths of inputs that are secret. */
        readonly secretPaths: readonly string[];
    };
}

/** A provider as a resource names it. */
export interface ProviderReference {
    /** `pulumi:providers:<package>`. */
    readonly type: string;
    readonly name: string;
}

/** What a rule finds wrong with one resource. Neither text may hold a value of a property. */
export interface Finding {
    /** Path of the property, such as `ports[2].ip`; empty: the resource as a whole. */
    readonly path: string;
    readonly problem: string;
    /** The value is not known yet, so the rule cannot say. */
    readonly undecided?: true;
}

/** A finding of a rule that looks at the whole stack. */
export interface StackFinding extends Finding {
    readonly urn: string;
}

export type Severity = "low" | "medium" | "high" | "critical";
export type Enforcement = "advisory" | "mandatory";

/** A rule's settings as it runs: its defaults, overlaid with the pack's configuration. */
export type RuleConfig = Readonly<Record<string, unknown>>;

/** JSON schema of one setting of a rule. */
export interface ConfigField {
    readonly type: "integer" | "number" | "string" | "boolean" | "array";
    readonly items?: { readonly type: "string" };
    readonly enum?: readonly string[];
    readonly minimum?: number;
    readonly description: string;
    readonly default: unknown;
}

/** Where a rule comes from. */
export interface Reference {
    readonly name: "CIS Docker Benchmark" | "OWASP MCP Top 10";
    readonly version: string;
    /** Number of the item in it. */
    readonly item: string;
}

interface RuleBase {
    /** `<area>-<rule>`, kebab-case. */
    readonly name: string;
    /** What must hold, as a sentence. */
    readonly description: string;
    readonly severity: Severity;
    readonly enforcement: Enforcement;
    /** What to do about a violation. */
    readonly remediation: string;
    readonly references?: readonly Reference[];
    readonly config?: Readonly<Record<string, ConfigField>>;
}

/** A rule about one resource at a time: it stops an `up` before that resource is made. */
export interface ResourceRule extends RuleBase {
    readonly scope: "resource";
    /** Types it looks at, or `all`. */
    readonly types: readonly string[] | "all";
    /** It can tell from where an unknown value comes from, once the whole stack is known. */
    readonly settles?: true;
    check(subject: Subject, config: RuleConfig): Iterable<Finding>;
}

/** A rule about the stack as a whole. */
export interface StackRule extends RuleBase {
    readonly scope: "stack";
    check(graph: StackGraph, config: RuleConfig): Iterable<StackFinding>;
}

export type Rule = ResourceRule | StackRule;

/** All resources of a stack. */
export interface StackGraph {
    readonly all: readonly ResourceRecord[];
    byUrn(urn: string): ResourceRecord | undefined;
    ofType(type: string): readonly ResourceRecord[];
}

/** One resource with what is known around it. */
export interface Subject {
    readonly record: ResourceRecord;
    /** Types of its ancestors, nearest last. */
    readonly ancestors: readonly string[];
    /** An input by its name. */
    at(key: string): Value;
    /** Records an input comes from. Undecided while the stack is not known as a whole. */
    sourcesOf(key: string): readonly ResourceRecord[];
}

/**
 * A value of a property with its path. Reading it as a type is `undefined` when it is missing, and throws when it is
 * unknown (`Undecided`) or of another type (`Mistyped`); the runner turns both into findings.
 */
export interface Value {
    readonly path: string;
    /** Something is there, known or not. */
    readonly given: boolean;
    readonly unknown: boolean;
    at(key: string): Value;
    text(): string | undefined;
    number(): number | undefined;
    flag(): boolean | undefined;
    /** Members of a list; none when it is missing. */
    items(): readonly Value[];
    /** Keys of a mapping, sorted; none when it is missing. */
    keys(): readonly string[];
}
