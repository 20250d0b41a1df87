import { EXCEPTIONS } from "../exceptions";

import { subjectOf } from "./graph";
import type {
    Enforcement,
    Finding,
    ResourceRecord,
    ResourceRule,
    Rule,
    RuleConfig,
    Severity,
    StackGraph,
    StackRule,
} from "./model";
import { guarded } from "./values";

/** What a rule says of a resource it does not let pass. */
export interface Verdict {
    readonly rule: string;
    readonly enforcement: Enforcement;
    readonly severity: Severity;
    readonly urn: string;
    readonly path: string;
    /** Text without any value of a property. */
    readonly message: string;
    readonly undecided: boolean;
}

/** Configuration of a pack: settings by rule. The file is the one `--policy-pack-config` takes. */
export type PackConfig = Readonly<Record<string, RuleConfig>>;

/** A setting every mandatory rule has. */
export const UNDECIDED_SETTING = "undecided";

/** Whether a rule looks at resources of that type. */
export function looksAt(rule: ResourceRule, type: string): boolean {
    return rule.types === "all" || rule.types.includes(type);
}

/** The rule's defaults, overlaid with what was configured. */
export function configOf(rule: Rule, given: RuleConfig = {}): RuleConfig {
    const defaults = Object.fromEntries(
        Object.entries(rule.config ?? {}).map(([key, field]) => [key, field.default]),
    );
    return { ...defaults, ...given };
}

/** What a rule says of one resource; what only the whole stack can settle stays undecided without `graph`. */
export function judgeResource(
    rule: ResourceRule,
    record: ResourceRecord,
    given: RuleConfig,
    graph?: StackGraph,
): Verdict[] {
    if (!looksAt(rule, record.type)) return [];
    const subject = subjectOf(record, graph);
    const excepted = EXCEPTIONS.some(
        (exception) =>
            exception.rules.includes(rule.name) && holds(() => exception.matches(subject)),
    );
    if (excepted) return [];
    const config = configOf(rule, given);
    return [...guarded(() => rule.check(subject, config))].map((finding) =>
        verdict(rule, config, record.urn, finding),
    );
}

/** What a rule says of a whole stack. */
export function judgeStack(rule: StackRule, graph: StackGraph, given: RuleConfig): Verdict[] {
    const config = configOf(rule, given);
    return [...rule.check(graph, config)].map((finding) =>
        verdict(rule, config, finding.urn, finding),
    );
}

/** What all rules say of a stack, by rule and resource: the same stack gives the same list. */
export function judge(
    rules: readonly Rule[],
    graph: StackGraph,
    given: PackConfig = {},
): Verdict[] {
    return rules.flatMap((rule) => {
        const config = given[rule.name] ?? {};
        if (config.enforcementLevel === "disabled") return [];
        if (rule.scope === "stack") return judgeStack(rule, graph, config);
        return graph.all.flatMap((record) => judgeResource(rule, record, config, graph));
    });
}

/** An exception whose condition hangs on something unknown or mistyped is none. */
function holds(condition: () => boolean): boolean {
    let result = false;
    const problems = [
        ...guarded(() => {
            result = condition();
            return [];
        }),
    ];
    return problems.length === 0 && result;
}

function verdict(rule: Rule, config: RuleConfig, urn: string, finding: Finding): Verdict {
    const level = config.enforcementLevel;
    const own = level === "advisory" || level === "mandatory" ? level : rule.enforcement;
    const undecided = finding.undecided === true;
    const told = undecided && config[UNDECIDED_SETTING] === "tell";
    const { path, problem } = finding;
    const text = path === "" ? problem : `${path}: ${problem}`;
    return {
        rule: rule.name,
        enforcement: told ? "advisory" : own,
        severity: rule.severity,
        urn,
        path,
        message: undecided ? `${text}, so this rule cannot be decided yet` : text,
        undecided,
    };
}
