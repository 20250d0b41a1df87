import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import * as tls from "@pulumi/tls";

import { onHost } from "../support/fixtures";
import { isSecret, isSecretInput, startMocks, valueOf, type Recorder } from "../../cli/graph/mocks";

let recorder: Recorder;

beforeEach(async () => {
    recorder = await startMocks("mine", { portOffset: "7" }, []);
});

test("a call nobody expects fails", async () => {
    await expect(pulumi.runtime.invoke("docker:index/getNetwork:getNetwork", {})).rejects.toThrow(
        "no mock answers the call docker:index/getNetwork:getNetwork",
    );
});

test("project, stack and config are those of the test", () => {
    expect(pulumi.getProject()).toBe("sutazai-mcp");
    expect(pulumi.getStack()).toBe("mine");
    expect(new pulumi.Config().get("portOffset")).toBe("7");
});

test("a resource is recorded with type, name, parent, provider, inputs and where they are secret", async () => {
    const { parent } = onHost();
    const content = pulumi.secret("sesame");
    new docker.Container(
        "box",
        { name: "box", image: "image", uploads: [{ file: "/a", content }], envs: ["A=1"] },
        { parent },
    );
    await recorder.settle();
    const box = recorder.one("Container", "box");
    expect(box).toMatchObject({
        type: "docker:index/container:Container",
        parent: "mcp:host:Layer::host",
        provider: "host",
        inputs: { uploads: [{ file: "/a", content: "sesame" }] },
        secrets: ["uploads[0].content"],
    });
    expect(isSecretInput(box, "uploads[0].content")).toBe(true);
    expect(isSecretInput(box, "uploads[0].file")).toBe(false);
    expect(isSecretInput(box, "envs[0]")).toBe(false);
    expect(recorder.below("host")).toEqual(["docker:index/container:Container box"]);
});

test("settle waits for what is registered late", async () => {
    const { parent } = onHost();
    const late = new Promise<string>((resolve) => setTimeout(resolve, 50, "late"));
    const first = new docker.Volume("first", { name: late }, { parent });
    new docker.Volume("second", { name: pulumi.interpolate`${first.name}-er` }, { parent });
    await recorder.settle();
    expect(recorder.one("Volume", "second").inputs.name).toBe("late-er");
});

test("a private key is a secret and depends on its name alone; an image has a content id", async () => {
    const [one, again, other] = ["a", "a", "b"].map(
        (name, index) =>
            new tls.PrivateKey(name, { algorithm: "ECDSA" }, { parent: layer(index) })
                .privateKeyPem,
    );
    if (!one || !again || !other) throw new Error("three keys were made");
    expect(await isSecret(one)).toBe(true);
    expect(await valueOf(one)).toContain("PRIVATE KEY-----\n");
    expect(await valueOf(one)).toBe(await valueOf(again));
    expect(await valueOf(one)).not.toBe(await valueOf(other));
    const image = new docker.RemoteImage("image", { name: "busybox" }, onHost());
    expect(await valueOf(image.imageId)).toMatch(/^sha256:[0-9a-f]{64}$/);
});

test("asking for what is not there lists what is", async () => {
    onHost();
    await recorder.settle();
    expect(() => recorder.one("Volume", "gone")).toThrow(
        /0 of Volume gone; there are:\n.*Layer host/s,
    );
});

function layer(index: number): pulumi.Resource {
    return new pulumi.ComponentResource("test:index:Layer", `layer-${String(index)}`);
}
