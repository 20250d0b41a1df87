import { graphOf } from "../../../policy/core/graph";
import {
    UNKNOWN,
    type ResourceRecord,
    type Rule,
    type RuleConfig,
    type StackGraph,
} from "../../../policy/core/model";
import { judge, judgeResource, type Verdict } from "../../../policy/core/run";
import { RULES } from "../../../policy/rules";

import { props, type Change } from "./change";
import { goodStack } from "./stack";

/** What a rule says of a stack with one resource changed. */
export type Outcome = "passes" | "violates" | "undecided";

/** What is shown of one rule. Where a kind of case cannot be, a sentence says why. */
export interface RuleCases {
    readonly rule: string;
    /** Resource of the good stack that the cases change. */
    readonly on: string;
    /** One case for each way to break it. */
    readonly bad: Readonly<Record<string, Change | readonly [on: string, change: Change]>>;
    /** Changes that are none of the rule's business, or are allowed. */
    readonly fine?: Readonly<Record<string, Change | readonly [on: string, change: Change]>>;
    /** Without the field. */
    readonly missing: readonly [path: string, outcome: Outcome] | string;
    /** With a value of a type the field does not have. */
    readonly otherType: readonly [path: string, value: unknown, outcome: Outcome] | string;
    /** With a value that is not known yet. */
    readonly unknown: readonly [path: string, outcome: Outcome] | string;
    /** With settings other than the defaults. */
    readonly configured?: {
        readonly config: RuleConfig;
        readonly change: Change;
        /** What the defaults say of the change, and what the settings do. */
        readonly outcomes: readonly [byDefault: Outcome, configured: Outcome];
    };
}

/** Makes the tests of one rule. */
export function describeRule(cases: RuleCases): void {
    const rule = ruleOf(cases.rule);
    const says = (change: Change, on = cases.on, config: RuleConfig = {}): Outcome =>
        outcomeOf(verdictsOf(rule, on, change, config));
    const each = (table: RuleCases["bad"], expected: Outcome, word: string): void => {
        for (const [name, entry] of Object.entries(table)) {
            test(`${word}: ${name}`, () => {
                const [on, change] = typeof entry === "function" ? [cases.on, entry] : entry;
                expect(says(change, on)).toBe(expected);
            });
        }
    };
    describe(cases.rule, () => {
        test("passes the good stack", () => {
            expect(judge([rule], graphOf(goodStack()))).toEqual([]);
        });
        each(cases.bad, "violates", "refuses");
        each(cases.fine ?? {}, "passes", "lets pass");
        const { missing, otherType, unknown, configured } = cases;
        if (typeof missing !== "string") {
            test(`${missing[0]} missing: ${missing[1]}`, () => {
                expect(says(props({ [missing[0]]: undefined }))).toBe(missing[1]);
            });
        }
        if (typeof otherType !== "string") {
            test(`${otherType[0]} of another type: ${otherType[2]}`, () => {
                expect(says(props({ [otherType[0]]: otherType[1] }))).toBe(otherType[2]);
            });
        }
        if (typeof unknown !== "string") {
            test(`${unknown[0]} unknown: ${unknown[1]}`, () => {
                expect(says(props({ [unknown[0]]: UNKNOWN }))).toBe(unknown[1]);
            });
        }
        if (configured !== undefined) {
            test(`configured: ${JSON.stringify(configured.config)}`, () => {
                const [byDefault, otherwise] = configured.outcomes;
                expect(says(configured.change)).toBe(byDefault);
                expect(says(configured.change, cases.on, configured.config)).toBe(otherwise);
            });
        }
    });
}

/** Holds that every rule of the areas has cases here, with settings where it has settings. */
export function testCompleteness(areas: readonly string[], tables: readonly RuleCases[]): void {
    const rules = RULES.filter(({ name }) => areas.includes(name.split("-")[0] ?? ""));
    test(`every rule of ${areas.join(", ")} has its cases`, () => {
        expect(tables.map(({ rule }) => rule).sort()).toEqual(rules.map(({ name }) => name).sort());
        for (const { rule, bad, configured } of tables) {
            expect({ rule, bad: Object.keys(bad).length > 0 }).toEqual({ rule, bad: true });
            const settings = Object.keys(ruleOf(rule).config ?? {});
            const own = settings.filter((key) => key !== "undecided");
            if (own.length > 0) expect({ rule, configured }).not.toEqual({ rule });
        }
    });
}

function ruleOf(name: string): Rule {
    const rule = RULES.find((one) => one.name === name);
    if (rule === undefined) throw new Error(`there is no rule ${name}`);
    return rule;
}

/** Verdicts on the changed resource, or, of a rule over the stack, on any. */
export function verdictsOf(
    rule: Rule,
    on: string,
    change: Change,
    config: RuleConfig = {},
): Verdict[] {
    const { graph, changed } = changedStack(on, change);
    const verdicts = judge([rule], graph, { [rule.name]: config });
    if (rule.scope === "stack") return verdicts;
    const own = verdicts.filter(({ urn }) => urn === changed.urn);
    // What the first look refuses, the second one has to refuse as well.
    const before = judgeResource(rule, changed, config).filter(({ undecided }) => !undecided);
    for (const { message } of before) {
        if (!own.some((verdict) => verdict.message === message)) {
            throw new Error(`only without the graph: ${message}`);
        }
    }
    return own;
}

function outcomeOf(verdicts: readonly Verdict[]): Outcome {
    if (verdicts.some(({ undecided }) => !undecided)) return "violates";
    return verdicts.length > 0 ? "undecided" : "passes";
}

/** The good stack with one resource changed. */
function changedStack(
    name: string,
    change: Change,
): { readonly graph: StackGraph; readonly changed: ResourceRecord } {
    const stack = goodStack();
    const index = stack.findIndex((record) => record.name === name);
    const before = stack[index];
    if (before === undefined) throw new Error(`the good stack has no ${name}`);
    const changed = change(before);
    stack[index] = changed;
    return { graph: graphOf(stack), changed };
}
