import * as fc from "fast-check";
import { createHash } from "node:crypto";
import { canonicalJson, parseManifest, type ServerManifest } from "../../../config/manifest";
import { looksSecret, namesRefusedServer } from "../../../config/manifest-rules";
import { formatDuration, formatMemory } from "../../../config/units";
import { manifestText } from "./support";

const HEX = "b".repeat(64);

function parsed(text: string): ServerManifest {
    const { manifest, problems } = parseManifest("manifests/x.yml", text);
    expect(problems).toEqual([]);
    if (manifest === undefined) throw new Error("no manifest");
    return manifest;
}

describe("values", () => {
    test("defaults", () => {
        const { hash, ...manifest } = parsed(manifestText({}));
        expect(hash).toMatch(/^[0-9a-f]{64}$/);
        expect(manifest).toEqual({
            file: "manifests/x.yml",
            name: "files-mcp",
            labels: {},
            source: { kind: "build", image: "bridge" },
            command: ["node", "server.mjs"],
            environment: {},
            secrets: [],
            port: 13002,
            transport: { type: "streamable-http", path: "/mcp", containerPort: 3000 },
            resources: { cpus: 0.5, memoryMb: 256, pids: 256 },
            volumes: [],
            egress: [],
            health: {
                test: undefined,
                intervalSeconds: 10,
                timeoutSeconds: 5,
                retries: 3,
                startPeriodSeconds: 60,
            },
            stopGraceSeconds: 10,
            tools: { allow: ["*"], deny: [] },
        });
    });

    test("everything set", () => {
        const text = `apiVersion: mcp/v1
kind: MCPContainer
metadata:
  name: a7-files
  labels: { team: platform, example.com/tier: "1" }
spec:
  image: registry.example.com:5000/mcp/files:1.2@sha256:${HEX}
  environment: { B: "2", A: "", __proto__: "x" }
  secrets:
    - { name: dsn, from: postgres.dsn }
    - { name: api.key, from: config.apiKey }
  port: 65535
  transport: { type: streamable-http, path: /v1/mcp, containerPort: 8080 }
  resources: { cpus: 2, memory: 1Gi, pids: 512 }
  volumes:
    - { source: shared, path: /data }
    - { source: shared, path: /srv/x, readOnly: true }
  tools: { allow: ["read_*", list], deny: [read_media_file] }
  egress: ["postgres:5432", "10.0.0.5:80", "api.example.com:443", "*:53"]
  health: { test: [node, /h.mjs], interval: 1m30s, timeout: 10s, retries: 1, startPeriod: 0s }
  stopGrace: 30s
`;
        const { hash, environment, ...manifest } = parsed(text);
        expect(hash).toMatch(/^[0-9a-f]{64}$/);
        expect(Object.entries(environment)).toEqual([
            ["A", ""],
            ["B", "2"],
            ["__proto__", "x"],
        ]);
        expect(manifest).toEqual({
            file: "manifests/x.yml",
            name: "a7-files",
            labels: { team: "platform", "example.com/tier": "1" },
            source: {
                kind: "image",
                ref: `registry.example.com:5000/mcp/files:1.2@sha256:${HEX}`,
            },
            command: [],
            secrets: [
                { name: "dsn", from: "postgres.dsn" },
                { name: "api.key", from: "config.apiKey" },
            ],
            port: 65535,
            transport: { type: "streamable-http", path: "/v1/mcp", containerPort: 8080 },
            resources: { cpus: 2, memoryMb: 1024, pids: 512 },
            volumes: [
                { source: "shared", path: "/data", readOnly: false },
                { source: "shared", path: "/srv/x", readOnly: true },
            ],
            egress: ["postgres:5432", "10.0.0.5:80", "api.example.com:443", "*:53"],
            health: {
                test: ["node", "/h.mjs"],
                intervalSeconds: 90,
                timeoutSeconds: 10,
                retries: 1,
                startPeriodSeconds: 0,
            },
            stopGraceSeconds: 30,
            tools: { allow: ["read_*", "list"], deny: ["read_media_file"] },
        });
    });

    test.each([
        ["the longest name", manifestText({ 4: `  name: ${"a".repeat(40)}` })],
        ["the lowest port", manifestText({ 8: "  port: 1024" })],
        ["the highest port", manifestText({ 8: "  port: 65535" })],
        ["the least", manifestText({}, "  resources: { cpus: 0.05, memory: 64Mi, pids: 16 }")],
        ["the most", manifestText({}, "  resources: { cpus: 64, memory: 1024Gi, pids: 32768 }")],
        [
            "the shortest times",
            manifestText({}, "  health: { interval: 1s, timeout: 1s, retries: 1 }"),
        ],
        [
            "the longest times",
            manifestText({}, "  health: { interval: 1h, timeout: 10m, retries: 100 }"),
        ],
        ["the longest wait", manifestText({}, "  health: { startPeriod: 1h }", "  stopGrace: 30s")],
        [
            "a folder that begins like the system's",
            manifestText({}, "  volumes: [{ source: shared, path: /runner }]"),
        ],
    ])("%s is accepted", (_, text) => expect(parsed(text).file).toBe("manifests/x.yml"));

    test("units round trip through a manifest", () => {
        fc.assert(
            fc.property(
                fc.integer({ min: 64, max: 1048576 }),
                fc.integer({ min: 1, max: 30 }),
                (megabytes, seconds) => {
                    const { resources, stopGraceSeconds } = parsed(
                        manifestText(
                            {},
                            `  resources: { memory: ${formatMemory(megabytes)} }`,
                            `  stopGrace: ${formatDuration(seconds)}`,
                        ),
                    );
                    expect(resources.memoryMb).toBe(megabytes);
                    expect(stopGraceSeconds).toBe(seconds);
                },
            ),
        );
    });
});

