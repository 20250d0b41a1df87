import { Orchestrator } from "../../components/orchestrator";
import { INNER_RUNTIME } from "../../config/defaults";
import { MAX_STOP_GRACE_SECONDS, PORTS } from "../../config/defaults";
import { containerInputs, labelsOf, uploadTo } from "../support/docker";
import { IMAGE, hostParts, manifest, onHost, stackContext } from "../support/fixtures";
import { mockPrivateKey } from "../../cli/graph/mock-outputs";
import {
    isSecretInput,
    startMocks,
    valueOf,
    type Recorded,
    type Recorder,
} from "../../cli/graph/mocks";

const SCRIPTS = { entrypoint: "#!/bin/sh\nexec entry\n", runtime: "#!/bin/sh\nexec runc\n" };

let recorder: Recorder;

beforeEach(async () => {
    recorder = await startMocks();
});

async function orchestrator(
    config: Record<string, string> = {},
): Promise<{ component: Orchestrator; container: Recorded }> {
    const [context, opts] = [stackContext(config), onHost()];
    const args = { context, image: IMAGE, scripts: SCRIPTS, ...hostParts(context, opts) };
    const component = new Orchestrator("orchestrator", args, opts);
    await recorder.settle();
    return { component, container: recorder.one("Container", "orchestrator-container") };
}

test("is exactly one container, on the host, and the only one there", async () => {
    const { container } = await orchestrator();
    expect(recorder.below("orchestrator")).toEqual([
        "docker:index/container:Container orchestrator-container",
    ]);
    expect(recorder.ofKind("Container")).toEqual([container]);
    expect(container.provider).toBe("host");
    expect(container.inputs).toMatchObject({ name: "sutazai-mcp-orchestrator", image: IMAGE });
});

test("is privileged, with the limits of the stack", async () => {
    const { container } = await orchestrator({
        orchestratorCpus: "2",
        orchestratorMemoryMb: "1024",
    });
    expect(container.inputs).toMatchObject({
        privileged: true,
        memory: 1024,
        memorySwap: 1024,
        cpuQuota: 200_000,
    });
    expect(container.inputs).not.toHaveProperty("capabilities");
});

test("has its run-time folders on tmpfs, so that a killed daemon leaves no pid file", async () => {
    const { container } = await orchestrator();
    expect(container.inputs.tmpfs).toEqual({
        "/run": expect.stringContaining("exec") as string,
        "/tmp": expect.any(String) as string,
    });
});

test("has fixed addresses on both networks", async () => {
    const { container } = await orchestrator();
    expect(containerInputs(container).networksAdvanced).toEqual([
        { name: "sutazai-main", ipv4Address: "10.89.0.2" },
        { name: "sutazai-dind-internal", ipv4Address: "172.30.0.2" },
    ]);
});

test("mounts the five volumes and nothing of the host, above all not its Docker socket", async () => {
    const { container } = await orchestrator();
    expect(containerInputs(container).volumes).toEqual([
        { volumeName: "mcp-orchestrator-data", containerPath: "/var/lib/docker" },
        { volumeName: "mcp-docker-certs-ca", containerPath: "/certs/ca" },
        { volumeName: "mcp-docker-certs-client", containerPath: "/certs/client" },
        { volumeName: "mcp-shared-data", containerPath: "/data/shared" },
        { volumeName: "mcp-logs", containerPath: "/var/log/mcp" },
    ]);
    expect(container.inputs).not.toHaveProperty("mounts");
    expect(JSON.stringify(container.inputs)).not.toContain("docker.sock");
});

test("health is an answer of the daemon, and is asked without the start interval an old daemon refuses", async () => {
    const { container } = await orchestrator();
    expect(containerInputs(container).healthcheck?.tests).toEqual(
        expect.arrayContaining(["CMD", "docker", "version"]),
    );
    expect(container.inputs.healthcheck).not.toHaveProperty("startInterval");
    expect(container.inputs).toMatchObject({ wait: true, mustRun: true });
});

test("the daemon keeps to the address plan and starts containers with our runtime, without privileges", async () => {
    const { container } = await orchestrator({ innerPool: "10.200.0.0/16" });
    expect(container.inputs.command).toEqual(
        expect.arrayContaining([
            `--add-runtime=${INNER_RUNTIME}=/usr/local/bin/mcp-runc`,
            `--default-runtime=${INNER_RUNTIME}`,
            "--bip=10.200.0.1/24",
            "--default-address-pool=base=10.200.192.0/18,size=28",
            "--icc=false",
            "--no-new-privileges",
        ]),
    );
    expect(container.inputs.entrypoints).toEqual(["/usr/local/bin/mcp-entrypoint"]);
});

test("labels say what it is and of which stack", async () => {
    const { container } = await orchestrator();
    expect(labelsOf(container)).toMatchObject({
        "mcp.stack": "test",
        "mcp.component": "orchestrator",
    });
});

describe("stop grace", () => {
    test("is longer than the longest an inner container is meant to have", async () => {
        const { container } = await orchestrator();
        const { destroyGraceSeconds, stopTimeout } = containerInputs(container);
        expect(destroyGraceSeconds).toBeGreaterThan(MAX_STOP_GRACE_SECONDS);
        expect(stopTimeout).toBe(destroyGraceSeconds);
    });

    test("no manifest may have one as long as that", () => {
        expect(() => manifest({ stopGrace: "10m" })).toThrow(/stopGrace/);
    });
});

