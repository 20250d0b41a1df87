import * as pulumi from "@pulumi/pulumi";

import { McpServer, type McpServerArgs } from "../../components/mcp-server";
import type { ServerManifest } from "../../config/manifest";
import { healthTest } from "../../config/server-health";
import { containerInputs, labelsOf } from "../support/docker";
import { INNER_BAR, IMAGE, manifest, onInner, stackContext } from "../support/fixtures";
import {
    isSecretInput,
    startMocks,
    valueOf,
    type Recorded,
    type Recorder,
} from "../../cli/graph/mocks";

const IMAGE_ID = `sha256:${"3c".repeat(32)}`;
const SECRET = "postgres://reader:s3cret-in-clear@postgres:5432/mcp";

let recorder: Recorder;

beforeEach(async () => {
    recorder = await startMocks();
});

async function server(
    spec: Record<string, unknown> = {},
    args: Partial<McpServerArgs> = {},
): Promise<{ component: McpServer; container: Recorded; manifest: ServerManifest }> {
    const parsed = manifest(spec);
    const full = {
        context: stackContext(),
        manifest: parsed,
        image: IMAGE_ID,
        network: pulumi.output("mcp-closed"),
        volumes: { shared: pulumi.output("mcp-shared-data") },
        secrets: { dsn: pulumi.secret(SECRET) },
        ...args,
    };
    const component = new McpServer("demo", full, onInner());
    await recorder.settle();
    return { component, container: recorder.one("Container", "demo-container"), manifest: parsed };
}

describe("the bar", () => {
    test("is said in full, and nothing besides it", async () => {
        const { container, manifest: parsed } = await server({
            resources: { cpus: 0.25, memory: "128Mi", pids: 64 },
            stopGrace: "15s",
        });
        const { labels, ...inputs } = container.inputs;
        expect(inputs).toEqual({
            name: "demo",
            image: IMAGE_ID,
            command: ["node", "server.mjs"],
            envs: [
                "MCP_ALLOWED_HOSTS=10.89.0.2,127.0.0.1,172.30.0.2,demo,demo.service.consul,localhost,sutazai-mcp-orchestrator",
                "MCP_PATH=/mcp",
                "MCP_PIDS_LIMIT=64",
                "MCP_PORT=3000",
            ],
            ...INNER_BAR,
            hostname: "demo",
            memory: 128,
            memorySwap: 128,
            cpuPeriod: 100_000,
            cpuQuota: 25_000,
            tmpfs: { "/tmp": "rw,nosuid,nodev,noexec,size=64m,mode=1777" },
            logDriver: "json-file",
            logOpts: { "max-file": "3", "max-size": "10m" },
            ports: [],
            networksAdvanced: [{ name: "mcp-closed" }],
            dns: ["127.0.0.1"],
            hosts: [],
            volumes: [],
            healthcheck: {
                tests: healthTest(parsed),
                interval: "10s",
                timeout: "5s",
                startPeriod: "1m0s",
                startInterval: "1s",
                retries: 3,
            },
            mustRun: true,
            wait: true,
            waitTimeout: 180,
            destroyGraceSeconds: 15,
            stopTimeout: 15,
        });
        expect(labels).toHaveLength(11);
    });

    test("never gives way: no privileges, no device, no mount of the host, no network of the host", async () => {
        const { container } = await server();
        for (const key of [
            "privileged",
            "devices",
            "mounts",
            "networkMode",
            "pidMode",
            "ipcMode",
        ]) {
            expect(container.inputs).not.toHaveProperty(key);
        }
    });

    test("cannot be loosened by a manifest", () => {
        for (const key of ["privileged", "user", "readOnly", "capabilities", "network", "ports"]) {
            expect(() => manifest({ [key]: true })).toThrow(`spec.${key}`);
        }
    });
});

test("is one container, on the inner daemon, when it has no secrets", async () => {
    const { container } = await server();
    expect(recorder.below("demo")).toEqual(["docker:index/container:Container demo-container"]);
    expect(container.provider).toBe("inner");
    expect(container.parent).toBe("mcp:inner:Server::demo");
});

test("labels are the manifest's and the stack's", async () => {
    const parsed = manifest({ egress: ["*:443", "api.example.com:80"] }, { labels: { team: "a" } });
    const { container } = await server({}, { manifest: parsed });
    expect(labelsOf(container)).toEqual({
        team: "a",
        "mcp.managed": "true",
        "mcp.managed-by": "sutazai-mcp",
        "mcp.manifest-file": "manifests/demo.yml",
        "mcp.path": "/mcp",
        "mcp.port": "13005",
        "mcp.stack": "test",
        "mcp.component": "server",
        "mcp.server": "demo",
        "mcp.manifest-hash": parsed.hash,
        "mcp.protocol": "streamable-http",
        "mcp.egress": "*:443 api.example.com:80",
    });
});

test("a server without egress says so", async () => {
    expect(labelsOf((await server()).container)["mcp.egress"]).toBe("none");
});

test("an image by digest runs its own command", async () => {
    const { container } = await server({ image: IMAGE }, { image: IMAGE });
    expect(container.inputs.image).toBe(IMAGE);
    expect(container.inputs).not.toHaveProperty("command");
});

