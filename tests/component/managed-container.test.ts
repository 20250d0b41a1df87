import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";

import { managedContainer, type ManagedContainerArgs } from "../../components/managed-container";
import { containerInputs, labelsOf, uploadTo } from "../support/docker";
import { IMAGE } from "../support/fixtures";
import { isSecretInput, startMocks, type Recorded, type Recorder } from "../../cli/graph/mocks";

const MINIMAL: ManagedContainerArgs = {
    containerName: "sutazai-demo",
    image: IMAGE,
    memoryMb: 256,
    cpus: 0.5,
    stopGraceSeconds: 90,
    health: {
        test: ["CMD", "true"],
        intervalSeconds: 10,
        timeoutSeconds: 5,
        startPeriodSeconds: 60,
        retries: 3,
    },
    labels: { "mcp.stack": "test", "a.first": "1" },
    networks: [{ name: "net", ipv4Address: "10.89.0.9" }],
};

let recorder: Recorder;

beforeEach(async () => {
    recorder = await startMocks();
});

async function container(
    args: Partial<ManagedContainerArgs> = {},
    opts: pulumi.CustomResourceOptions = {},
): Promise<Recorded> {
    const provider = new docker.Provider("daemon", {});
    managedContainer("demo", { ...MINIMAL, ...args }, { provider, ...opts });
    await recorder.settle();
    return recorder.one("Container", "demo");
}

test("says every property of the list, and nothing else", async () => {
    expect((await container()).inputs).toEqual({
        name: "sutazai-demo",
        image: IMAGE,
        envs: [],
        readOnly: false,
        init: false,
        capabilities: { drops: ["ALL"] },
        securityOpts: ["no-new-privileges"],
        restart: "unless-stopped",
        memory: 256,
        memorySwap: 256,
        cpuPeriod: 100_000,
        cpuQuota: 50_000,
        logDriver: "json-file",
        logOpts: { "max-file": "3", "max-size": "10m" },
        ports: [],
        networksAdvanced: [{ name: "net", ipv4Address: "10.89.0.9" }],
        hosts: [],
        volumes: [],
        labels: [
            { label: "a.first", value: "1" },
            { label: "mcp.stack", value: "test" },
        ],
        healthcheck: {
            tests: ["CMD", "true"],
            interval: "10s",
            timeout: "5s",
            startPeriod: "1m0s",
            retries: 3,
        },
        mustRun: true,
        wait: true,
        waitTimeout: 180,
        destroyGraceSeconds: 90,
        stopTimeout: 90,
    });
});

test("is one container under the given provider", async () => {
    const { provider } = await container();
    expect(provider).toBe("daemon");
    expect(recorder.ofKind("Container")).toHaveLength(1);
});

test("passes on what it is told", async () => {
    const { inputs } = await container({
        command: ["serve", "--fast"],
        entrypoint: ["/entry"],
        user: "1001:1001",
        hostname: "demo",
        readOnly: true,
        init: true,
        runtime: "mcp-runc",
        tmpfs: { "/tmp": "size=64m" },
        waitSeconds: 30,
    });
    expect(inputs).toMatchObject({
        command: ["serve", "--fast"],
        entrypoints: ["/entry"],
        user: "1001:1001",
        hostname: "demo",
        readOnly: true,
        init: true,
        runtime: "mcp-runc",
        tmpfs: { "/tmp": "size=64m" },
        waitTimeout: 30,
    });
});

test.each([
    [0.5, 50_000],
    [1, 100_000],
    [0.333333, 33_333],
    [4, 400_000],
])("%p cores are a quota of %p, never `cpus`", async (cpus, quota) => {
    const { inputs } = await container({ cpus });
    expect(inputs).toMatchObject({ cpuPeriod: 100_000, cpuQuota: quota });
    expect(inputs).not.toHaveProperty("cpus");
    expect(inputs).not.toHaveProperty("cpuShares");
});

test("swap is off: memory and memory with swap are equal", async () => {
    expect((await container({ memoryMb: 777 })).inputs).toMatchObject({
        memory: 777,
        memorySwap: 777,
    });
});

