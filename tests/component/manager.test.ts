import * as pulumi from "@pulumi/pulumi";

import { Manager } from "../../components/manager";
import { containerInputs, labelsOf, uploadTo } from "../support/docker";
import { INNER_BAR, IMAGE, onInner, stackContext } from "../support/fixtures";
import { isSecretInput, startMocks, type Recorded, type Recorder } from "../../cli/graph/mocks";

let recorder: Recorder;

beforeEach(async () => {
    recorder = await startMocks();
});

async function manager(config = {}): Promise<Recorded> {
    new Manager(
        "manager",
        {
            context: stackContext(config),
            image: IMAGE,
            network: pulumi.output("mcp-closed"),
            volumes: { logs: "mcp-logs", clientCerts: "mcp-docker-certs-client" },
            routes: "mcp-routes",
            images: { bridge: pulumi.output("sha256:abc") },
        },
        onInner(),
    );
    await recorder.settle();
    return recorder.one("Container", "manager-container");
}

const envs = (container: Recorded): Record<string, string> =>
    Object.fromEntries(
        containerInputs(container).envs.map((env) => env.split(/=(.*)/s, 2) as [string, string]),
    );

test("lives within the bar on the inner daemon, at its fixed address, without a socket", async () => {
    const container = await manager();
    expect(container.provider).toBe("inner");
    expect(container.inputs).toMatchObject({
        name: "mcp-manager",
        ...INNER_BAR,
        memory: 256,
        memorySwap: 256,
        dns: ["127.0.0.1"],
        volumes: [
            {
                volumeName: "mcp-docker-certs-client",
                containerPath: "/certs/client",
                readOnly: true,
            },
            { volumeName: "mcp-logs", containerPath: "/var/log/mcp" },
            { volumeName: "mcp-routes", containerPath: "/var/lib/mcp-routes" },
            {
                volumeName: "mcp-manager.secrets",
                containerPath: "/run/secrets",
                readOnly: true,
            },
        ],
    });
    expect(containerInputs(container).networksAdvanced).toEqual([
        { name: "mcp-closed", ipv4Address: "10.90.1.250" },
    ]);
    expect(JSON.stringify(container.inputs)).not.toContain("docker.sock");
});

test("is published on the orchestrator's address alone, from where the host's loopback has it", async () => {
    expect(containerInputs(await manager()).ports).toEqual([
        { internal: 8080, external: 8080, ip: "10.89.0.2", protocol: "tcp" },
        { internal: 9090, external: 9090, ip: "10.89.0.2", protocol: "tcp" },
    ]);
});

test("has two tokens of its own as secret files, and none in its environment", async () => {
    const container = await manager();
    const carrier = recorder.one("Container", "manager-secrets-carrier");
    expect(isSecretInput(carrier, "uploads")).toBe(true);
    const tokens = ["read-token", "operate-token"].map(
        (file) => uploadTo(carrier, `/run/secrets/${file}`).content,
    );
    expect(new Set(tokens).size).toBe(2);
    for (const token of tokens) {
        expect(token).toMatch(/^[0-9a-f]{64}$/);
        expect(JSON.stringify(container.inputs)).not.toContain(token);
    }
    expect(uploadTo(carrier, "/run/secrets/images.json").content).toBe('{"bridge":"sha256:abc"}');
    expect(container.options.replaceWith).toHaveLength(1);
});

test("knows the daemon, the names it is asked by, and what decides how servers look", async () => {
    const found = envs(await manager({ namePrefix: "team-", portOffset: "100" }));
    expect(found).toMatchObject({
        MANAGER_DAEMON_URL: "https://10.89.0.2:2376",
        MANAGER_CONSUL_URL: "http://10.89.0.5:8500",
        MANAGER_ALLOWED_HOSTS:
            "10.89.0.2,127.0.0.1,localhost,team-mcp-manager.service.consul,team-sutazai-mcp-orchestrator",
    });
    expect(JSON.parse(found.MANAGER_STACK ?? "")).toEqual({
        stack: "test",
        namePrefix: "team-",
        portOffset: 100,
        bindAddress: "127.0.0.1",
        mainSubnet: "10.89.0.0/24",
        internalSubnet: "172.30.0.0/16",
        innerPool: "10.90.0.0/16",
        postgres: { mode: "managed" },
        orchestrator: { cpus: 4, memoryMb: 4096 },
    });
});

test("sees the own Consul and the edge, nothing of an external Consul, and says so", async () => {
    const own = await manager();
    expect(labelsOf(own)["mcp.egress"]).toBe("10.89.0.5:8500 10.89.0.6:8000");
    expect(envs(own)).toMatchObject({ MANAGER_EDGE_URL: "http://10.89.0.6:8000" });
    recorder = await startMocks();
    const container = await manager({
        consulMode: "external",
        consulAddress: "consul.example.com:8500",
    });
    expect(labelsOf(container)["mcp.egress"]).toBe("10.89.0.6:8000");
    expect(envs(container)).not.toHaveProperty("MANAGER_CONSUL_URL");
});
