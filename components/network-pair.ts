import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";

import { labelList, ownerLabels, type StackContext } from "./stack-context";

export const NETWORK_PAIR_TYPE = "mcp:host:NetworkPair";

/** The two networks of the host: one for the mesh, one without a route out for the database. */
export class NetworkPair extends pulumi.ComponentResource {
    /** Name of `sutazai-main`. */
    public readonly main: pulumi.Output<string>;
    /** Name of `sutazai-dind-internal`. */
    public readonly internal: pulumi.Output<string>;

    constructor(name: string, context: StackContext, opts?: pulumi.ComponentResourceOptions) {
        super(NETWORK_PAIR_TYPE, name, {}, opts);
        const { addresses, names, settings } = context;
        const labels = labelList(ownerLabels(settings.stack, "network"));
        // A gateway is always given: inspection adds it after a reboot, and a diff there replaces the network.
        const child = { parent: this, deleteBeforeReplace: true };
        const main = new docker.Network(
            `${name}-main`,
            {
                name: names.mainNetwork,
                driver: "bridge",
                ipamConfigs: [{ subnet: addresses.main.subnet, gateway: addresses.main.gateway }],
                labels,
            },
            child,
        );
        const internal = new docker.Network(
            `${name}-internal`,
            {
                name: names.internalNetwork,
                driver: "bridge",
                internal: true,
                ipamConfigs: [
                    { subnet: addresses.internal.subnet, gateway: addresses.internal.gateway },
                ],
                labels,
            },
            child,
        );
        this.main = main.name;
        this.internal = internal.name;
        this.registerOutputs({ main: this.main, internal: this.internal });
    }
}
