import * as pulumi from "@pulumi/pulumi";

import { Edge } from "../../components/edge";
import { isSecretInput, startMocks, type Recorded, type Recorder } from "../../cli/graph/mocks";
import { containerInputs, labelsOf, uploadTo } from "../support/docker";
import { hostParts, IMAGE, onHost, stackContext } from "../support/fixtures";

let recorder: Recorder;

beforeEach(async () => {
    recorder = await startMocks();
});

const PAIR = { cert: "PEM of the certificate", key: pulumi.secret("PEM of the key") };

async function edge(
    config: Readonly<Record<string, string>> = {},
    certificate?: typeof PAIR,
): Promise<Recorded> {
    const [context, opts] = [stackContext(config), onHost()];
    const { networks } = hostParts(context, opts);
    new Edge("edge", { context, image: IMAGE, networks, certificate }, opts);
    await recorder.settle();
    return recorder.one("Container", "edge-container");
}

const carrier = (): Recorded => recorder.one("Container", "edge-files-carrier");

test.each(["kong", "caddy"])(
    "%s runs confined on sutazai-main, with a read-only root",
    async (program) => {
        const container = await edge({ edge: program });
        expect(container.provider).toBe("host");
        expect(container.inputs).toMatchObject({
            name: "sutazai-mcp-edge",
            user: "10005:10005",
            readOnly: true,
            init: true,
            capabilities: { drops: ["ALL"] },
            securityOpts: ["no-new-privileges"],
            cpuQuota: 100_000,
            ulimits: [{ name: "nproc", soft: 512, hard: 512 }],
            tmpfs: { "/tmp": "rw,nosuid,nodev,noexec,size=64m,mode=1777" },
            restart: "unless-stopped",
            wait: true,
        });
        const { memory, memorySwap } = container.inputs;
        expect(memory).toBeGreaterThan(0);
        expect(memorySwap).toBe(memory);
        expect(container.inputs).not.toHaveProperty("uploads");
        expect(containerInputs(container).networksAdvanced).toEqual([
            { name: "sutazai-main", ipv4Address: "10.89.0.6" },
        ]);
        expect(labelsOf(container)).toMatchObject({
            "mcp.component": "edge",
            "mcp.program": program,
            "mcp.tls": "none",
            "mcp.stack": "test",
        });
    },
);

test("is published on loopback, and elsewhere only where the stack says so", async () => {
    expect(containerInputs(await edge()).ports).toEqual([
        { internal: 8000, external: 10005, ip: "127.0.0.1", protocol: "tcp" },
    ]);
});

test("moves with the stack's offset and prefix, and goes where the stack says", async () => {
    const config = { namePrefix: "team-", portOffset: "100", edgeBindAddress: "192.0.2.1" };
    const container = await edge({ ...config, edgeTls: "own" }, PAIR);
    expect(container.inputs.name).toBe("team-sutazai-mcp-edge");
    expect(containerInputs(container).ports).toEqual([
        { internal: 8000, external: 10105, ip: "192.0.2.1", protocol: "tcp" },
    ]);
    expect(carrier().inputs.name).toBe("team-sutazai-mcp-edge.secrets");
});

test("its files come on a volume by a container that never runs, and new ones make it anew", async () => {
    const container = await edge({ edgeTls: "own" }, PAIR);
    expect(carrier().inputs).toMatchObject({ start: false, mustRun: false, networkMode: "none" });
    expect(isSecretInput(carrier(), "uploads")).toBe(true);
    const [mount] = containerInputs(container).volumes ?? [];
    expect(containerInputs(container).volumes).toHaveLength(1);
    expect(mount).toEqual({
        volumeName: "sutazai-mcp-edge.secrets",
        containerPath: "/etc/edge",
        readOnly: true,
    });
    expect(uploadTo(carrier(), "/run/secrets/cert.pem").content).toBe("PEM of the certificate");
    expect(uploadTo(carrier(), "/run/secrets/key.pem").content).toBe("PEM of the key");
    expect(JSON.stringify(container.inputs)).not.toContain("PEM of the key");
    expect(container.options.replaceWith).toEqual([
        "docker:index/container:Container::edge-files-carrier",
    ]);
});

test("Caddy is started with its own file, in front of the gateway's port on the orchestrator", async () => {
    const container = await edge({ edge: "caddy" });
    expect(container.inputs.command).toEqual([
        "caddy",
        "run",
        "--config",
        "/etc/edge/Caddyfile",
        "--adapter",
        "caddyfile",
    ]);
    const { content } = uploadTo(carrier(), "/run/secrets/Caddyfile");
    expect(content).toContain("to 10.89.0.2:8090");
    expect(content).toContain("read_timeout 3600s");
    expect(container.inputs.healthcheck).toMatchObject({
        tests: [
            "CMD",
            "wget",
            "-q",
            "-T",
            "4",
            "-O",
            "/dev/null",
            "http://127.0.0.1:8100/status/ready",
        ],
    });
});

test("Kong keeps its image's command, and has no admin API and no database", async () => {
    const container = await edge({ edge: "kong", edgeRequestsPerMinute: "120" });
    expect(container.inputs).not.toHaveProperty("command");
    expect(containerInputs(container).envs).toEqual(
        expect.arrayContaining([
            "KONG_ADMIN_LISTEN=off",
            "KONG_DATABASE=off",
            "KONG_DECLARATIVE_CONFIG=/etc/edge/kong.yml",
            "KONG_PREFIX=/tmp/kong",
            "KONG_PROXY_LISTEN=0.0.0.0:8000",
        ]),
    );
    const { content } = uploadTo(carrier(), "/run/secrets/kong.yml");
    expect(content).toContain("target: 10.89.0.2:8090");
    expect(content).toContain("minute: 120");
    expect(content).toContain("read_timeout: 3600000");
});

test("TLS without a certificate, and a certificate without TLS, are our own mistakes", async () => {
    await expect(edge({ edgeTls: "own" })).rejects.toThrow(/certificate exactly when/);
    await expect(edge({}, PAIR)).rejects.toThrow(/certificate exactly when/);
});
