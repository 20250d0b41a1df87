import * as consul from "@pulumi/consul";
import * as docker from "@pulumi/docker";

import { HostLayer, InnerLayer, MeshLayer } from "../../components/layers";
import { startMocks, type Recorder } from "../support/mocks";

let recorder: Recorder;

beforeEach(async () => {
    recorder = await startMocks();
});

test("children take the layer's provider, each layer its own, at any depth", async () => {
    const hostProvider = new docker.Provider("host", {});
    const host = new HostLayer("host", hostProvider);
    const data = new docker.Volume("data", {}, { parent: host });
    const inner = new InnerLayer("inner", new docker.Provider("inner", {}), data);
    const network = new docker.Network("net", {}, { parent: inner });
    new docker.Volume("below", {}, { parent: network });
    await recorder.settle();
    expect(recorder.one("Volume", "data").provider).toBe("host");
    expect(recorder.one("Network", "net").provider).toBe("inner");
    expect(recorder.one("Volume", "below").provider).toBe("inner");
});

test("the inner layer goes with the data volume, the host layer with nothing", async () => {
    const provider = new docker.Provider("host", {});
    const data = new docker.Volume("data", {}, { provider });
    new HostLayer("host", provider);
    new InnerLayer("inner", provider, data);
    await recorder.settle();
    expect(recorder.all.find(({ name }) => name === "inner")).toMatchObject({
        type: "mcp:inner:Layer",
        options: { deletedWith: "docker:index/volume:Volume::data" },
    });
    expect(recorder.all.find(({ type }) => type === "mcp:host:Layer")?.options).toEqual({});
});

test("what is registered goes with the data volume of an own Consul, and with nothing in an external one", async () => {
    const data = new docker.Volume("data", {}, { provider: new docker.Provider("host", {}) });
    const provider = new consul.Provider("consul", {});
    const own = new MeshLayer("own", provider, data);
    const external = new MeshLayer("external", provider, undefined);
    new consul.Node("one", { address: "10.0.0.1" }, { parent: own });
    new consul.Node("two", { address: "10.0.0.1" }, { parent: external });
    await recorder.settle();
    for (const name of ["one", "two"]) expect(recorder.one("Node", name).provider).toBe("consul");
    const layers = recorder.all.filter(({ type }) => type === "mcp:mesh:Layer");
    const options = Object.fromEntries(layers.map(({ name, options }) => [name, options]));
    expect(options).toEqual({
        own: { deletedWith: "docker:index/volume:Volume::data" },
        external: {},
    });
});

test("a layer makes nothing itself", async () => {
    new HostLayer("host", new docker.Provider("host", {}));
    await recorder.settle();
    expect(recorder.below("host")).toEqual([]);
    expect(recorder.all.map(({ type }) => type).sort()).toEqual([
        "mcp:host:Layer",
        "pulumi:providers:docker",
    ]);
});
