import { createHash } from "node:crypto";

import {
    gatewayConfig,
    gatewayPorts,
    SYSTEM_RIGHTS,
    type GatewayConfig,
} from "../../../config/gateway";
import { manifest, stackContext } from "../../support/fixtures";

/** The gateway's own reading of its file, as far as it is looked at here. */
const { parseConfig } = jest.requireActual<{
    readonly parseConfig: (text: string) => {
        readonly servers: readonly (GatewayConfig["servers"][number] & {
            readonly tools: { permits(server: string, tool: string): boolean };
        })[];
        readonly clients: GatewayConfig["clients"];
        readonly settings: GatewayConfig["settings"];
    };
}>("../../../services/gateway/src/config.ts");

const HASH = createHash("sha256").update("a token").digest("hex");
const FILES = manifest(
    { port: 13002, tools: { deny: ["write_*"] }, transport: { path: "/rpc", containerPort: 4000 } },
    { name: "files-mcp" },
);
const FAR = manifest({ port: 14000 }, { name: "far-mcp" });
const EDITOR = {
    name: "editor",
    servers: ["files-mcp"],
    tools: { allow: ["*"], deny: ["read_all"] },
    limits: { callsPerMinute: 600, concurrent: 16, bodyBytes: 1048576, sessions: 64 },
};

/** What a stack sets to take access tokens. */
const OAUTH = {
    oauthIssuer: "https://id.example.com",
    oauthJwksUri: "https://id.example.com/keys",
    oauthAudience: "http://localhost:10005",
    oauthScopes: "mcp:tools mcp:read",
};

function configOf(settings: Readonly<Record<string, string>>): GatewayConfig {
    const clients = [
        { rights: EDITOR, identity: { tokenSha256: HASH } },
        { rights: SYSTEM_RIGHTS, identity: { tokenSha256: "b".repeat(64) } },
        { rights: { ...EDITOR, name: "ci" }, identity: { oauthClient: "ci-runner" } },
    ];
    return gatewayConfig(stackContext(settings), [FILES, FAR], clients);
}

test("a server is known by name, with its tools, and with its port where that is published", () => {
    expect(configOf({ publishServers: "13001-13010" }).servers).toEqual([
        {
            name: "files-mcp",
            url: "http://files-mcp:4000",
            path: "/rpc",
            port: 13002,
            tools: { allow: ["*"], deny: ["write_*"] },
        },
        {
            name: "far-mcp",
            url: "http://far-mcp:3000",
            path: "/mcp",
            tools: { allow: ["*"], deny: [] },
        },
    ]);
    for (const server of configOf({}).servers) {
        expect(server).not.toHaveProperty("port");
        expect(server).not.toHaveProperty("toolsHash");
    }
});

test("a client is known by the hash of its token and what its file says, and nothing else", () => {
    const [editor] = configOf({}).clients;
    expect(editor).toEqual({ ...EDITOR, tokenSha256: HASH });
});

test("the names it is asked by are those of Consul and of the orchestrator, with the stack's prefix", () => {
    expect(configOf({ namePrefix: "team-" }).settings.allowedHosts).toEqual([
        "team-far-mcp.service.consul",
        "team-files-mcp.service.consul",
        "team-mcp-edge.service.consul",
        "team-mcp-gateway.service.consul",
        "team-sutazai-mcp-edge",
        "team-sutazai-mcp-orchestrator",
    ]);
});

test("what the edge is told of names and origins it knows too, and it takes a client's address from the edge alone", () => {
    const { settings } = configOf({
        edgeHosts: "mcp.example.com",
        edgeOrigins: "https://console.example",
        mainSubnet: "10.99.0.0/24",
    });
    expect(settings.allowedHosts).toContain("mcp.example.com");
    expect(settings.allowedOrigins).toEqual(["https://console.example"]);
    expect(settings.trustedProxies).toEqual(["10.99.0.6"]);
});

test("all ports of the range are its own from the start, so that a new server needs no other", () => {
    expect(gatewayPorts(stackContext({}))).toEqual([8090]);
    expect(gatewayPorts(stackContext({ publishServers: "13001-13003" }))).toEqual([
        8090, 13001, 13002, 13003,
    ]);
});

test("the gateway itself accepts the configuration, and means the same by it", () => {
    const config = configOf({
        ...{ publishServers: "13001-13010", namePrefix: "team-" },
        ...{ ...OAUTH, gatewayStrictTools: "true", gatewayLegacySse: "true" },
    });
    const { servers, clients, settings } = parseConfig(JSON.stringify(config));
    expect(servers.map(({ name, path, port }) => [name, path, port])).toEqual([
        ["files-mcp", "/rpc", 13002],
        ["far-mcp", "/mcp", undefined],
    ]);
    expect(servers[0]?.tools.permits("files-mcp", "write_file")).toBe(false);
    expect(servers[0]?.tools.permits("files-mcp", "read_file")).toBe(true);
    expect(clients.map(({ name, limits }) => [name, limits])).toEqual([
        ["editor", EDITOR.limits],
        ["mcp-reporter", SYSTEM_RIGHTS.limits],
        ["ci", EDITOR.limits],
    ]);
    expect(clients[2]).toMatchObject({ oauthClient: "ci-runner", tokenSha256: [] });
    expect(settings).toMatchObject({
        ...{ strictTools: true, legacySse: true },
        oauth: {
            issuer: "https://id.example.com",
            jwksUri: "https://id.example.com/keys",
            audience: "http://localhost:10005",
            scopes: ["mcp:tools", "mcp:read"],
            clientClaim: "client_id",
            // The companion: the gateway reaches no name outside by itself.
            proxyUrl: "http://egress:3128",
        },
    });
});

test("tools that were approved are recorded by their hash", () => {
    const hash = "c".repeat(64);
    const approved = manifest({ port: 13002, tools: { hash } }, { name: "files-mcp" });
    const { servers } = gatewayConfig(stackContext({}), [approved], []);
    expect(servers[0]?.toolsHash).toBe(hash);
});

test("by default neither OAuth nor the old transport, and tools are not held back", () => {
    const { settings } = configOf({});
    expect(settings).toMatchObject({ strictTools: false, legacySse: false });
    expect(settings).not.toHaveProperty("oauth");
});
