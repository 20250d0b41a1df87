import { runStack } from "../../cli/graph/program";
import { stackGraph } from "../../cli/graph/records";
import { graphOf } from "../../policy/core/graph";
import type { StackGraph } from "../../policy/core/model";
import { nameOf } from "../../policy/core/stack";
import { judge } from "../../policy/core/run";
import { RULES } from "../../policy/rules";
import { mutantsOf, type Mutant } from "../support/policy/mutants";

let dev: StackGraph;

beforeAll(async () => {
    dev = await stackGraph("dev", await runStack("dev"));
}, 60_000);

/** Rules that refuse the stack with that one thing broken. */
function caughtBy({ resource, change }: Mutant): string[] {
    const records = dev.all.map((record) => (record.urn === resource ? change(record) : record));
    return [...new Set(judge(RULES, graphOf(records)).map(({ rule }) => rule))];
}

test("the stack itself passes", () => {
    expect(judge(RULES, dev)).toEqual([]);
});

test("every protected property, broken, is caught by the rule for it", () => {
    const mutants = mutantsOf(dev.all);
    const escaped = mutants.filter((mutant) => !caughtBy(mutant).includes(mutant.rule));
    const caught = mutants.length - escaped.length;
    process.stdout.write(`mutants caught: ${String(caught)}/${String(mutants.length)}\n`);
    expect(
        escaped.map(({ resource, what, rule }) => `${rule}: ${nameOf(resource)}, ${what}`),
    ).toEqual([]);
    expect(mutants.length).toBeGreaterThan(250);
}, 60_000);

test("every rule catches one", () => {
    const rules = new Set(mutantsOf(dev.all).map(({ rule }) => rule));
    const without = RULES.map(({ name }) => name).filter((name) => !rules.has(name));
    expect(without).toEqual([]);
});
