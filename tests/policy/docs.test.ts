import { readFileSync } from "node:fs";
import * as path from "node:path";

import { PROJECT } from "../../cli/graph/program";
import { exceptionTable, ruleTable } from "../../policy/core/table";
import { RULES } from "../../policy/rules";

const text = readFileSync(path.join(PROJECT, "docs", "policy.md"), "utf8");

test("docs/policy.md has the rules and exceptions as they are; if not: npm run docs:policy", () => {
    expect(text).toContain(`\n${ruleTable(RULES)}\n`);
    expect(text).toContain(`\n${exceptionTable()}\n`);
});
