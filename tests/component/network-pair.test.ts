import { NetworkPair } from "../../components/network-pair";
import { labelsOf } from "../support/docker";
import { onHost, stackContext } from "../support/fixtures";
import { startMocks, valueOf, type Recorder } from "../../cli/graph/mocks";

let recorder: Recorder;

beforeEach(async () => {
    recorder = await startMocks();
});

async function pair(config: Record<string, string> = {}): Promise<NetworkPair> {
    const networks = new NetworkPair("networks", stackContext(config), onHost());
    await recorder.settle();
    return networks;
}

test("is exactly two networks, on the host", async () => {
    await pair();
    expect(recorder.below("networks")).toEqual([
        "docker:index/network:Network networks-internal",
        "docker:index/network:Network networks-main",
    ]);
    expect(recorder.ofKind("Network").map(({ provider }) => provider)).toEqual(["host", "host"]);
});

test("main: a bridge with its gateway said; only the other one has no route out", async () => {
    await pair();
    const main = recorder.one("Network", "networks-main");
    expect(main.inputs).toMatchObject({
        name: "sutazai-main",
        driver: "bridge",
        ipamConfigs: [{ subnet: "10.89.0.0/24", gateway: "10.89.0.1" }],
    });
    expect(main.inputs).not.toHaveProperty("internal");
    expect(recorder.one("Network", "networks-internal").inputs).toMatchObject({
        name: "sutazai-dind-internal",
        driver: "bridge",
        internal: true,
        ipamConfigs: [{ subnet: "172.30.0.0/16", gateway: "172.30.0.1" }],
    });
});

test("names and subnets follow the stack", async () => {
    await pair({ namePrefix: "second-", mainSubnet: "10.1.0.0/24", internalSubnet: "10.2.0.0/24" });
    expect(recorder.one("Network", "networks-main").inputs).toMatchObject({
        name: "second-sutazai-main",
        ipamConfigs: [{ subnet: "10.1.0.0/24", gateway: "10.1.0.1" }],
    });
    expect(recorder.one("Network", "networks-internal").inputs).toMatchObject({
        name: "second-sutazai-dind-internal",
        ipamConfigs: [{ subnet: "10.2.0.0/24", gateway: "10.2.0.1" }],
    });
});

test("outputs are the names; both carry the stack's labels and are deleted before they are replaced", async () => {
    const networks = await pair();
    expect(await valueOf(networks.main)).toBe("sutazai-main");
    expect(await valueOf(networks.internal)).toBe("sutazai-dind-internal");
    for (const network of recorder.ofKind("Network")) {
        expect(labelsOf(network)).toMatchObject({ "mcp.managed": "true", "mcp.stack": "test" });
        expect(network.options.deleteBeforeReplace).toBe(true);
    }
});
