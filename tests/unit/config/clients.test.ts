import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";

import { loadClients, type ClientFile } from "../../../config/clients";
import { ManifestError } from "../../../config/manifest-issue";

const SERVERS = ["files-mcp", "sql-mcp"];

let folder: string;

beforeEach(() => {
    folder = path.join(mkdtempSync(path.join(tmpdir(), "clients-")), "clients");
    mkdirSync(folder);
});
afterEach(() => {
    rmSync(path.dirname(folder), { recursive: true });
});

/** A client's file with these lines below `spec`. */
const text = (name: string, ...spec: readonly string[]): string =>
    ["apiVersion: mcp/v1", "kind: MCPClient", "metadata:", `  name: ${name}`, "spec:", ...spec]
        .join("\n")
        .concat("\n");

function load(files: Readonly<Record<string, string>>): ClientFile[] {
    for (const [name, content] of Object.entries(files)) {
        writeFileSync(path.join(folder, name), content);
    }
    return loadClients(folder, SERVERS, false);
}

function problemsOf(files: Readonly<Record<string, string>>): string[] {
    try {
        load(files);
    } catch (error) {
        if (error instanceof ManifestError) return error.message.split("\n");
        throw error;
    }
    return [];
}

test("what a file leaves out has its default", () => {
    expect(load({ "a.yml": text("editor", '  servers: ["*"]') })).toEqual([
        {
            file: "clients/a.yml",
            name: "editor",
            servers: ["*"],
            tools: { allow: ["*"], deny: [] },
            limits: { callsPerMinute: 600, concurrent: 16, bodyBytes: 1048576, sessions: 64 },
            oauthClient: undefined,
            tokenEpoch: 1,
        },
    ]);
});

test("everything a file can say is taken, clients by name", () => {
    const spec = [
        "  servers: [sql-mcp]",
        '  tools: { allow: ["read_*"], deny: [read_all] }',
        "  limits: { callsPerMinute: 5, concurrent: 1, bodyBytes: 2048, sessions: 2 }",
        "  tokenEpoch: 7",
    ];
    const files = { "a.yml": text("z", "  servers: [files-mcp]"), "b.yaml": text("ci", ...spec) };
    const [first, second] = load(files);
    expect(first).toEqual({
        file: "clients/b.yaml",
        name: "ci",
        servers: ["sql-mcp"],
        tools: { allow: ["read_*"], deny: ["read_all"] },
        limits: { callsPerMinute: 5, concurrent: 1, bodyBytes: 2048, sessions: 2 },
        tokenEpoch: 7,
    });
    expect(second?.name).toBe("z");
});

test("an empty folder has no clients; one that is not there is an error with the setting", () => {
    expect(load({})).toEqual([]);
    expect(() => loadClients(path.join(folder, "none"), SERVERS, false)).toThrow(
        "the folder of the clients does not exist; create it, or set it with: pulumi config set clientsDir <folder>",
    );
});

test("all problems of all files are told at once, each with place, field and remedy", () => {
    const problems = problemsOf({
        "a.yml": text("editor", "  servers: [files-mpc]", "  tokenEpoch: 1"),
        "b.yml": text("editor", '  servers: ["*"]'),
        "c.yml": text("mcp-reporter", '  servers: ["*"]'),
        "d.yml": text("Ed", "  servers: []", "  limits: { callsPerMinute: 0, bursts: 1 }"),
        "e.yml": "",
    });
    expect(problems).toEqual([
        'clients/a.yml:6:13 spec.servers[0]: "files-mpc" is no server of this stack; use one of files-mcp, sql-mcp, or "*" for all',
        "clients/b.yml:4:3 metadata.name: this name is taken by clients/a.yml; give each client its own name",
        "clients/c.yml:4:3 metadata.name: this name is taken by the system; give each client its own name",
        expect.stringMatching(/^clients\/d.yml:4:3 metadata.name: "Ed" is not a client's name; /),
        expect.stringMatching(/^clients\/d.yml:6:3 spec.servers: the list is empty; /),
        expect.stringMatching(/^clients\/d.yml:7:13 spec.limits.callsPerMinute: 0 is not /),
        expect.stringMatching(/^clients\/d.yml:7:32 spec.limits.bursts: is not a known field; /),
        expect.stringMatching(/^clients\/e.yml:1:1: the file is empty; /),
    ]);
});

test("a client that comes with access tokens needs a stack that takes them", () => {
    const files = { "a.yml": text("ci", '  servers: ["*"]', "  oauthClient: ci-runner") };
    expect(problemsOf(files)).toEqual([
        "clients/a.yml:7:3 spec.oauthClient: this stack takes no access tokens; " +
            "set oauthIssuer, oauthJwksUri and oauthAudience, or remove it for a token",
    ]);
    expect(loadClients(folder, SERVERS, true)[0]?.oauthClient).toBe("ci-runner");
});
