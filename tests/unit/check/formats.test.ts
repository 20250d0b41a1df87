import { jsonReport } from "../../../cli/check/json";
import { junitReport } from "../../../cli/check/junit";
import { reportOf, type Report } from "../../../cli/check/report";
import { sarifReport } from "../../../cli/check/sarif";
import { textReport } from "../../../cli/check/text";
import { PROJECT } from "../../../cli/graph/program";
import { graphOf } from "../../../policy/core/graph";
import { judge } from "../../../policy/core/run";
import { RULES } from "../../../policy/rules";
import { goodStack } from "../../support/policy/stack";

/** The good stack with a root server under a component, and an old orchestrator. */
function badReport(): Report {
    const stack = goodStack().map((record) => {
        if (record.name === "server") {
            const parent = goodStack().find(({ name }) => name === "server-component")?.urn;
            return { ...record, parent, props: { ...record.props, user: "0:0" } };
        }
        if (record.name !== "orchestrator") return record;
        return { ...record, props: { ...record.props, image: "docker:25.0.5-dind" } };
    });
    const component = stack.find(({ name }) => name === "server-component");
    const layer = stack.find(({ name }) => name === "inner-layer")?.urn;
    const graph = graphOf(
        stack.map((one) => (one === component ? { ...one, parent: layer } : one)),
    );
    const about = { stack: "test", version: "1.2.3", rules: RULES };
    return reportOf(about, graph, judge(RULES, graph), PROJECT);
}

const clean: Report = { stack: "test", version: "1.2.3", rules: RULES, resources: 3, verdicts: [] };

test("text: rule, resource, place and remedy, and a line of counts", () => {
    const text = textReport(badReport()).replace(/\u001b\[[0-9;]*m/g, "");
    expect(text).toContain("✗ bar-user (mandatory, high): An inner container runs as 1001:1001.");
    expect(text).toContain("    server: user: is not 1001:1001  manifests/server.yml:1");
    expect(text).toContain("    → Set user to 1001:1001.");
    expect(text).toContain("! image-dind-escapes (advisory, high)");
    expect(text).toMatch(
        /\d+ rules on \d+ resources of stack test: 2 violations, 1 advisory note$/,
    );
    expect(textReport(clean)).toMatch(/^\d+ rules on 3 resources of stack test: 0 violations/);
});

test("JSON: the same, for programs", () => {
    expect(jsonReport(badReport())).toMatchObject({
        stack: "test",
        packVersion: "1.2.3",
        violations: 2,
        advisories: 1,
        verdicts: expect.arrayContaining([
            expect.objectContaining({ rule: "bar-user", file: "manifests/server.yml", line: 1 }),
        ]) as unknown,
    });
});

test("SARIF: a result a verdict, each with its rule and place", () => {
    const sarif = sarifReport(badReport()) as {
        version: string;
        runs: {
            tool: { driver: { rules: { id: string; defaultConfiguration: { level: string } }[] } };
            results: {
                ruleId: string;
                ruleIndex: number;
                level: string;
                locations: {
                    physicalLocation: {
                        artifactLocation: { uri: string };
                        region: { startLine: number };
                    };
                }[];
                partialFingerprints: Record<string, string>;
            }[];
        }[];
    };
    expect(sarif.version).toBe("2.1.0");
    const [run] = sarif.runs;
    expect(run?.results.map(({ ruleId, level }) => [ruleId, level])).toEqual([
        ["bar-user", "error"],
        ["image-pinned", "error"],
        ["image-dind-escapes", "warning"],
    ]);
    for (const { ruleId, ruleIndex, locations, partialFingerprints } of run?.results ?? []) {
        expect(run?.tool.driver.rules[ruleIndex]?.id).toBe(ruleId);
        const [place] = locations;
        expect(place?.physicalLocation.artifactLocation.uri).toMatch(
            /^(manifests|components|index)/,
        );
        expect(place?.physicalLocation.region.startLine).toBeGreaterThan(0);
        expect(Object.values(partialFingerprints)).toEqual([
            expect.stringMatching(/^[0-9a-f]{64}$/),
        ]);
    }
    expect(run?.tool.driver.rules).toHaveLength(RULES.length);
});

test("JUnit: a case a rule, violations are failures, and it is well formed", () => {
    const xml = junitReport(badReport());
    expect(xml.match(/<testcase /g)).toHaveLength(RULES.length);
    expect(xml.match(/<failure /g)).toHaveLength(2);
    expect(xml).toContain('<testsuite name="bar" tests="12" failures="1">');
    expect(xml).toContain("<system-out>");
    const open: string[] = [];
    for (const [, slash, name = "", closed] of xml.matchAll(/<(\/?)([a-z-]+)[^>]*?(\/?)>/g)) {
        if (slash === "/") expect(open.pop()).toBe(name);
        else if (closed !== "/") open.push(name);
    }
    expect(open).toEqual([]);
    expect(xml.replace(/<[^>]*>/g, "")).not.toMatch(/[<>]|&(?!(amp|lt|gt|quot);)/);
});
