import { planEgress } from "../../../config/egress/plan";
import type { ResourceRecord } from "../../../policy/core/model";
import { COMPONENTS, TYPES } from "../../../policy/known";

import { confined, CONTENT_ID, labels, resource, running, type More } from "./resource";

/** What the companion of the stack lets through. */
const COMPANION_TARGETS = ["*:443", "postgres:5432"];

function companionEnvironment(): string[] {
    const place = { companion: "egress", hosts: { postgres: "172.30.0.10" } };
    const { companionEnvironment } = planEgress(COMPANION_TARGETS, place);
    return Object.entries(companionEnvironment).map(([key, value]) => `${key}=${value}`);
}

/** The companion of a server `web`, and the network of the two. */
export function companion(inside: More): ResourceRecord[] {
    const above = [COMPONENTS.innerLayer, COMPONENTS.egress];
    const link = resource(
        above,
        TYPES.network,
        "link",
        {
            name: "mcp-link-web",
            options: { "com.docker.network.bridge.enable_ip_masquerade": "false" },
            labels: labels("egress"),
        },
        inside,
    );
    const container = resource(
        above,
        TYPES.container,
        "companion",
        {
            ...running,
            ...confined,
            name: "mcp-egress-web",
            image: CONTENT_ID,
            user: "1001:1001",
            readOnly: true,
            init: true,
            runtime: "mcp-runc",
            envs: ["MCP_PIDS_LIMIT=32", ...companionEnvironment()],
            hosts: [{ host: "postgres", ip: "172.30.0.10" }],
            networksAdvanced: [
                { name: "mcp-egress" },
                { name: "mcp-link-web", aliases: ["egress", "postgres"] },
            ],
            labels: labels("egress", {
                "mcp.egress": COMPANION_TARGETS.join(" "),
                "mcp.server": "web",
            }),
        },
        inside,
    );
    return [link, container];
}
