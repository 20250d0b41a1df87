import type { PreviewStep } from "../engine/types";

import type { Restart } from "./model";

const CONTAINER = "docker:index/container:Container";
const ORCHESTRATOR = "mcp:host:Orchestrator";

const HOW = {
    create: "started",
    update: "changed in place",
    replace: "made anew",
    delete: "removed",
} as const;

/** What happens to containers, by name. */
export function restarts(steps: readonly PreviewStep[]): Restart[] {
    return steps
        .flatMap((step): Restart[] => {
            const { type, operation, changed, before, after } = step;
            if (type !== CONTAINER || operation === "same") return [];
            // Of a container that never starts nothing restarts.
            if ((after ?? before)?.start === false) return [];
            const because = operation === "update" || operation === "replace" ? changed : [];
            return [{ name: nameOf(step), how: HOW[operation], because }];
        })
        .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Whether the inner daemon itself is made anew, and every server with it restarts. */
export function orchestratorRestarts(steps: readonly PreviewStep[]): boolean {
    return steps.some(
        ({ urn, type, operation }) =>
            type === CONTAINER && urn.includes(ORCHESTRATOR) && operation === "replace",
    );
}

/** The container's own name, which `docker ps` shows, where it is known. */
function nameOf({ name, before, after }: PreviewStep): string {
    const physical = (after ?? before)?.name;
    return typeof physical === "string" ? physical : name;
}
