import type * as pulumi from "@pulumi/pulumi";

import { Consul } from "../../components/consul";
import { containerInputs, uploadTo } from "../support/docker";
import { IMAGE, hostParts, onHost, stackContext } from "../support/fixtures";
import {
    isSecret,
    isSecretInput,
    startMocks,
    valueOf,
    type Recorded,
    type Recorder,
} from "../support/mocks";

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const START = "#!/bin/sh\nexec consul agent\n";

let recorder: Recorder;

beforeEach(async () => {
    recorder = await startMocks();
});

async function consul(
    config: Record<string, string> = {},
): Promise<{ component: Consul; container: Recorded }> {
    const [context, opts] = [stackContext(config), onHost()];
    const { networks } = hostParts(context, opts);
    const component = new Consul("consul", { context, image: IMAGE, networks, start: START }, opts);
    await recorder.settle();
    return { component, container: recorder.one("Container", "consul-container") };
}

const file = (container: Recorded, name: string): string =>
    uploadTo(container, `/etc/mcp/${name}`).content;
const tokens = (container: Recorded): string[] => [
    file(container, "management-token"),
    ...["agent", "registrar", "reporter"].map((role) => file(container, `tokens/${role}`)),
];

/** What the agent is configured with. */
interface AgentConfig {
    readonly acl: { readonly tokens: Readonly<Record<string, string>> };
    readonly encrypt: string;
}

function agent(container: Recorded): AgentConfig & Readonly<Record<string, unknown>> {
    return JSON.parse(file(container, "consul.json")) as ReturnType<typeof agent>;
}

test("is a container, its volume and one seed, on the host", async () => {
    await consul();
    expect(recorder.below("consul")).toEqual([
        "docker:index/container:Container consul-container",
        "docker:index/volume:Volume consul-data",
        "tls:index/privateKey:PrivateKey consul-seed",
    ]);
});

test("runs confined as the upstream image's user, waits for its ACLs, and keeps its data", async () => {
    const { container } = await consul();
    expect(container.inputs).toMatchObject({
        name: "sutazai-mcp-consul",
        image: IMAGE,
        user: "100:1000",
        entrypoints: ["/etc/mcp/mcp-consul"],
        capabilities: { drops: ["ALL"] },
        securityOpts: ["no-new-privileges"],
        memory: 256,
        memorySwap: 256,
        wait: true,
    });
    const { healthcheck, volumes } = containerInputs(container);
    expect(healthcheck?.tests).toEqual(["CMD", "/etc/mcp/mcp-consul", "health"]);
    expect(volumes).toEqual([{ volumeName: "mcp-consul-data", containerPath: "/consul/data" }]);
});

test("publishes its HTTP API on loopback alone, and has its fixed address on sutazai-main", async () => {
    const { container } = await consul({ portOffset: "100" });
    expect(container.inputs.ports).toEqual([
        { internal: 8500, external: 10106, ip: "127.0.0.1", protocol: "tcp" },
    ]);
    expect(containerInputs(container).networksAdvanced).toEqual([
        { name: "sutazai-main", ipv4Address: "10.89.0.5" },
    ]);
});

test("is closed: ACLs deny, gossip is encrypted, and what is not needed is off", async () => {
    const config = agent((await consul()).container);
    expect(config).toMatchObject({
        server: true,
        bootstrap_expect: 1,
        bind_addr: "10.89.0.5",
        acl: { enabled: true, default_policy: "deny" },
        connect: { enabled: false },
        ui_config: { enabled: false },
        ports: { grpc: -1, grpc_tls: -1, serf_wan: -1 },
    });
    expect(config).not.toHaveProperty("enable_script_checks");
    expect(config).not.toHaveProperty("enable_local_script_checks");
    expect(Buffer.from(config.encrypt, "base64")).toHaveLength(32);
});

test("every token is a UUID of its own, the same in every run, and in the place that needs it", async () => {
    const { container } = await consul();
    const made = tokens(container);
    for (const token of made) expect(token).toMatch(UUID);
    expect(new Set(made).size).toBe(made.length);
    const { initial_management, agent: own } = agent(container).acl.tokens;
    expect([initial_management, own]).toEqual(made.slice(0, 2));
    recorder = await startMocks();
    expect(tokens((await consul()).container)).toEqual(made);
});

test("every file is readable to its user, the start script can run, and all are secret", async () => {
    const { container } = await consul();
    const modes = containerInputs(container).uploads.map(({ file: path, permissions }) => [
        path.replace("/etc/mcp/", ""),
        permissions,
    ]);
    expect(Object.fromEntries(modes)).toEqual({
        "mcp-consul": "0555",
        "consul.json": "0444",
        "management-token": "0444",
        "tokens/agent": "0444",
        "tokens/registrar": "0444",
        "tokens/reporter": "0444",
        "policies/agent.hcl": "0444",
        "policies/anonymous.hcl": "0444",
        "policies/registrar.hcl": "0444",
        "policies/reporter.hcl": "0444",
    });
    expect(file(container, "mcp-consul")).toBe(START);
    expect(isSecretInput(container, "uploads")).toBe(true);
    const { uploads, ...visible } = container.inputs;
    expect(uploads).toBeDefined();
    for (const token of tokens(container)) expect(JSON.stringify(visible)).not.toContain(token);
});

test("says how it is reached from the host and from sutazai-main, tokens as secrets", async () => {
    const { component, container } = await consul({ portOffset: "100" });
    const { access } = component;
    expect(await valueOf(access.address as pulumi.Output<string>)).toBe("127.0.0.1:10106");
    expect(access).toMatchObject({
        scheme: "http",
        datacenter: "dc1",
        url: "http://10.89.0.5:8500",
    });
    expect(agent(container).datacenter).toBe("dc1");
    for (const role of ["registrar", "reporter"] as const) {
        expect(await valueOf(access.tokens[role])).toBe(file(container, `tokens/${role}`));
        expect(await isSecret(access.tokens[role])).toBe(true);
    }
    expect(access.own).toBeDefined();
});
