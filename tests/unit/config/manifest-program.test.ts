import { edited, type Case } from "./manifest-cases";

const HEX = "a".repeat(64);
const PORT = "that is none of the orchestrator's own (2375, 2376, 8080, 8090, 9090";
const REFUSED =
    "@modelcontextprotocol/server-postgres lets clients write through its read-only tool";
const long = (n: number): string => "a".repeat(n);

describe("head", () => {
    edited(1, [
        ["apiVersion: v1", "1:1", "apiVersion", '"v1" is not a known version', "write mcp/v1"],
        ["apiVersion: 1", "1:1", "apiVersion", "1 is not a known version", "write mcp/v1"],
        ["# left out", "2:1", "apiVersion", "is missing", "write mcp/v1"],
        [
            "apiVersion: mcp/v1\nmetdata: {}",
            "2:1",
            "metdata",
            "is not a known field",
            "did you mean metadata?",
        ],
    ]);
    edited(2, [
        ["kind: Pod", "2:1", "kind", '"Pod" is not a known kind', "write MCPContainer"],
        ["kind:", "2:1", "kind", "has no value", "write MCPContainer"],
    ]);
});

describe("name and labels", () => {
    const bad = ["Files", "-a", "a-", "a_b", "a.b", long(41)];
    edited(4, [
        ...bad.map((name): Case => [
            `  name: ${name}`,
            "4:3",
            "metadata.name",
            `"${name}" is not a server name`,
            'use at most 40 lower-case letters, digits and "-"',
        ]),
        ["  name: 7", "4:3", "metadata.name", "7 is not a server name", "use at most 40"],
        // A host of a URL may not be called so.
        ["  name: xn--a", "4:3", "metadata.name", '"xn--a" is not a server name', "use at most 40"],
        [
            "  name: gateway",
            "4:3",
            "metadata.name",
            '"gateway" is the name of a part of the system',
            "write it like gateway-mcp",
        ],
        ["  labels: {}", "3:1", "metadata.name", "is missing", "use at most 40"],
        [
            "  name: a\n  labels: { mcp.stack: x }",
            "5:13",
            'metadata.labels["mcp.stack"]',
            "labels that start with mcp. belong to the stack",
            "choose another prefix",
        ],
        [
            "  name: a\n  labels: { year: 2026 }",
            "5:13",
            "metadata.labels.year",
            "a number is not text of at most 256 characters",
            "quote it",
        ],
        [
            '  name: a\n  labels: { "a b": x }',
            "5:13",
            'metadata.labels["a b"]',
            "is not a label key",
            "use letters, digits",
        ],
        [
            "  name: a\n  labels: [team]",
            "5:3",
            "metadata.labels",
            "a list is not a mapping of labels",
            "write key: value below it",
        ],
    ]);
});

describe("where the image comes from", () => {
    edited(6, [
        ["  # none", "5:1", "spec", "neither build nor image is given", "add build: <folder"],
        [
            `  build: bridge\n  image: a@sha256:${HEX}`,
            "7:3",
            "spec.image",
            "build and image are both given",
            "keep one of them",
        ],
        [
            "  build: ../bridge",
            "6:3",
            "spec.build",
            '"../bridge" is not a folder under images/',
            "write the folder's name alone",
        ],
        [
            "  bulid: bridge\n  build: bridge",
            "6:3",
            "spec.bulid",
            "is not a known field",
            "did you mean build?",
        ],
        ...["mcp/fetch", "mcp/fetch:1.2", "mcp/fetch@sha256:abc"].map((image): Case => [
            `  image: ${image}`,
            "6:3",
            "spec.image",
            `"${image}" is not an image with its digest`,
            "write name@sha256:<64 hex digits>; docker buildx imagetools inspect",
        ]),
        ...[
            `mcp/postgres@sha256:${HEX}`,
            `x/modelcontextprotocol/server-postgres@sha256:${HEX}`,
        ].map((image): Case => [
            `  image: ${image}`,
            "6:3",
            "spec.image",
            REFUSED,
            "use build: dbhub",
        ]),
    ]);
});

describe("command", () => {
    edited(7, [
        ["  # none", "5:1", "spec.command", "is missing", 'write it like ["node"'],
        ["  command: []", "7:3", "spec.command", "the list is empty", 'write it like ["node"'],
        [
            "  command: node server.mjs",
            "7:3",
            "spec.command",
            "text is not a list of program and arguments",
            'write it like ["node"',
        ],
        ["  command: [node, 3]", "7:19", "spec.command[1]", "a number is not text", "quote it"],
        ['  command: ["", x]', "7:13", "spec.command[0]", "is empty", "write the program"],
        [
            '  command: ["x", "--dsn=postgres://u:hunter2@db/x"]',
            "7:18",
            "spec.command[1]",
            "the argument holds a secret",
            "use secrets",
        ],
        ['  command: ["a\\0"]', "7:13", "spec.command[0]", "the value is not text", "quote it"],
        ...[
            "@modelcontextprotocol/server-postgres",
            "@modelcontextprotocol/server-postgres@0.6.2",
            "/opt/node_modules/@modelcontextprotocol/server-postgres/dist/index.js",
            "/usr/bin/mcp-server-postgres",
        ].map((argument): Case => [
            `  command: [npx, "${argument}"]`,
            "7:18",
            "spec.command[1]",
            REFUSED,
            "use build: dbhub, as in manifests/postgres-mcp.yml",
        ]),
    ]);
});

describe("port", () => {
    const taken = [2375, 2376, 8080, 8090, 9090, 10005, 10006, 12375, 12376, 18080, 19090];
    edited(8, [
        ...["80", "1023", "65536", "13002.5", "-1", ...taken.map(String)].map((port): Case => [
            `  port: ${port}`,
            "8:3",
            "spec.port",
            `${port} is not a free port`,
            PORT,
        ]),
        ['  port: "13002"', "8:3", "spec.port", '"13002" is not a free port', PORT],
        ["  port:", "8:3", "spec.port", "has no value", PORT],
        ["  # none", "5:1", "spec.port", "is missing", "use a whole number from 1024 to 65535"],
    ]);
});