describe("TLS material", () => {
    const KEYS = {
        "/certs/server/key.pem": "tls-server-key",
        "/certs/client/key.pem": "tls-client-key",
    };

    test("keys are readable by root alone, and secret", async () => {
        const { container } = await orchestrator();
        for (const [file, key] of Object.entries(KEYS)) {
            expect(uploadTo(container, file)).toMatchObject({
                content: mockPrivateKey(key),
                permissions: "0400",
            });
        }
        containerInputs(container).uploads.forEach((_, index) => {
            expect(isSecretInput(container, `uploads[${String(index)}].content`)).toBe(true);
        });
    });

    test("every other file is a certificate or a script, not writable", async () => {
        const { container } = await orchestrator();
        const others = containerInputs(container).uploads.filter(({ file }) => !(file in KEYS));
        expect(others.map(({ file, permissions }) => [file, permissions])).toEqual([
            ["/usr/local/bin/mcp-entrypoint", "0555"],
            ["/usr/local/bin/mcp-runc", "0555"],
            ["/certs/server/ca.pem", "0444"],
            ["/certs/server/cert.pem", "0444"],
            ["/certs/ca/cert.pem", "0444"],
            ["/certs/client/ca.pem", "0444"],
            ["/certs/client/cert.pem", "0444"],
        ]);
        for (const { content } of others) expect(content).not.toContain("PRIVATE KEY");
    });

    test("server and client each have their own, and the CA certificate is one", async () => {
        const { component, container } = await orchestrator();
        const content = (file: string): string => uploadTo(container, file).content;
        expect(content("/certs/server/cert.pem")).not.toBe(content("/certs/client/cert.pem"));
        expect(content("/certs/ca/cert.pem")).toBe(content("/certs/server/ca.pem"));
        expect(content("/certs/client/ca.pem")).toBe(content("/certs/server/ca.pem"));
        expect(await valueOf(component.apiUrl)).toBe("tcp://127.0.0.1:12376");
    });

    test("the CA's key is nowhere in it", async () => {
        const { container } = await orchestrator();
        expect(JSON.stringify(container.inputs)).not.toContain(
            JSON.stringify(mockPrivateKey("tls-ca-key")).slice(1, -1),
        );
        const files = containerInputs(container).uploads.map(({ file }) => file);
        expect(files).not.toContain("/certs/ca/key.pem");
    });

    test("the check above would see it", async () => {
        const { container } = await orchestrator();
        expect(JSON.stringify(container.inputs)).toContain(
            JSON.stringify(mockPrivateKey("tls-server-key")).slice(1, -1),
        );
    });
});

describe("published ports", () => {
    const ports = async (
        config: Record<string, string> = {},
    ): Promise<{ internal: number; external: number; ip: string }[]> =>
        containerInputs((await orchestrator(config)).container).ports;

    test("are TLS API, management and metrics, on loopback only", async () => {
        expect(await ports()).toEqual([
            { internal: 2376, external: 12376, ip: "127.0.0.1", protocol: "tcp" },
            { internal: 8080, external: 18080, ip: "127.0.0.1", protocol: "tcp" },
            { internal: 9090, external: 19090, ip: "127.0.0.1", protocol: "tcp" },
        ]);
    });

    test("the plain API is not published unless asked for", async () => {
        const { container } = await orchestrator();
        const { ports: published, envs } = containerInputs(container);
        expect(published.map(({ internal }) => internal)).not.toContain(2375);
        expect(published.map(({ external }) => external)).not.toContain(12375);
        expect(envs).toEqual([
            "DOCKER_DRIVER=overlay2",
            "DOCKER_TLS_CERTDIR=/certs",
            "MCP_CLOSED_SUBNET=10.90.1.0/24",
            "MCP_EGRESS_SUBNET=10.90.2.0/24",
            "MCP_LINK_SUBNETS=10.90.192.0/18",
            "MCP_MANAGER=10.90.1.250",
            "MCP_MANAGER_SEES=10.89.0.5:8500 10.89.0.6:8000",
            "MCP_PEERS=10.90.1.250 10.90.1.251",
            "MCP_POOL=10.90.0.0/16",
        ]);
    });

    test("the plain API is published on loopback when asked for", async () => {
        expect(await ports({ plainApi: "true" })).toContainEqual({
            internal: PORTS.dockerPlain.container,
            external: PORTS.dockerPlain.host,
            ip: "127.0.0.1",
            protocol: "tcp",
        });
    });

    test("servers are published as the range, whatever servers there are", async () => {
        const range = (await ports({ publishServers: "13001-13004" })).filter(
            ({ internal }) => internal > 13000,
        );
        expect(range.map(({ internal, external }) => [internal, external])).toEqual([
            [13001, 13001],
            [13002, 13002],
            [13003, 13003],
            [13004, 13004],
        ]);
    });

    test("move with the stack's offset and address, outside only; the API's address with them", async () => {
        const config = {
            portOffset: "100",
            bindAddress: "127.0.0.5",
            publishServers: "13001-13001",
        };
        const { component, container } = await orchestrator(config);
        const { ports: published } = containerInputs(container);
        expect(published.map(({ internal, external }) => [internal, external])).toEqual([
            [2376, 12476],
            [8080, 18180],
            [9090, 19190],
            [13001, 13101],
        ]);
        expect(new Set(published.map(({ ip }) => ip))).toEqual(new Set(["127.0.0.5"]));
        expect(await valueOf(component.apiUrl)).toBe("tcp://127.0.0.5:12476");
    });

    test.each(["0.0.0.0", "10.0.0.1", "::", "192.168.1.2"])("%s is refused", (bindAddress) => {
        expect(() => stackContext({ bindAddress })).toThrow(/bindAddress: .* loopback/);
    });
});
