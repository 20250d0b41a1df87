import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

import * as pulumi from "@pulumi/pulumi";

import { InnerImages } from "../../components/inner-images";
import type { MachineFacts } from "../../config/machine";
import { INNER_IMAGES, UPSTREAM } from "../../images/catalog";
import { onInner, stackContext } from "../support/fixtures";
import { mockImageId } from "../../cli/graph/mock-outputs";
import { startMocks, valueOf, type Recorded, type Recorder } from "../../cli/graph/mocks";
import { PROJECT } from "../../cli/graph/program";

/** A file for every input of every image; a folder of the project gets one inside. */
const FILES: Readonly<Record<string, string>> = Object.fromEntries(
    INNER_IMAGES.flatMap(({ inputs }) => inputs).map((input) => {
        const isFolder = fs.statSync(path.join(PROJECT, input)).isDirectory();
        return [isFolder ? `${input}/file` : input, `content of ${input}\n`];
    }),
);

const folders: string[] = [];
let recorder: Recorder;

beforeEach(async () => {
    recorder = await startMocks();
});
afterAll(() => {
    for (const folder of folders) fs.rmSync(folder, { recursive: true, force: true });
});

/** A project folder with the files of the images, some of them changed. */
function project(changes: Readonly<Record<string, string>> = {}): string {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "inner-images-"));
    folders.push(folder);
    for (const [file, text] of Object.entries({ ...FILES, ...changes })) {
        fs.mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
        fs.writeFileSync(path.join(folder, file), text);
    }
    return folder;
}

interface Options {
    readonly projectDir?: string;
    readonly imageSource?: string;
    readonly machine?: MachineFacts;
}

function images(names: readonly string[], options: Options = {}): InnerImages {
    const { projectDir = project(), imageSource = "registry", machine = {} } = options;
    const context = stackContext({ imageSource });
    return new InnerImages("images", { context, machine, names, projectDir }, onInner());
}

const one = (name: string): Recorded => recorder.one("RemoteImage", `images-${name}`);

async function tags(projectDir: string): Promise<Record<string, unknown>> {
    recorder = await startMocks();
    images(["bridge", "dbhub", "manager", "gateway", "egress"], { projectDir });
    await recorder.settle();
    return Object.fromEntries(
        ["runtime", "bridge", "dbhub", "manager", "gateway", "egress"].map((name) => [
            name,
            one(name).inputs.name,
        ]),
    );
}

describe("registry", () => {
    test("builds what is named and its parents, once each, parents first, inside the inner daemon", async () => {
        images(["bridge", "dbhub", "bridge"]);
        await recorder.settle();
        const built = recorder.ofKind("RemoteImage");
        expect(built.map(({ name }) => name)).toEqual([
            "images-runtime",
            "images-bridge",
            "images-dbhub",
        ]);
        expect(new Set(built.map(({ provider }) => provider))).toEqual(new Set(["inner"]));
        expect(recorder.below("images")).toHaveLength(3);
    });

    test("builds nothing when nothing is named", async () => {
        images([]);
        await recorder.settle();
        expect(recorder.below("images")).toEqual([]);
    });

    test("the Dockerfile is built by the classic builder on the pinned base, and stays at destroy", async () => {
        images(["runtime"]);
        await recorder.settle();
        expect(one("runtime").inputs).toEqual({
            name: expect.stringMatching(/^mcp\/runtime:[0-9a-f]{12}$/) as string,
            build: {
                context: ".",
                dockerfile: "images/runtime/Dockerfile",
                useLegacyBuilder: true,
                buildArgs: { NODE_BASE: UPSTREAM.node },
            },
            keepLocally: true,
        });
    });

    test("a child is built on the very image of its parent", async () => {
        images(["bridge"]);
        await recorder.settle();
        expect(one("bridge").inputs.build).toMatchObject({
            dockerfile: "images/bridge/Dockerfile",
            buildArgs: { RUNTIME: one("runtime").inputs.name },
        });
    });

    test("the id of an image is its content id", async () => {
        const id = await valueOf(images(["dbhub"]).id("dbhub"));
        await recorder.settle();
        expect(id).toBe(mockImageId(String(one("dbhub").inputs.name)));
        expect(recorder.ofKind("RemoteImage")).toHaveLength(2);
    });

    test("a name that is no image is an error that lists those there are", () => {
        expect(() => images(["nginx"])).toThrow(
            "images/nginx: no such image; build is one of: runtime, bridge, dbhub",
        );
    });
});

