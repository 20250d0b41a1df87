import type { Names } from "../config/names";

/** Prefix of the prepared query: `<this><server>.query.consul`. */
export function queryPrefix(names: Names): string {
    return names.service("mcp-");
}

/**
 * ACL rules by role, HCL: the least that each needs. An external Consul needs a token with those of `registrar` and one
 * with those of `reporter` (docs/consul.md).
 */
export function consulPolicies(
    names: Names,
): Readonly<Record<"agent" | "anonymous" | "registrar" | "reporter", string>> {
    const services = `service_prefix "${names.service("")}" { policy = "write" }`;
    return {
        agent: rules(`node "${names.consul}" { policy = "write" }`),
        anonymous: rules(
            `node_prefix "" { policy = "read" }`,
            `service_prefix "" { policy = "read" }`,
        ),
        registrar: rules(
            `node "${names.orchestrator}" { policy = "write" }`,
            services,
            `query_prefix "${queryPrefix(names)}" { policy = "write" }`,
        ),
        reporter: rules(`node "${names.orchestrator}" { policy = "read" }`, services),
    };
}

function rules(...lines: readonly string[]): string {
    return `${lines.join("\n")}\n`;
}
