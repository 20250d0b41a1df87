import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";

import { INNER_NETWORKS, INNER_VOLUMES, ROUTES_VOLUME } from "../config/defaults";

import { labelList, ownerLabels, type StackContext } from "./stack-context";

export const INNER_PLATFORM_TYPE = "mcp:inner:Platform";

/** What the containers share on the inner daemon: two networks, and the volumes that are the host's. */
export class InnerPlatform extends pulumi.ComponentResource {
    /** Network of servers: no address translation, so nothing outside answers them. */
    public readonly closedNetwork: pulumi.Output<string>;
    /** Network by which companions leave: the one with address translation. */
    public readonly egressNetwork: pulumi.Output<string>;
    /** Shared storage, for manifests' `volumes[].source: shared`; central logs; the client certificate. */
    public readonly volumes: Readonly<Record<keyof typeof INNER_VOLUMES, pulumi.Output<string>>>;

    /** What the manager tells the gateway. */
    public readonly routes: pulumi.Output<string>;

    constructor(name: string, context: StackContext, opts?: pulumi.ComponentResourceOptions) {
        super(INNER_PLATFORM_TYPE, name, {}, opts);
        const { settings, addresses } = context;
        const labels = (component: string): { label: string; value: string }[] =>
            labelList(ownerLabels(settings.stack, component));
        const child = { parent: this, deleteBeforeReplace: true };
        const network = (
            suffix: keyof typeof INNER_NETWORKS,
            ipam: { subnet: string; gateway: string },
            options: Record<string, string>,
        ): docker.Network =>
            new docker.Network(
                `${name}-${suffix}`,
                {
                    name: INNER_NETWORKS[suffix],
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
        // Local volumes bound to folders where the orchestrator has the host's volumes: no path of the host is mounted.
        const volume = (key: keyof typeof INNER_VOLUMES, suffix: string): pulumi.Output<string> =>
            new docker.Volume(
                `${name}-${suffix}`,
                {
                    name: INNER_VOLUMES[key].name,
                    driver: "local",
                    driverOpts: { type: "none", o: "bind", device: INNER_VOLUMES[key].folder },
                    labels: labels(`volume-${suffix}`),
                },
                child,
            ).name;
        this.volumes = {
            shared: volume("shared", "shared"),
            logs: volume("logs", "logs"),
            clientCerts: volume("clientCerts", "client-certs"),
        };
        this.routes = new docker.Volume(
            `${name}-routes`,
            { name: ROUTES_VOLUME, driver: "local", labels: labels("volume-routes") },
            child,
        ).name;
        this.registerOutputs({
            closedNetwork: this.closedNetwork,
            egressNetwork: this.egressNetwork,
            volumes: this.volumes,
            routes: this.routes,
        });
    }
}
