import { subjectOf } from "../../policy/core/graph";
import { EXCEPTIONS } from "../../policy/exceptions";
import { judgeResource } from "../../policy/core/run";
import { UNKNOWN } from "../../policy/core/model";
import { RULES } from "../../policy/rules";
import { runStack } from "../../cli/graph/program";
import { recordsOf } from "../../cli/graph/records";
import { goodStack } from "../support/policy/stack";

const names = RULES.map(({ name }) => name);

test("every exception names rules that exist, and says which resource and why", () => {
    for (const { rules, resource, why } of EXCEPTIONS) {
        expect(names).toEqual(expect.arrayContaining([...rules]));
        expect(resource.length).toBeGreaterThan(20);
        expect(why.length).toBeGreaterThan(40);
    }
});

test("in the dev stack each holds for the resources it is meant for alone", async () => {
    const records = recordsOf("dev", (await runStack("dev")).recorder);
    const matching = EXCEPTIONS.map((exception) =>
        records.filter((record) => {
            try {
                return exception.matches(subjectOf(record));
            } catch {
                return false;
            }
        }),
    );
    // In the order of their names: that of the records follows what waits for what.
    expect(matching.map((found) => found.map(({ name }) => name).sort())).toEqual([
        ["orchestrator-container"],
        [
            "gateway-config-carrier",
            "gateway-tokens-carrier",
            "manager-secrets-carrier",
            "postgres-mcp-secrets-carrier",
        ],
        ["edge-files-carrier"],
        ["platform-shared"],
        ["platform-logs"],
        ["platform-client-certs"],
    ]);
}, 60_000);

test("one whose condition hangs on something unknown does not hold", () => {
    const shared = goodStack().find(({ name }) => name === "shared");
    const rule = RULES.find(({ name }) => name === "privilege-no-bind-volumes");
    if (shared === undefined || rule?.scope !== "resource") throw new Error("not there");
    const unknown = { ...shared, props: { ...shared.props, driverOpts: { device: UNKNOWN } } };
    expect(judgeResource(rule, unknown, {})).toHaveLength(1);
});