test("publishes no port: it listens where its manifest says, and is reached at the gateway", async () => {
    const transport = { path: "/rpc", containerPort: 4000 };
    const { component, container } = await server({ port: 13009, transport });
    expect(containerInputs(container)).toMatchObject({
        ports: [],
        envs: expect.arrayContaining(["MCP_PORT=4000", "MCP_PATH=/rpc"]) as string[],
    });
    expect(await valueOf(component.url)).toBe("http://10.89.0.2:8090/servers/demo/mcp");
});

test("a manifest's environment does not override what the stack decides", async () => {
    const { container } = await server({ environment: { MCP_PORT: "1", LEVEL: "debug" } });
    const { envs } = containerInputs(container);
    expect(envs).toContain("LEVEL=debug");
    expect(envs.filter((env) => env.startsWith("MCP_PORT="))).toEqual(["MCP_PORT=3000"]);
});

test("volumes are mounted where and how the manifest says", async () => {
    const { container } = await server({
        volumes: [
            { source: "shared", path: "/data", readOnly: true },
            { source: "shared", path: "/work" },
        ],
    });
    expect(containerInputs(container).volumes).toEqual([
        { volumeName: "mcp-shared-data", containerPath: "/data", readOnly: true },
        { volumeName: "mcp-shared-data", containerPath: "/work", readOnly: false },
    ]);
});

describe("secrets", () => {
    const SPEC = { secrets: [{ name: "dsn", from: "postgres.dsn" }] };

    test("come as files on a volume, mounted read-only", async () => {
        const { container } = await server(SPEC);
        expect(containerInputs(container).volumes).toEqual([
            { volumeName: "demo.secrets", containerPath: "/run/secrets", readOnly: true },
        ]);
        expect(recorder.below("demo")).toEqual([
            "docker:index/container:Container demo-container",
            "docker:index/container:Container demo-secrets-carrier",
            "docker:index/volume:Volume demo-secrets-volume",
            "mcp:inner:ServerSecrets demo-secrets",
        ]);
    });

    test("are never in environment, labels, command or any other input of the server", async () => {
        const { container, component } = await server(SPEC);
        expect(JSON.stringify(container.inputs)).not.toContain("s3cret-in-clear");
        expect(await valueOf(component.url)).not.toContain("s3cret");
        const itself = recorder.all.find(({ type }) => type === "mcp:inner:Server");
        expect(JSON.stringify(itself?.inputs)).not.toContain("s3cret-in-clear");
    });

    test("are in one place of the whole graph, and secret there", async () => {
        await server(SPEC);
        const holders = recorder.all.filter((resource) =>
            JSON.stringify(resource.inputs).includes("s3cret-in-clear"),
        );
        expect(holders.map(({ name }) => name)).toEqual(["demo-secrets-carrier"]);
        expect(holders.every((holder) => isSecretInput(holder, "uploads[0].content"))).toBe(true);
    });

    test("new ones replace the server, which reads them when it starts", async () => {
        const { container } = await server(SPEC);
        expect(container.options.replaceWith).toEqual([
            "docker:index/container:Container::demo-secrets-carrier",
        ]);
    });

    test("only those of the manifest are handed over", async () => {
        const secrets = { dsn: pulumi.secret(SECRET), other: pulumi.secret("of-another-server") };
        await server(SPEC, { secrets });
        expect(JSON.stringify(recorder.all)).not.toContain("of-another-server");
    });

    test("a missing one is an error that names manifest and secret, not its value", () => {
        const { context, ...rest } = { context: stackContext(), manifest: manifest(SPEC) };
        const args = { ...rest, context, image: IMAGE, network: "n", volumes: {}, secrets: {} };
        expect(() => new McpServer("demo", args, onInner())).toThrow(
            /manifests\/demo\.yml: "dsn" is not known to this stack/,
        );
    });
});

test("a volume the stack does not have is an error that lists those it has", () => {
    const args = {
        context: stackContext(),
        manifest: manifest({ volumes: [{ source: "shared", path: "/data" }] }),
        image: IMAGE,
        network: "n",
        volumes: { scratch: "s" },
        secrets: {},
    };
    expect(() => new McpServer("demo", args, onInner())).toThrow(
        'manifests/demo.yml: "shared" is not known to this stack; known: scratch',
    );
});

describe("health", () => {
    test("times are the manifest's", async () => {
        const health = { interval: "30s", timeout: "10s", retries: 2, startPeriod: "2m" };
        const { container } = await server({ health });
        expect(container.inputs.healthcheck).toMatchObject({
            interval: "30s",
            timeout: "10s",
            startPeriod: "2m0s",
            retries: 2,
        });
    });

    test("behind the bridge /healthz is asked, a native server for its tools: never only a process", async () => {
        const bridged = containerInputs((await server()).container).healthcheck?.tests;
        expect(bridged?.at(-1)).toBe("http://127.0.0.1:3000/healthz");
        recorder = await startMocks();
        const spec = { build: "dbhub", command: ["node", "start.mjs"] };
        const native = containerInputs((await server(spec)).container).healthcheck?.tests;
        expect(native?.join(" ")).toContain("tools/list");
    });

    test("a check of the manifest is run as a program", async () => {
        const { container } = await server({ health: { test: ["node", "/opt/health.mjs"] } });
        expect(containerInputs(container).healthcheck?.tests).toEqual([
            "CMD",
            "node",
            "/opt/health.mjs",
        ]);
    });
});
