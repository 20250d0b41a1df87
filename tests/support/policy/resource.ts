import type { ResourceRecord } from "../../../policy/core/model";
import { PROVIDERS, TYPES } from "../../../policy/known";

/** The providers of the two daemons. */
export const HOST = { type: TYPES.dockerProvider, name: PROVIDERS.host };
export const INNER = { type: TYPES.dockerProvider, name: PROVIDERS.inner };
const HEAD = "urn:pulumi:test::sutazai-mcp";
export const CONTENT_ID = `sha256:${"0a".repeat(32)}`;

export type More = Partial<Omit<ResourceRecord, "urn" | "type" | "name" | "props">>;

/** A record as the recorders make them. */
export function resource(
    above: readonly string[],
    type: string,
    name: string,
    inputs: Readonly<Record<string, unknown>>,
    more: More = {},
): ResourceRecord {
    const urn = `${HEAD}::${[...above, type].join("$")}::${name}`;
    return { urn, type, name, props: inputs, ...more };
}

/** The labels of what this program makes. */
export function labels(component: string, more: Readonly<Record<string, string>> = {}): object[] {
    const all = {
        "mcp.component": component,
        "mcp.managed": "true",
        "mcp.managed-by": "sutazai-mcp",
        "mcp.stack": "test",
        ...more,
    };
    return Object.entries(all).map(([label, value]) => ({ label, value }));
}

/** What every running container of the good stack says. */
export const running = {
    memory: 256,
    memorySwap: 256,
    cpuPeriod: 100_000,
    cpuQuota: 50_000,
    restart: "unless-stopped",
    logDriver: "json-file",
    logOpts: { "max-size": "10m", "max-file": "3" },
    healthcheck: { tests: ["CMD", "true"], interval: "10s", timeout: "1m0s" },
};
export const confined = { capabilities: { drops: ["ALL"] }, securityOpts: ["no-new-privileges"] };
