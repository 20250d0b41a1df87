import type { AddressPlan } from "../config/addresses";
import type { Names } from "../config/names";
import type { StackSettings } from "../config/settings";

export { ownerLabels } from "../config/labels";

/** What every component needs to know of the stack it belongs to. Plain values: they decide names and identity. */
export interface StackContext {
    readonly settings: StackSettings;
    readonly names: Names;
    readonly addresses: AddressPlan;
}

/** Labels in the provider's form for networks and volumes. */
export function labelList(
    labels: Readonly<Record<string, string>>,
): { label: string; value: string }[] {
    return Object.entries(labels)
        .sort(([left], [right]) => (left < right ? -1 : 1))
        .map(([label, value]) => ({ label, value }));
}
