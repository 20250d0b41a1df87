import { Volumes } from "../../components/volumes";
import { labelsOf } from "../support/docker";
import { onHost, stackContext } from "../support/fixtures";
import { startMocks, type Recorder } from "../../cli/graph/mocks";

let recorder: Recorder;

beforeEach(async () => {
    recorder = await startMocks();
});

async function volumes(config: Record<string, string> = {}): Promise<void> {
    new Volumes("volumes", stackContext(config), onHost());
    await recorder.settle();
}

const NAMES = {
    "volumes-data": "mcp-orchestrator-data",
    "volumes-certs-ca": "mcp-docker-certs-ca",
    "volumes-certs-client": "mcp-docker-certs-client",
    "volumes-shared": "mcp-shared-data",
    "volumes-logs": "mcp-logs",
};

test("is exactly the five volumes, on the host", async () => {
    await volumes();
    const names = recorder.ofKind("Volume").map(({ name, inputs }) => [name, inputs.name]);
    expect(Object.fromEntries(names)).toEqual(NAMES);
    expect(recorder.below("volumes")).toHaveLength(5);
    expect(new Set(recorder.ofKind("Volume").map(({ provider }) => provider))).toEqual(
        new Set(["host"]),
    );
});

test("each is local, labelled by its part, and deleted before it is replaced", async () => {
    await volumes();
    for (const volume of recorder.ofKind("Volume")) {
        expect(volume.inputs.driver).toBe("local");
        expect(volume.inputs).not.toHaveProperty("driverOpts");
        expect(volume.options.deleteBeforeReplace).toBe(true);
        expect(labelsOf(volume)).toMatchObject({
            "mcp.managed": "true",
            "mcp.stack": "test",
            "mcp.component": volume.name.replace("volumes-", "volume-"),
        });
    }
});

test("a second stack has names of its own", async () => {
    await volumes({ namePrefix: "second-" });
    const names = recorder.ofKind("Volume").map(({ inputs }) => inputs.name);
    expect(names.sort()).toEqual(
        Object.values(NAMES)
            .map((name) => `second-${name}`)
            .sort(),
    );
});

test.each([
    ["true", ["volumes-logs", "volumes-shared"]],
    ["false", []],
])("protect %p protects %p: data worth keeping, never the cache", async (protect, kept) => {
    await volumes({ protect });
    const guarded = recorder.ofKind("Volume").filter(({ options }) => options.protect === true);
    expect(guarded.map(({ name }) => name).sort()).toEqual(kept);
});
