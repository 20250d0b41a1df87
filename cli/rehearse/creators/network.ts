import type * as docker from "@pulumi/docker";
import type { Unwrap } from "@pulumi/pulumi";
import {
    existsAlready,
    labelMap,
    physicalName,
    refuseUnknown,
    RUN_LABEL,
    type Creator,
} from "../run";

const KNOWN = [
    ...["attachable", "driver", "internal", "ipamConfigs", "ipv6", "labels", "name", "options"],
];
const KNOWN_IPAM = ["auxAddress", "gateway", "ipRange", "subnet"];

/** A network. */
export const createNetwork: Creator = async (request, run) => {
    refuseUnknown(request.type, request.inputs, KNOWN);
    const inputs = request.inputs as unknown as Unwrap<docker.NetworkArgs>;
    const daemon = run.daemonOf(request);
    const name = physicalName(request);
    // Docker allows two networks of one name.
    const similar = await daemon.client.listNetworks({ filters: { name: [name] } });
    if (similar.some((network) => network.Name === name)) {
        throw existsAlready("network", name);
    }
    const pools = inputs.ipamConfigs?.map((pool) => {
        refuseUnknown("a network's ipamConfigs", pool, KNOWN_IPAM);
        return {
            ...(pool.subnet && { Subnet: pool.subnet }),
            ...(pool.gateway && { Gateway: pool.gateway }),
            ...(pool.ipRange && { IPRange: pool.ipRange }),
            ...(pool.auxAddress && { AuxiliaryAddresses: pool.auxAddress }),
        };
    }) as Record<string, string>[] | undefined;
    const create = async () => {
        const network = await daemon.client.createNetwork({
            Name: name,
            CheckDuplicate: true,
            Driver: inputs.driver ?? "bridge",
            Internal: inputs.internal ?? false,
            Attachable: inputs.attachable ?? false,
            EnableIPv6: inputs.ipv6 ?? false,
            Options: inputs.options ?? {},
            Labels: { ...labelMap(inputs.labels), [RUN_LABEL]: run.ledger.run },
            ...(pools && { IPAM: { Driver: "default", Config: pools, Options: {} } }),
        });
        return network.id;
    };
    const id = await run.make(daemon, { kind: "network", name }, create);
    return {
        id,
        state: { name, driver: inputs.driver ?? "bridge", internal: inputs.internal ?? false },
    };
};
