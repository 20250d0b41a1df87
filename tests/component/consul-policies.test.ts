import { consulPolicies, queryPrefix } from "../../components/consul-policies";
import { namesFor } from "../../config/names";

/** Rules of a policy, one a line, sorted. */
const lines = (rules: string): string[] => rules.trim().split("\n").sort();

test("each role has what it needs and nothing else", () => {
    const policies = consulPolicies(namesFor("team-"));
    expect(Object.keys(policies).sort()).toEqual(["agent", "anonymous", "registrar", "reporter"]);
    expect(lines(policies.agent)).toEqual(['node "team-sutazai-mcp-consul" { policy = "write" }']);
    expect(lines(policies.anonymous)).toEqual([
        'node_prefix "" { policy = "read" }',
        'service_prefix "" { policy = "read" }',
    ]);
    expect(lines(policies.registrar)).toEqual([
        'node "team-sutazai-mcp-orchestrator" { policy = "write" }',
        'query_prefix "team-mcp-" { policy = "write" }',
        'service_prefix "team-" { policy = "write" }',
    ]);
    expect(lines(policies.reporter)).toEqual([
        'node "team-sutazai-mcp-orchestrator" { policy = "read" }',
        'service_prefix "team-" { policy = "write" }',
    ]);
});

test("nobody gets keys, ACLs, operator or agent rules", () => {
    for (const rules of Object.values(consulPolicies(namesFor("")))) {
        expect(rules).not.toMatch(/\b(key|key_prefix|acl|operator|agent|agent_prefix|session)\b/);
    }
});

test("the query of a stack carries its prefix", () => {
    expect(queryPrefix(namesFor(""))).toBe("mcp-");
    expect(queryPrefix(namesFor("team-"))).toBe("team-mcp-");
});