test("ports are sorted and say address and protocol", async () => {
    const ip = "127.0.0.1";
    const ports = [
        { internal: 9090, external: 19090, ip },
        { internal: 2376, external: 32377, ip: "127.0.0.2" },
        { internal: 2376, external: 12376, ip },
    ];
    const before = structuredClone(ports);
    expect(containerInputs(await container({ ports })).ports).toEqual([
        { internal: 2376, external: 12376, ip, protocol: "tcp" },
        { internal: 2376, external: 32377, ip: "127.0.0.2", protocol: "tcp" },
        { internal: 9090, external: 19090, ip, protocol: "tcp" },
    ]);
    expect(ports).toEqual(before);
});

test("environment, hosts and labels do not depend on the order they are given in", async () => {
    const one = await container({
        environment: { B: "2", A: "1", EMPTY: "" },
        hosts: { zeta: "10.0.0.2", alpha: "10.0.0.1" },
        labels: { b: "2", a: "1" },
    });
    expect(containerInputs(one)).toMatchObject({
        envs: ["A=1", "B=2", "EMPTY="],
        hosts: [
            { host: "alpha", ip: "10.0.0.1" },
            { host: "zeta", ip: "10.0.0.2" },
        ],
    });
    expect(Object.keys(labelsOf(one))).toEqual(["a", "b"]);
});

test("durations are in the form the provider reads back", async () => {
    const { inputs } = await container({
        health: {
            test: ["CMD-SHELL", "true"],
            intervalSeconds: 90,
            timeoutSeconds: 60,
            startPeriodSeconds: 3661,
            startIntervalSeconds: 1,
            retries: 7,
        },
    });
    expect(inputs.healthcheck).toEqual({
        tests: ["CMD-SHELL", "true"],
        interval: "1m30s",
        timeout: "1m0s",
        startPeriod: "1h1m1s",
        startInterval: "1s",
        retries: 7,
    });
});

describe("confinement", () => {
    test("is the default", async () => {
        expect((await container()).inputs).toMatchObject({
            capabilities: { drops: ["ALL"] },
            securityOpts: ["no-new-privileges"],
        });
    });

    test("does not go with privileged", async () => {
        const { inputs } = await container({ privileged: true });
        expect(inputs.privileged).toBe(true);
        expect(inputs).not.toHaveProperty("capabilities");
        expect(inputs).not.toHaveProperty("securityOpts");
    });

    test("can be given up only by saying so", async () => {
        const { inputs } = await container({ confined: false });
        expect(inputs).not.toHaveProperty("capabilities");
        expect(inputs).not.toHaveProperty("privileged");
    });
});

describe("uploads", () => {
    const file = { file: "/etc/mcp/password", content: "hunter2-hunter2", permissions: "0400" };

    test("are secret, plain contents included", async () => {
        const recorded = await container({ uploads: [file] });
        expect(uploadTo(recorded, file.file)).toEqual(file);
        expect(isSecretInput(recorded, "uploads[0].content")).toBe(true);
        expect(recorded.secrets).toEqual(["uploads"]);
    });

    test("wait for outputs", async () => {
        const content = pulumi.secret(Promise.resolve("late"));
        const recorded = await container({ uploads: [{ ...file, content }] });
        expect(uploadTo(recorded, file.file).content).toBe("late");
        expect(isSecretInput(recorded, "uploads[0].content")).toBe(true);
    });

    test("are left out when there are none: an empty list would be a diff", async () => {
        expect((await container({ uploads: [] })).inputs).not.toHaveProperty("uploads");
    });
});

describe("options, as the engine gets them", () => {
    test("replace what the provider only pretends to update, before creating anew", async () => {
        const { options } = await container();
        expect(options.deleteBeforeReplace).toBe(true);
        expect(options.replaceOnChanges).toEqual(
            expect.arrayContaining(["healthcheck", "tmpfs", "init", "cpuPeriod", "cpuQuota"]),
        );
    });

    test("are merged with the caller's, which win", async () => {
        const provider = new docker.Provider("daemon", {});
        const carrier = new docker.Volume("carrier", {}, { provider });
        const { options } = await container(
            {},
            { provider, replaceOnChanges: ["labels"], replaceWith: [carrier], protect: true },
        );
        expect(options.replaceOnChanges).toEqual(expect.arrayContaining(["init", "labels"]));
        expect(options.replaceWith).toEqual(["docker:index/volume:Volume::carrier"]);
        expect(options.protect).toBe(true);
    });
});
