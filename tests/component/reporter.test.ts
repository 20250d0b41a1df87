import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";

import { externalConsul, type ConsulAccess } from "../../components/consul-access";
import { Reporter } from "../../components/reporter";
import { containerInputs, uploadTo } from "../support/docker";
import { IMAGE, hostParts, onHost, stackContext } from "../support/fixtures";
import { isSecretInput, startMocks, type Recorded, type Recorder } from "../support/mocks";

let recorder: Recorder;

beforeEach(async () => {
    recorder = await startMocks();
});

const TOKENS = {
    registrar: pulumi.secret("registrar-token"),
    reporter: pulumi.secret("its-token"),
};
const EXTERNAL = externalConsul(
    {
        mode: "external",
        address: "consul.example.com:8501",
        scheme: "https",
        datacenter: "east",
        ca: "PEM of the CA",
    },
    TOKENS,
);

async function reporter(consul: ConsulAccess, config = {}): Promise<Recorded> {
    const [context, opts] = [stackContext(config), onHost()];
    const { networks } = hostParts(context, opts);
    const args = {
        ...{ context, image: IMAGE, networks, consul, daemonCa: "PEM of the daemon's CA" },
        mcpToken: pulumi.secret("its-mcp-token"),
    };
    new Reporter("reporter", args, opts);
    await recorder.settle();
    return recorder.one("Container", "reporter-container");
}

const envs = (container: Recorded): string[] => containerInputs(container).envs;

test("runs confined outside the orchestrator, on sutazai-main alone, without a port", async () => {
    const container = await reporter(EXTERNAL);
    expect(container.provider).toBe("host");
    expect(container.inputs).toMatchObject({
        name: "sutazai-mcp-reporter",
        user: "1001:1001",
        capabilities: { drops: ["ALL"] },
        securityOpts: ["no-new-privileges"],
        memory: 192,
        memorySwap: 192,
        ports: [],
        wait: true,
    });
    expect(containerInputs(container).networksAdvanced).toEqual([
        { name: "sutazai-main", ipv4Address: "10.89.0.7" },
    ]);
});

test("knows the node, its own service, and an external Consul with its CA and datacenter", async () => {
    const container = await reporter(EXTERNAL, { namePrefix: "team-" });
    expect(envs(container)).toEqual([
        "REPORTER_ADDRESS=10.89.0.7",
        "REPORTER_CONSUL_CA_FILE=/etc/mcp/consul-ca.pem",
        "REPORTER_CONSUL_TOKEN_FILE=/etc/mcp/consul-token",
        "REPORTER_CONSUL_URL=https://consul.example.com:8501",
        "REPORTER_DATACENTER=east",
        "REPORTER_MCP_TOKEN_AT=10.89.0.2:8090",
        "REPORTER_MCP_TOKEN_FILE=/etc/mcp/mcp-token",
        "REPORTER_NODE=team-sutazai-mcp-orchestrator",
        "REPORTER_SERVICE=team-mcp-reporter",
        "REPORTER_TLS_CA_FILE=/etc/mcp/daemon-ca.pem",
    ]);
    expect(uploadTo(container, "/etc/mcp/consul-ca.pem").content).toBe("PEM of the CA");
});

test("has the reporter's token, not the registrar's, as a secret file", async () => {
    const container = await reporter(EXTERNAL);
    expect(uploadTo(container, "/etc/mcp/consul-token")).toMatchObject({
        content: "its-token",
        permissions: "0444",
    });
    expect(uploadTo(container, "/etc/mcp/mcp-token").content).toBe("its-mcp-token");
    expect(isSecretInput(container, "uploads")).toBe(true);
    expect(JSON.stringify(container.inputs)).not.toContain("registrar-token");
});

test("of an own Consul it needs no CA", async () => {
    const container = await reporter({
        address: "127.0.0.1:10006",
        scheme: "http",
        url: "http://10.89.0.5:8500",
        tokens: TOKENS,
        own: {
            container: new docker.Volume("stands-for-consul", {}, onHost()),
            data: new docker.Volume("stands-for-its-data", {}, onHost()),
        },
    });
    expect(envs(container)).toContain("REPORTER_CONSUL_URL=http://10.89.0.5:8500");
    expect(envs(container).join()).not.toContain("REPORTER_CONSUL_CA_FILE");
});
