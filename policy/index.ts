import { PolicyPack } from "@pulumi/policy";

import { policiesOf } from "./adapter";
import { RULES } from "./rules";

new PolicyPack("sutazai-mcp", {
    displayName: "MCP orchestrator",
    description: "What may run in and beside the orchestrator, and how",
    policies: policiesOf(RULES),
});
