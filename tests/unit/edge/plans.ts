import { planEdge, type EdgePlan, type EdgeSettings } from "../../../config/edge/model";

/** Subnets of a stack that chooses none. */
export const STACK = {
    mainSubnet: "10.89.0.0/24",
    internalSubnet: "172.30.0.0/16",
    innerPool: "10.90.0.0/16",
} as const;

/** The plan of a stack with these settings of its edge. */
export function planOf(settings: Partial<EdgeSettings> = {}): EdgePlan {
    return planEdge(STACK, { gatewayPort: 13000, ...settings });
}
