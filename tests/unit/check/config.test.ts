import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";

import { readPackConfig } from "../../../cli/check/config";
import { graphOf } from "../../../policy/core/graph";
import { judge } from "../../../policy/core/run";
import { RULES } from "../../../policy/rules";
import { goodStack } from "../../support/policy/stack";

let folder: string;
beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), "mcp-config-"));
});
afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
});

function read(text: string): ReturnType<typeof readPackConfig> {
    const file = path.join(folder, "config.json");
    writeFileSync(file, text);
    return readPackConfig(file, RULES);
}

const rooted = graphOf(
    goodStack().map((record) =>
        record.name === "server" ? { ...record, props: { ...record.props, user: "0" } } : record,
    ),
);

test("a level alone, a mapping with settings, and one for all", () => {
    const config = read(
        '{"all": "advisory", "bar-user": "disabled", "bar-restart": {"policies": ["no"], "enforcementLevel": "mandatory"}}',
    );
    const verdicts = judge(RULES, rooted, config);
    expect(verdicts.filter(({ rule }) => rule === "bar-user")).toEqual([]);
    expect(new Set(verdicts.map(({ rule, enforcement }) => `${rule} ${enforcement}`))).toEqual(
        new Set(["bar-restart mandatory"]),
    );
    expect(judge(RULES, rooted, read('{"all": "advisory"}'))).toMatchObject([
        { rule: "bar-user", enforcement: "advisory" },
    ]);
});

test.each([
    ["{", /config\.json/],
    ['{"bar-usr": "advisory"}', /bar-usr: there is no such rule/],
    ['{"bar-user": "off"}', /bar-user: enforcementLevel is none of/],
    ['{"bar-restart": {"policies": "no"}}', /bar-restart\/policies: must be array/],
    ['{"bar-restart": {"policy": []}}', /bar-restart: must NOT have additional properties/],
])("%s is refused", (text, message) => {
    expect(() => read(text)).toThrow(message);
});
