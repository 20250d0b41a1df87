import { labelList, ownerLabels } from "../../components/stack-context";

test("owner labels say what made it, for which stack, as which part", () => {
    expect(ownerLabels("dev", "orchestrator")).toEqual({
        "mcp.managed": "true",
        "mcp.managed-by": "sutazai-mcp",
        "mcp.stack": "dev",
        "mcp.component": "orchestrator",
    });
});

test("labels come sorted, whatever order they are given in", () => {
    const sorted = [
        { label: "A", value: "1" },
        { label: "a", value: "2" },
        { label: "b", value: "3" },
    ];
    expect(labelList({ b: "3", A: "1", a: "2" })).toEqual(sorted);
    expect(labelList({ a: "2", b: "3", A: "1" })).toEqual(sorted);
});
