import { InnerPlatform } from "../../components/inner-platform";
import { onInner, stackContext } from "../support/fixtures";
import { startMocks, valueOf, type Recorder } from "../../cli/graph/mocks";

let recorder: Recorder;

beforeEach(async () => {
    recorder = await startMocks();
});

async function platform(config: Record<string, string> = {}): Promise<InnerPlatform> {
    const made = new InnerPlatform("platform", stackContext(config), onInner());
    await recorder.settle();
    return made;
}

test("is two networks, the volumes of the host's and the routes of the API's servers, on the inner daemon", async () => {
    await platform();
    expect(recorder.below("platform")).toEqual([
        "docker:index/network:Network platform-closed",
        "docker:index/network:Network platform-egress",
        "docker:index/volume:Volume platform-client-certs",
        "docker:index/volume:Volume platform-logs",
        "docker:index/volume:Volume platform-routes",
        "docker:index/volume:Volume platform-shared",
    ]);
    const below = recorder.all.filter(({ name }) => name.startsWith("platform-"));
    expect(below.map(({ provider }) => provider)).toEqual(Array(6).fill("inner"));
    expect(below.every(({ options }) => options.deleteBeforeReplace)).toBe(true);
});

test("no network lets its containers talk to each other; only egress has address translation", async () => {
    await platform();
    expect(recorder.one("Network", "platform-closed").inputs.options).toEqual({
        "com.docker.network.bridge.enable_icc": "false",
        "com.docker.network.bridge.enable_ip_masquerade": "false",
    });
    expect(recorder.one("Network", "platform-egress").inputs.options).toEqual({
        "com.docker.network.bridge.enable_icc": "false",
    });
});

test("networks have the subnets of the plan", async () => {
    await platform({ innerPool: "10.200.0.0/16" });
    expect(recorder.one("Network", "platform-closed").inputs).toMatchObject({
        name: "mcp-closed",
        ipamConfigs: [{ subnet: "10.200.1.0/24", gateway: "10.200.1.1" }],
    });
    expect(recorder.one("Network", "platform-egress").inputs).toMatchObject({
        name: "mcp-egress",
        ipamConfigs: [{ subnet: "10.200.2.0/24", gateway: "10.200.2.1" }],
    });
});

test("the volumes are the folders where the orchestrator has the host's volumes", async () => {
    const { volumes } = await platform();
    expect(recorder.one("Volume", "platform-shared").inputs).toMatchObject({
        name: "mcp-shared-data",
        driver: "local",
        driverOpts: { type: "none", o: "bind", device: "/data/shared" },
    });
    expect(await valueOf(volumes.shared)).toBe("mcp-shared-data");
    expect(recorder.one("Volume", "platform-logs").inputs).toMatchObject({
        name: "mcp-logs",
        driverOpts: { type: "none", o: "bind", device: "/var/log/mcp" },
    });
    expect(recorder.one("Volume", "platform-client-certs").inputs).toMatchObject({
        name: "mcp-docker-certs-client",
        driverOpts: { type: "none", o: "bind", device: "/certs/client" },
    });
});

test("outputs are the names of the networks", async () => {
    const { closedNetwork, egressNetwork } = await platform();
    expect(await valueOf(closedNetwork)).toBe("mcp-closed");
    expect(await valueOf(egressNetwork)).toBe("mcp-egress");
});
