import * as pulumi from "@pulumi/pulumi";

import { EGRESS_COMPANION_TYPE, EgressCompanion } from "../../components/egress-companion";
import { EGRESS_LIMITS } from "../../config/egress/plan";
import { containerInputs, labelsOf } from "../support/docker";
import { INNER_BAR, manifest, onInner, stackContext } from "../support/fixtures";
import { startMocks, valueOf, type Recorded, type Recorder } from "../../cli/graph/mocks";

const IMAGE_ID = `sha256:${"3c".repeat(32)}`;

let recorder: Recorder;

beforeEach(async () => {
    recorder = await startMocks();
});

async function companion(
    egress: readonly string[],
    config: Readonly<Record<string, string>> = {},
): Promise<{ component: EgressCompanion; container: Recorded; link: Recorded }> {
    const component = new EgressCompanion(
        "demo-egress",
        {
            context: stackContext(config),
            server: manifest({ egress }),
            image: IMAGE_ID,
            network: pulumi.output("mcp-egress"),
        },
        onInner(),
    );
    await recorder.settle();
    const container = recorder.one("Container", "demo-egress-container");
    return { component, container, link: recorder.one("Network", "demo-egress-link") };
}

test("lives within the bar, with the limits it was measured in", async () => {
    const { container } = await companion(["*:443"]);
    expect(container.provider).toBe("inner");
    expect(container.parent).toBe(`${EGRESS_COMPANION_TYPE}::demo-egress`);
    expect(container.inputs).toMatchObject({
        name: "mcp-egress-demo",
        ...INNER_BAR,
        memory: EGRESS_LIMITS.memoryMb,
        memorySwap: EGRESS_LIMITS.memoryMb,
        cpuQuota: EGRESS_LIMITS.cpus * 100_000,
        ports: [],
        volumes: [],
    });
    expect(containerInputs(container).envs).toContain(`MCP_PIDS_LIMIT=${EGRESS_LIMITS.pids}`);
    expect(labelsOf(container)).toMatchObject({
        "mcp.component": "egress",
        "mcp.server": "demo",
        "mcp.egress": "*:443",
    });
});

test("is on the network with a way out, which sorts first, and on its server's link by the names of its targets", async () => {
    const { container } = await companion(["*:443", "postgres:5432", "10.0.0.5:6432"]);
    const { networksAdvanced } = containerInputs(container);
    expect(networksAdvanced).toEqual([
        { name: "mcp-egress" },
        { name: "mcp-link-demo", aliases: ["egress", "postgres"] },
    ]);
    // Docker takes the default route from the first one by name.
    const names = networksAdvanced.map(({ name }) => name);
    expect([...names].sort()).toEqual(names);
});

test("its link has no way out, and a subnet that Docker chooses", async () => {
    const { link, component } = await companion(["*:443"]);
    expect(link.inputs).toMatchObject({
        name: "mcp-link-demo",
        driver: "bridge",
        options: { "com.docker.network.bridge.enable_ip_masquerade": "false" },
    });
    expect(link.inputs).not.toHaveProperty("ipamConfigs");
    expect(await valueOf(component.link)).toBe("mcp-link-demo");
});

test("runs what the list takes: the proxy, the forwarder or both", async () => {
    const programs = async (egress: readonly string[]): Promise<string[]> => {
        recorder = await startMocks();
        const { envs } = containerInputs((await companion(egress)).container);
        return envs.flatMap((env) => /^(EGRESS_\w+)=/.exec(env)?.[1] ?? []);
    };
    expect(await programs(["*:443"])).toEqual(["EGRESS_SQUID_CONF"]);
    expect(await programs(["postgres:5432"])).toEqual(["EGRESS_HAPROXY_CFG"]);
    const both = ["EGRESS_HAPROXY_CFG", "EGRESS_SQUID_CONF"];
    expect(await programs(["*:443", "postgres:5432"])).toEqual(both);
});

test("knows the managed database where it is declared, and no other stack's", async () => {
    const hosts = async (
        egress: readonly string[],
        config: Readonly<Record<string, string>> = {},
    ): Promise<unknown> => {
        recorder = await startMocks();
        return containerInputs((await companion(egress, config)).container).hosts;
    };
    expect(await hosts(["postgres:5432"])).toEqual([{ host: "postgres", ip: "172.30.0.10" }]);
    expect(await hosts(["example.com:443"])).toEqual([]);
    expect(await hosts(["postgres:5432"], { postgresMode: "external" })).toEqual([]);
});
