import { parseManifest, formatProblem } from "../../../config/manifest";
import { manifest } from "../../support/fixtures";

const problems = (health: unknown): string[] => {
    const text = JSON.stringify({
        apiVersion: "mcp/v1",
        kind: "MCPContainer",
        metadata: { name: "demo" },
        spec: { port: 13005, build: "bridge", command: ["node"], health },
    });
    return parseManifest("manifests/demo.yml", text).problems.map(formatProblem);
};

test("a health call names a tool and its arguments; without arguments there are none", () => {
    expect(manifest({ health: { call: { tool: "ping" } } }).health.call).toEqual({
        tool: "ping",
        arguments: {},
    });
    const call = { tool: "execute_sql", arguments: { sql: "select 1" } };
    expect(manifest({ health: { call } }).health.call).toEqual(call);
});

test("a manifest without one has the hash it had before there were any", () => {
    expect(manifest().health.call).toBeUndefined();
    const before = manifest({ health: {} }).hash;
    expect(before).toBe(manifest().hash);
    expect(manifest({ health: { call: { tool: "ping" } } }).hash).not.toBe(before);
});

test.each([
    [{ call: {} }, "spec.health.call.tool", "is missing"],
    [{ call: { tool: "a b" } }, "spec.health.call.tool", "is not the name of a tool"],
    [
        { call: { tool: "x", args: {} } },
        "spec.health.call.args",
        "known fields here: tool, arguments",
    ],
    [{ call: { tool: "x", arguments: [] } }, "spec.health.call.arguments", "is not a mapping"],
    [
        { call: { tool: "x", arguments: { text: "x".repeat(500) } } },
        "spec.health.call.arguments",
        "longer than 500 characters",
    ],
])("%j is refused", (health, field, what) => {
    const found = problems(health);
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(field);
    expect(found[0]).toContain(what);
});
