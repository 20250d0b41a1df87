import * as pulumi from "@pulumi/pulumi";

import { ServerSecrets, type ServerSecretsArgs } from "../../components/server-secrets";
import { containerInputs, labelsOf } from "../support/docker";
import { IMAGE, onInner } from "../support/fixtures";
import {
    isSecretInput,
    startMocks,
    valueOf,
    type Recorded,
    type Recorder,
} from "../../cli/graph/mocks";

const FILES = [
    { name: "dsn", content: pulumi.secret("postgres://reader:open-sesame@postgres") },
    { name: "token", content: "plain-by-mistake" },
];

let recorder: Recorder;

beforeEach(async () => {
    recorder = await startMocks();
});

async function secrets(
    args: Partial<ServerSecretsArgs> = {},
): Promise<{ component: ServerSecrets; carrier: Recorded }> {
    const labels = { "mcp.component": "server", "mcp.server": "demo" };
    const full = { server: "demo", image: IMAGE, labels, files: FILES, ...args };
    const component = new ServerSecrets("demo-secrets", full, onInner());
    await recorder.settle();
    return { component, carrier: recorder.one("Container", "demo-secrets-carrier") };
}

test("is a volume and the container that carries the files onto it, on the inner daemon", async () => {
    await secrets();
    expect(recorder.below("demo-secrets")).toEqual([
        "docker:index/container:Container demo-secrets-carrier",
        "docker:index/volume:Volume demo-secrets-volume",
    ]);
    for (const name of ["demo-secrets-carrier", "demo-secrets-volume"]) {
        const resource = recorder.all.find((one) => one.name === name);
        expect(resource).toMatchObject({
            provider: "inner",
            inputs: { name: "demo.secrets" },
            options: { deleteBeforeReplace: true },
        });
    }
});

test("the carrier is made and never started", async () => {
    const { carrier } = await secrets();
    expect(carrier.inputs).toMatchObject({
        start: false,
        mustRun: false,
        restart: "no",
        networkMode: "none",
        user: "1001:1001",
        capabilities: { drops: ["ALL"] },
        securityOpts: ["no-new-privileges"],
    });
    expect(carrier.inputs).not.toHaveProperty("command");
    expect(carrier.inputs).not.toHaveProperty("ports");
});

test("the files go through the mount onto the volume, readable and no more", async () => {
    const { carrier } = await secrets();
    const { uploads, volumes } = containerInputs(carrier);
    expect(volumes).toEqual([{ volumeName: "demo.secrets", containerPath: "/run/secrets" }]);
    expect(uploads.map(({ file, permissions }) => [file, permissions])).toEqual([
        ["/run/secrets/dsn", "0444"],
        ["/run/secrets/token", "0444"],
    ]);
});

test("contents are secret, a plain one as well, and in no other input", async () => {
    const { carrier } = await secrets();
    const { uploads, ...visible } = carrier.inputs;
    expect(JSON.stringify(uploads)).toContain("open-sesame");
    expect(isSecretInput(carrier, "uploads[0].content")).toBe(true);
    expect(isSecretInput(carrier, "uploads[1].content")).toBe(true);
    expect(JSON.stringify(visible)).not.toMatch(/open-sesame|plain-by-mistake/);
    expect(containerInputs(carrier).envs).toEqual([]);
});

test("labels tell the carrier from the server", async () => {
    const { carrier } = await secrets();
    expect(labelsOf(carrier)).toEqual({
        "mcp.component": "server-secrets",
        "mcp.server": "demo",
    });
});

test("the volume's name is known only when the files are there", async () => {
    const { component } = await secrets();
    expect(await valueOf(component.volumeName)).toBe("demo.secrets");
    const user = new pulumi.ComponentResource("test:index:User", "user", {
        volume: component.volumeName,
    });
    await recorder.settle();
    expect(user).toBeDefined();
    const order = recorder.all.map(({ name }) => name);
    expect(order.indexOf("user")).toBeGreaterThan(order.indexOf("demo-secrets-carrier"));
});
