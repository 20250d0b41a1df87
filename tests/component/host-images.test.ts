import * as pulumi from "@pulumi/pulumi";

import { HostImages, type HostImageName } from "../../components/host-images";
import type { MachineFacts } from "../../config/machine";
import { HOST_IMAGES, UPSTREAM } from "../../images/catalog";
import { IMAGE, onHost, stackContext } from "../support/fixtures";
import { mockImageId } from "../../cli/graph/mock-outputs";
import { startMocks, valueOf, type Recorder } from "../support/mocks";
import { PROJECT } from "../support/program";

const NAMES = Object.keys(HOST_IMAGES) as HostImageName[];
const BUILT: MachineFacts = {
    images: Object.fromEntries(
        NAMES.map((name, index) => [
            name,
            { tag: `mcp/${name}:1`, imageId: `sha256:${`${String(index)}a`.repeat(32)}` },
        ]),
    ),
};

let recorder: Recorder;

beforeEach(async () => {
    recorder = await startMocks();
});

function images(config: Record<string, string>, machine: MachineFacts = {}): HostImages {
    return new HostImages(
        { context: stackContext(config), machine, projectDir: PROJECT },
        onHost(),
    );
}

function idOf(source: HostImages, name: HostImageName): Promise<string> {
    return valueOf(pulumi.output(source.id(name)));
}

describe("registry", () => {
    const source = { imageSource: "registry" };

    test.each(["orchestrator", "postgres", "consul", "kong"] as const)(
        "pulls %s by digest, on the host, and leaves it there",
        async (name) => {
            expect(await idOf(images(source), name)).toBe(mockImageId(UPSTREAM[name]));
            await recorder.settle();
            const pulled = recorder.ofKind("RemoteImage");
            expect(pulled.map(({ name, provider, inputs }) => [name, provider, inputs])).toEqual([
                [`image-${name}`, "host", { name: UPSTREAM[name], keepLocally: true }],
            ]);
        },
    );

    test("builds the reporter on the host's daemon, with what it stands on, once", async () => {
        const source = images({ imageSource: "registry" });
        const ids = await Promise.all([idOf(source, "reporter"), idOf(source, "reporter")]);
        await recorder.settle();
        const built = recorder.ofKind("RemoteImage");
        expect(built.map(({ name, provider }) => [name, provider])).toEqual([
            ["image-runtime", "host"],
            ["image-reporter", "host"],
        ]);
        const [runtime, reporter] = built;
        expect(runtime?.inputs).toMatchObject({
            keepLocally: true,
            build: { useLegacyBuilder: true, buildArgs: { NODE_BASE: UPSTREAM.node } },
        });
        expect(reporter?.inputs).toMatchObject({
            build: {
                dockerfile: "images/reporter/Dockerfile",
                buildArgs: { RUNTIME: runtime?.inputs.name },
            },
        });
        expect(new Set(ids)).toEqual(new Set([mockImageId(String(reporter?.inputs.name))]));
    });

    test("builds Caddy from upstream's, by digest, without its file capability", async () => {
        const id = await idOf(images({ imageSource: "registry" }), "caddy");
        await recorder.settle();
        const [built] = recorder.ofKind("RemoteImage");
        expect(built?.provider).toBe("host");
        expect(built?.inputs).toMatchObject({
            name: expect.stringMatching(/^mcp\/caddy:[0-9a-f]{12}$/) as string,
            keepLocally: true,
            build: {
                dockerfile: "images/caddy/Dockerfile",
                useLegacyBuilder: true,
                buildArgs: { UPSTREAM_IMAGE: UPSTREAM.caddy },
            },
        });
        expect(id).toBe(mockImageId(String(built?.inputs.name)));
    });

    test("takes another orchestrator image", async () => {
        const other = images({ imageSource: "registry", orchestratorImage: IMAGE });
        expect(await idOf(other, "orchestrator")).toBe(mockImageId(IMAGE));
        expect(await idOf(other, "postgres")).toBe(mockImageId(UPSTREAM.postgres));
    });

    test("does not look at what the machine has built", async () => {
        const id = await idOf(images({ imageSource: "registry" }, BUILT), "orchestrator");
        expect(id).not.toBe(BUILT.images?.orchestrator?.imageId);
    });
});

describe("local", () => {
    test.each(NAMES)("takes %s as it was built, by content id, and pulls nothing", async (name) => {
        const id = await idOf(images({ imageSource: "local" }, BUILT), name);
        expect(id).toBe(BUILT.images?.[name]?.imageId);
        await recorder.settle();
        expect(recorder.ofKind("RemoteImage")).toEqual([]);
    });

    test.each(NAMES)("says what to run when %s is not built", (name) => {
        const others = Object.entries(BUILT.images ?? {}).filter(([key]) => key !== name);
        const machine = { images: Object.fromEntries(others) };
        const error = `image ${name}: not built on this machine yet (imageSource is local); run ./mcp build, then again`;
        expect(() => images({ imageSource: "local" }, machine).id(name)).toThrow(error);
        expect(() => images({ imageSource: "local" }).id(name)).toThrow(pulumi.RunError);
    });
});
