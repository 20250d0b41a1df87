import * as pulumi from "@pulumi/pulumi";

export const HOST_LAYER_TYPE = "mcp:host:Layer";
export const INNER_LAYER_TYPE = "mcp:inner:Layer";
export const MESH_LAYER_TYPE = "mcp:mesh:Layer";

/** Parent of everything that lives on the host's daemon; its provider is inherited by every child. */
export class HostLayer extends pulumi.ComponentResource {
    constructor(name: string, provider: pulumi.ProviderResource) {
        super(HOST_LAYER_TYPE, name, {}, { providers: [provider] });
        this.registerOutputs({});
    }
}

/**
 * Parent of everything that lives on the inner daemon. Children inherit its provider and `deletedWith`: the inner
 * daemon's state is the data volume, so what is in it goes with the volume and not with the container. A
 * certificate rotation thus replaces the orchestrator alone, and destroy never calls the inner daemon.
 */
export class InnerLayer extends pulumi.ComponentResource {
    constructor(name: string, provider: pulumi.ProviderResource, dataVolume: pulumi.Resource) {
        // As an input too: an option is not shown to policies, and this one keeps `destroy` from hanging.
        const inputs = { deletedWith: dataVolume.urn };
        super(INNER_LAYER_TYPE, name, inputs, { providers: [provider], deletedWith: dataVolume });
        this.registerOutputs({});
    }
}

/**
 * Parent of everything that is registered in Consul. In an own Consul it goes with the data volume, so that destroy
 * never calls it; in an external one it is deregistered.
 */
export class MeshLayer extends pulumi.ComponentResource {
    constructor(
        name: string,
        provider: pulumi.ProviderResource,
        dataVolume: pulumi.Resource | undefined,
    ) {
        super(
            MESH_LAYER_TYPE,
            name,
            {},
            { providers: [provider], ...(dataVolume ? { deletedWith: dataVolume } : {}) },
        );
        this.registerOutputs({});
    }
}