describe("hash", () => {
    const plain = parsed(manifestText({})).hash;

    test("is the sha256 of the canonical JSON of spec and name", () => {
        const { file, labels, hash, ...identity } = parsed(manifestText({}));
        expect([file, labels]).toEqual(["manifests/x.yml", {}]);
        const digest = createHash("sha256").update(canonicalJson(identity)).digest("hex");
        expect(hash).toBe(digest);
    });

    test.each([
        ["comments and blank lines", manifestText({ 2: "# why\n\nkind: MCPContainer # what" })],
        ["notation", manifestText({ 7: "  command:\n    - node\n    - 'server.mjs'" })],
        ["order of the fields", manifestText({ 6: "  port: 13002", 8: "  build: bridge" })],
        [
            "written-out defaults",
            manifestText({}, "  egress: none", "  resources: { memory: 262144Ki }"),
        ],
        ["labels", manifestText({ 4: "  name: files-mcp\n  labels: { team: a }" })],
    ])("%s do not change it", (_, text) => expect(parsed(text).hash).toBe(plain));

    test.each([
        ["name", manifestText({ 4: "  name: other" })],
        ["image", manifestText({ 6: "  build: dbhub" })],
        ["argument", manifestText({ 7: "  command: [node, other.mjs]" })],
        ["port", manifestText({ 8: "  port: 13003" })],
        ["variable", manifestText({}, '  environment: { A: "1" }')],
        ["egress", manifestText({}, '  egress: ["*:443"]')],
        ["tool", manifestText({}, "  tools: { deny: [write_file] }")],
        ["health check", manifestText({}, "  health: { test: [a] }")],
    ])("another %s changes it", (_, text) => expect(parsed(text).hash).not.toBe(plain));

    test("the order of variables does not change it", () => {
        const hash = (variables: string): string =>
            parsed(manifestText({}, `  environment: { ${variables} }`)).hash;
        expect(hash('A: "1", B: "2"')).toBe(hash('B: "2", A: "1"'));
    });

    test("canonical JSON does not depend on the order of keys", () => {
        fc.assert(
            fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (record) => {
                const backwards = Object.fromEntries(Object.entries(record).reverse());
                expect(canonicalJson(backwards)).toBe(canonicalJson(record));
            }),
        );
    });
});

describe("predicates that are shared", () => {
    test.each(["mcp/fetch", "x/mcp/postgres-admin", "/opt/dbhub/server-postgres.mjs", "bridge"])(
        "%s may run",
        (text) => expect(namesRefusedServer(text)).toBe(false),
    );

    test("variables that look secret, and some that do not", () => {
        const names = [
            "X_PASSWORD",
            "secret",
            "GH_TOKEN",
            "APIKEY",
            "DSN",
            "TOKENS",
            "DSN_FILE",
            "KEY",
        ];
        expect(names.filter(looksSecret)).toEqual([
            "X_PASSWORD",
            "secret",
            "GH_TOKEN",
            "APIKEY",
            "DSN",
        ]);
    });
});