describe("tag by content", () => {
    test("the same files in another folder give the same tags", async () => {
        expect(await tags(project())).toEqual(await tags(project()));
    });

    test.each([
        ["images/bridge/Dockerfile", ["bridge"]],
        ["services/bridge/src/main.ts", ["bridge"]],
        ["services/bridge/src/new.ts", ["bridge"]],
        ["services/bridge/package-lock.json", ["bridge"]],
        ["images/dbhub/Dockerfile", ["dbhub"]],
        ["images/egress/mcp-egress", ["egress"]],
        [
            "images/runtime/Dockerfile",
            ["bridge", "dbhub", "egress", "gateway", "manager", "runtime"],
        ],
        ["services/manager/src/main.ts", ["manager"]],
        ["services/gateway/src/main.ts", ["gateway"]],
        ["config/defaults.ts", ["manager"]],
        ["services/reporter/src/mcp.ts", ["manager"]],
        ["services/bridge/README.md", []],
        ["images/bridge/node_modules/left-pad/index.js", []],
        ["services/bridge/src/tests/main.test.ts", []],
        ["images/postgres/seed.sql", []],
    ])("another %s gives new tags to %j", async (file, changed) => {
        const before = await tags(project());
        const after = await tags(project({ [file]: "changed\n" }));
        const different = Object.keys(before).filter((name) => before[name] !== after[name]);
        expect(different.sort()).toEqual(changed);
    });

    test.each(INNER_IMAGES.flatMap(({ name, inputs }) => inputs.map((input) => [name, input])))(
        "%s counts %s",
        async (name = "", input = "") => {
            const file = input in FILES ? input : `${input}/file`;
            const before = await tags(project());
            const after = await tags(project({ [file]: "changed\n" }));
            expect(after[name]).not.toBe(before[name]);
        },
    );

    test.each(INNER_IMAGES.map(({ name }) => name))(
        "%s counts everything its Dockerfile copies",
        (name) => {
            const { inputs = [] } = INNER_IMAGES.find((spec) => spec.name === name) ?? {};
            const dockerfile = path.join(PROJECT, "images", name, "Dockerfile");
            const sources = fs
                .readFileSync(dockerfile, "utf8")
                .split("\n")
                .filter((line) => line.startsWith("COPY ") && !line.includes("--from="))
                .flatMap((line) => line.split(/\s+/).slice(1, -1))
                .map((source) => source.replace(/\/$/, ""));
            const counted = (source: string): boolean =>
                inputs.some((input) => source === input || source.startsWith(`${input}/`));
            expect(sources.filter((source) => !counted(source))).toEqual([]);
        },
    );
});

describe("local", () => {
    const fact = (name: string): { tag: string; imageId: string; context: string } => ({
        tag: `mcp/${name}:local`,
        imageId: `sha256:${"4d".repeat(32)}`,
        context: `.mcp/images/${name}`,
    });
    const MACHINE: MachineFacts = {
        images: { runtime: fact("runtime"), bridge: fact("bridge"), dbhub: fact("dbhub") },
    };

    test("adds the layers built beforehand, on the parent's image, without the registry", async () => {
        images(["bridge"], { imageSource: "local", machine: MACHINE });
        await recorder.settle();
        expect(one("runtime").inputs).toEqual({
            name: "mcp/runtime:local",
            build: { context: ".mcp/images/runtime", useLegacyBuilder: true },
            keepLocally: true,
        });
        expect(one("bridge").inputs).toEqual({
            name: "mcp/bridge:local",
            build: {
                context: ".mcp/images/bridge",
                useLegacyBuilder: true,
                buildArgs: { RUNTIME: "mcp/runtime:local" },
            },
            keepLocally: true,
        });
        expect(JSON.stringify(recorder.all)).not.toContain(UPSTREAM.node);
    });

    test.each([
        ["nothing is built", {}],
        ["the parent is not built", { images: { bridge: fact("bridge") } }],
        [
            "an image has no build folder",
            { images: { runtime: { ...fact("r"), context: undefined } } },
        ],
    ])("says what to run when %s", (_, machine) => {
        const run = (): InnerImages => images(["bridge"], { imageSource: "local", machine });
        expect(run).toThrow(pulumi.RunError);
        expect(run).toThrow(/images\/runtime: not built on this machine yet.*run \.\/mcp build/);
    });
});
