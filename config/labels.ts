import { LABELS, MANAGED_BY } from "./defaults";

/**
 * Labels every container, network and volume of a stack carries; `repair` finds strays by them.
 *
 * @param by who made it: this program, or the manager's API
 */
export function ownerLabels(
    stack: string,
    component: string,
    by: (typeof MANAGED_BY)[keyof typeof MANAGED_BY] = MANAGED_BY.program,
): Record<string, string> {
    return {
        [LABELS.managed]: "true",
        [LABELS.managedBy]: by,
        [LABELS.stack]: stack,
        [LABELS.component]: component,
    };
}
