import { graphOf } from "../../policy/core/graph";
import { judge } from "../../policy/core/run";
import { RULES } from "../../policy/rules";
import { goodStack } from "../support/policy/stack";

test("no rule finds anything in the good stack", () => {
    expect(judge(RULES, graphOf(goodStack()))).toEqual([]);
});
