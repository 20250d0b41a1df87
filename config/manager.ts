import type { AddressPlan } from "./addresses";
import { CONSUL_PORTS } from "./defaults";
import { EDGE_PORTS } from "./edge/model";
import type { StackSettings } from "./settings";

/** What the manager looks at outside of its daemon, to tell whether it answers; `host:port` each. */
export interface ManagerSees {
    /** API of the own Consul; an external one is not asked. */
    readonly consul: string | undefined;
    readonly edge: string;
    /** All of them. */
    readonly places: readonly string[];
}

/** Where the manager's neighbours are; the orchestrator lets it go there and nowhere else. */
export function managerSees({
    settings,
    addresses,
}: {
    readonly settings: Pick<StackSettings, "consul">;
    readonly addresses: AddressPlan;
}): ManagerSees {
    const consul =
        settings.consul.mode === "managed"
            ? `${addresses.main.consul}:${String(CONSUL_PORTS.http)}`
            : undefined;
    const edge = `${addresses.main.edge}:${String(EDGE_PORTS.listen)}`;
    return { consul, edge, places: consul === undefined ? [edge] : [consul, edge] };
}
