import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";

import { PATHS } from "../config/defaults";

import { labelList, ownerLabels, type StackContext } from "./stack-context";

export const INNER_PLATFORM_TYPE = "mcp:inner:Platform";

/** What the servers share on the inner daemon: two networks and the shared-data volume. */
export class InnerPlatform extends pulumi.ComponentResource {
    /** Network of servers that declare `egress: none`: no address translation, so nothing outside answers them. */
    public readonly closedNetwork: pulumi.Output<string>;
    /** Network of servers that declare egress. */
    public readonly egressNetwork: pulumi.Output<string>;
    /** Shared storage, for manifests' `volumes[].source: shared`. */
    public readonly sharedVolume: pulumi.Output<string>;

    constructor(name: string, context: StackContext, opts?: pulumi.ComponentResourceOptions) {
        super(INNER_PLATFORM_TYPE, name, {}, opts);
        const { settings, addresses } = context;
        const labels = (component: string): { label: string; value: string }[] =>
            labelList(ownerLabels(settings.stack, component));
        const child = { parent: this, deleteBeforeReplace: true };
        const network = (
            suffix: string,
            ipam: { subnet: string; gateway: string },
            options: Record<string, string>,
        ): docker.Network =>
            new docker.Network(
                `${name}-${suffix}`,
                {
                    name: `mcp-${suffix}`,
                    driver: "bridge",
                    ipamConfigs: [ipam],
                    options: { "com.docker.network.bridge.enable_icc": "false", ...options },
                    labels: labels(`network-${suffix}`),
                },
                child,
            );
        const { closed, closedGateway, egress, egressGateway } = addresses.inner;
        this.closedNetwork = network(
            "closed",
            { subnet: closed, gateway: closedGateway },
            { "com.docker.network.bridge.enable_ip_masquerade": "false" },
        ).name;
        this.egressNetwork = network("egress", { subnet: egress, gateway: egressGateway }, {}).name;
        // A local volume bound to the folder where the orchestrator has the host's volume: no host path is mounted.
        const shared = new docker.Volume(
            `${name}-shared`,
            {
                name: "mcp-shared-data",
                driver: "local",
                driverOpts: { type: "none", o: "bind", device: PATHS.sharedData },
                labels: labels("volume-shared"),
            },
            child,
        );
        this.sharedVolume = shared.name;
        this.registerOutputs({
            closedNetwork: this.closedNetwork,
            egressNetwork: this.egressNetwork,
            sharedVolume: this.sharedVolume,
        });
    }
}
