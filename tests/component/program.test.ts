import * as pulumi from "@pulumi/pulumi";

import { containerInputs, labelsOf, uploadTo } from "../support/docker";
import { secretProblems } from "../support/invariants";
import { isolatedProgram, removeFolders, shareModules, type Server } from "../support/isolated";
import { isSecretInput, valueOf } from "../../cli/graph/mocks";

const URL = "postgres://reader:word-of-the-owner@db.example:5432/mcp";
const FROM = { build: "bridge", command: ["node", "main.mjs"] };
const DATABASE: Server = {
    name: "sql",
    spec: { ...FROM, port: 13001, secrets: [{ name: "dsn", from: "postgres.dsn" }] },
};
const TOKEN: Server = {
    name: "api",
    spec: { ...FROM, port: 13002, secrets: [{ name: "token", from: "config.apiToken" }] },
};

// A busy machine takes several times as long.
jest.setTimeout(60_000);

beforeAll(shareModules);
afterAll(removeFolders);

describe("managed database", () => {
    test("a server gets the read-only role's connection string, as a secret", async () => {
        const { recorder } = await isolatedProgram([DATABASE]);
        const carrier = recorder.one("Container", "sql-secrets-carrier");
        expect(uploadTo(carrier, "/run/secrets/dsn").content).toMatch(
            /^postgres:\/\/mcp_reader:[0-9a-f]{64}@postgres:5432\/mcp/,
        );
        expect(isSecretInput(carrier, "uploads[0].content")).toBe(true);
        expect(secretProblems(recorder)).toEqual([]);
    });
});

describe("external database", () => {
    const external = { postgresMode: "external" };

    test("makes no database, and servers get the stack's own connection string, as a secret", async () => {
        const config = { ...external, postgresUrl: URL };
        const { recorder } = await isolatedProgram([DATABASE], config, ["postgresUrl"]);
        expect(recorder.ofKind("Postgres")).toEqual([]);
        expect(recorder.all.filter(({ name }) => name.startsWith("postgres"))).toEqual([]);
        const carrier = recorder.one("Container", "sql-secrets-carrier");
        expect(uploadTo(carrier, "/run/secrets/dsn").content).toBe(URL);
        expect(secretProblems(recorder, ["word-of-the-owner"])).toEqual([]);
    });

    test("without one says how to set it", async () => {
        await expect(isolatedProgram([DATABASE], external)).rejects.toThrow(
            /sql\.yml: secret "postgres\.dsn" is not set; .*pulumi config set --secret postgresUrl/,
        );
    });
});

describe("secrets of the stack", () => {
    test("reach the server that names them, also when the config forgot to say secret", async () => {
        for (const secretKeys of [["apiToken"], []]) {
            const config = { apiToken: "word-of-the-api" };
            const { recorder } = await isolatedProgram([DATABASE, TOKEN], config, secretKeys);
            const holders = recorder.all.filter((one) =>
                JSON.stringify(one.inputs).includes("word-of-the-api"),
            );
            expect(holders.map(({ name }) => name)).toEqual(["api-secrets-carrier"]);
            expect(secretProblems(recorder, ["word-of-the-api"])).toEqual([]);
        }
    });

    test("a missing one is an error that names the key, for people and not with a stack trace", async () => {
        const run = isolatedProgram([TOKEN]);
        await expect(run).rejects.toThrow(
            /api\.yml: secret "config\.apiToken" is not set; .*pulumi config set --secret apiToken/,
        );
        await expect(run).rejects.toBeInstanceOf(pulumi.RunError);
    });
});

test("egress decides whether there is a companion, a build the image, an image by digest stays as it is", async () => {
    const image = `registry.example/x@sha256:${"5e".repeat(32)}`;
    const { recorder } = await isolatedProgram([
        { name: "closed", spec: { ...FROM, port: 13001, egress: "none" } },
        { name: "open", spec: { image, port: 13002, egress: ["*:443"] } },
    ]);
    const server = (name: string): { networks: string[]; image: string } => {
        const { networksAdvanced, image: used } = containerInputs(
            recorder.one("Container", `${name}-container`),
        );
        return { networks: networksAdvanced.map((network) => network.name), image: used };
    };
    expect(server("open")).toEqual({ networks: ["mcp-closed", "mcp-link-open"], image });
    expect(server("closed").networks).toEqual(["mcp-closed"]);
    const companions = recorder.ofKind("Container").map(({ inputs }) => String(inputs.name));
    expect(companions.filter((name) => name.startsWith("mcp-egress-"))).toEqual([
        "mcp-egress-open",
    ]);
    expect(server("closed").image).toMatch(/^sha256:/);
    expect(recorder.ofKind("RemoteImage").map(({ name }) => name)).toEqual([
        "image-orchestrator",
        "image-postgres",
        "image-kong",
        "image-consul",
        "image-runtime",
        "image-reporter",
        "images-runtime",
        "images-bridge",
        "images-egress",
        "images-manager",
        "images-gateway",
    ]);
});

test("a stack without servers comes up, with nothing to build", async () => {
    const { recorder, exports } = await isolatedProgram([]);
    expect(recorder.ofKind("Server")).toEqual([]);
    expect(recorder.one("Container", "orchestrator-container")).toBeDefined();
    expect(await valueOf(exports.endpoints as pulumi.Output<unknown>)).toEqual({});
});

test("adding a server changes nothing of the orchestrator: it would be replaced", async () => {
    const config = { publishServers: "13001-13010", apiToken: "t" };
    const before = await isolatedProgram([], config);
    const after = await isolatedProgram([DATABASE, TOKEN], config);
    const [one, other] = [before, after].map(({ recorder }) =>
        recorder.one("Container", "orchestrator-container"),
    );
    expect(other).toEqual(one);
    expect(one && labelsOf(one)["mcp.component"]).toBe("orchestrator");
});

test.each([
    [{ portOffset: "many" }, /portOffset: must be a whole number/],
    [{ manifestsDir: "/nowhere/at/all" }, /folder of the manifests does not exist/],
])("config %j is an error that says what is wrong", async (config, message) => {
    await expect(isolatedProgram([], config)).rejects.toThrow(message);
});
