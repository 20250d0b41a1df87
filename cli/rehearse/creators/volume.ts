import type * as docker from "@pulumi/docker";
import type { Unwrap } from "@pulumi/pulumi";
import { labelMap, orNone, physicalName, refuseUnknown, RUN_LABEL, type Creator } from "../run";

/** A volume. One that exists already is used, as the provider does, and is not this rehearsal's to remove. */
export const createVolume: Creator = async (request, run) => {
    refuseUnknown(request.type, request.inputs, ["driver", "driverOpts", "labels", "name"]);
    const inputs = request.inputs as unknown as Unwrap<docker.VolumeArgs>;
    const daemon = run.daemonOf(request);
    const name = physicalName(request);
    const volume = daemon.client.getVolume(name);
    if ((await orNone(volume.inspect())) === undefined) {
        await run.make(daemon, { kind: "volume", name }, async () => {
            await daemon.client.createVolume({
                Name: name,
                Driver: inputs.driver ?? "local",
                DriverOpts: inputs.driverOpts ?? {},
                Labels: { ...labelMap(inputs.labels), [RUN_LABEL]: run.ledger.run },
            });
            return name;
        });
    }
    const found = await volume.inspect();
    return { id: name, state: { name, driver: found.Driver, mountpoint: found.Mountpoint } };
};
