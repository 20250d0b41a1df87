/** Rewrites the tables in docs/policy.md from the rules: `npm run docs:policy`. */
import { readFileSync, writeFileSync } from "node:fs";
import * as path from "node:path";

import { exceptionTable, ruleTable } from "../policy/core/table";
import { RULES } from "../policy/rules";

const file = path.join(__dirname, "..", "docs", "policy.md");

function between(text: string, name: string, content: string): string {
    const [start, end] = [`<!-- ${name} -->`, `<!-- end of ${name} -->`];
    const [before = "", rest = ""] = text.split(start);
    const [, after = ""] = rest.split(end);
    return `${before}${start}\n\n${content}\n\n${end}${after}`;
}

const text = readFileSync(file, "utf8");
writeFileSync(
    file,
    between(between(text, "rules", ruleTable(RULES)), "exceptions", exceptionTable()),
);
