import * as pulumi from "@pulumi/pulumi";

import { hostImages, type HostImages } from "../../components/host-images";
import type { MachineFacts } from "../../config/machine";
import { UPSTREAM } from "../../images/catalog";
import { IMAGE, onHost, stackContext } from "../support/fixtures";
import { mockImageId } from "../support/mock-outputs";
import { startMocks, valueOf, type Recorder } from "../support/mocks";

const ORCHESTRATOR = `sha256:${"1a".repeat(32)}`;
const POSTGRES = `sha256:${"2b".repeat(32)}`;
const BUILT: MachineFacts = {
    images: {
        orchestrator: { tag: "mcp-base/orchestrator:1", imageId: ORCHESTRATOR },
        postgres: { tag: "mcp-base/postgres:1", imageId: POSTGRES },
    },
};

let recorder: Recorder;

beforeEach(async () => {
    recorder = await startMocks();
});

function images(config: Record<string, string>, machine: MachineFacts = {}): HostImages {
    return hostImages(stackContext(config), machine, onHost());
}

describe("registry", () => {
    test("pulls two images by digest, on the host, and leaves them there", async () => {
        images({ imageSource: "registry" });
        await recorder.settle();
        const pulled = recorder.ofKind("RemoteImage");
        expect(pulled.map(({ name, provider, inputs }) => ({ name, provider, inputs }))).toEqual([
            {
                name: "image-orchestrator",
                provider: "host",
                inputs: { name: UPSTREAM.orchestrator, keepLocally: true },
            },
            {
                name: "image-postgres",
                provider: "host",
                inputs: { name: UPSTREAM.postgres, keepLocally: true },
            },
        ]);
    });

    test("containers get content ids, not names", async () => {
        const { orchestrator, postgres } = images({ imageSource: "registry" });
        expect(await valueOf(pulumi.output(orchestrator))).toBe(mockImageId(UPSTREAM.orchestrator));
        expect(await valueOf(pulumi.output(postgres))).toBe(mockImageId(UPSTREAM.postgres));
    });

    test("takes another orchestrator image", async () => {
        images({ imageSource: "registry", orchestratorImage: IMAGE });
        await recorder.settle();
        expect(recorder.one("RemoteImage", "image-orchestrator").inputs.name).toBe(IMAGE);
    });

    test("does not look at what the machine has built", async () => {
        const { orchestrator } = images({ imageSource: "registry" }, BUILT);
        expect(await valueOf(pulumi.output(orchestrator))).not.toBe(ORCHESTRATOR);
    });
});

describe("local", () => {
    test("takes the built images by content id and pulls nothing", async () => {
        expect(images({ imageSource: "local" }, BUILT)).toEqual({
            orchestrator: ORCHESTRATOR,
            postgres: POSTGRES,
        });
        await recorder.settle();
        expect(recorder.ofKind("RemoteImage")).toEqual([]);
    });

    test.each(["orchestrator", "postgres"])("says what to run when %s is not built", (name) => {
        const machine = { images: { ...BUILT.images } };
        delete machine.images[name];
        expect(() => images({ imageSource: "local" }, machine)).toThrow(
            `image ${name}: not built on this machine yet (imageSource is local); run ./mcp build, then again`,
        );
        expect(() => images({ imageSource: "local" }, {})).toThrow(pulumi.RunError);
    });
});
