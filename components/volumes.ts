import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";

import { labelList, ownerLabels, type StackContext } from "./stack-context";

export const VOLUMES_TYPE = "mcp:host:Volumes";

/** The orchestrator's five volumes. */
export class Volumes extends pulumi.ComponentResource {
    /** State of the inner daemon: a disposable cache, and what every inner resource is deleted with. */
    public readonly data: docker.Volume;
    /** The CA certificate, never its key. */
    public readonly certsCa: docker.Volume;
    /** A client certificate for what talks to the inner daemon. */
    public readonly certsClient: docker.Volume;
    /** Shared storage of the servers; kept when `protect` is set. */
    public readonly shared: docker.Volume;
    /** Central logs; kept when `protect` is set. */
    public readonly logs: docker.Volume;

    constructor(name: string, context: StackContext, opts?: pulumi.ComponentResourceOptions) {
        super(VOLUMES_TYPE, name, {}, opts);
        const { names, settings } = context;
        const volume = (suffix: string, volumeName: string, keep: boolean): docker.Volume =>
            new docker.Volume(
                `${name}-${suffix}`,
                {
                    name: volumeName,
                    driver: "local",
                    labels: labelList(ownerLabels(settings.stack, `volume-${suffix}`)),
                },
                { parent: this, deleteBeforeReplace: true, protect: keep && settings.protect },
            );
        this.data = volume("data", names.volumes.data, false);
        this.certsCa = volume("certs-ca", names.volumes.certsCa, false);
        this.certsClient = volume("certs-client", names.volumes.certsClient, false);
        this.shared = volume("shared", names.volumes.shared, true);
        this.logs = volume("logs", names.volumes.logs, true);
        this.registerOutputs({
            data: this.data.name,
            certsCa: this.certsCa.name,
            certsClient: this.certsClient.name,
            shared: this.shared.name,
            logs: this.logs.name,
        });
    }
}
