import * as consul from "@pulumi/consul";

import { MeshLayer } from "../../components/layers";
import { checkId, Registrations } from "../../components/registrations";
import { IMAGE, manifest, stackContext } from "../support/fixtures";
import { startMocks, type Recorded, type Recorder } from "../support/mocks";

let recorder: Recorder;

beforeEach(async () => {
    recorder = await startMocks();
});

const SQL = manifest(
    { port: 13001, health: { call: { tool: "execute_sql", arguments: { sql: "select 1" } } } },
    { name: "sql-mcp" },
);
const PLAIN = manifest({ port: 13002, transport: { path: "/x" } }, { name: "plain-mcp" });

async function registrations(config: Record<string, string> = {}): Promise<Recorded[]> {
    const provider = new consul.Provider("consul", { address: "127.0.0.1:10006" });
    const parent = new MeshLayer("mesh", provider, undefined);
    const servers = [SQL, PLAIN].map((one) => ({ manifest: one, image: IMAGE }));
    const context = stackContext(config);
    new Registrations("registrations", { context, servers }, { parent });
    await recorder.settle();
    return recorder.ofKind("Service");
}

const service = (name: string): Recorded => recorder.one("Service", `${name}-registration`);

test("is a node of its own, the inner daemon, the manager, gateway and edge, each server, and a query", async () => {
    await registrations();
    expect(recorder.below("registrations")).toEqual([
        "consul:index/node:Node registrations-node",
        "consul:index/preparedQuery:PreparedQuery registrations-query",
        "consul:index/service:Service plain-mcp-registration",
        "consul:index/service:Service registrations-edge",
        "consul:index/service:Service registrations-gateway",
        "consul:index/service:Service registrations-manager",
        "consul:index/service:Service registrations-orchestrator",
        "consul:index/service:Service sql-mcp-registration",
    ]);
    expect(recorder.one("Node", "registrations-node").inputs).toEqual({
        name: "sutazai-mcp-orchestrator",
        address: "10.89.0.2",
        meta: { "managed-by": "sutazai-mcp", stack: "test" },
    });
});

test("a server is registered where consumers on sutazai-main reach it, with what they need to know", async () => {
    await registrations();
    const { checks, ...inputs } = service("sql-mcp").inputs;
    expect(checks).toBeDefined();
    expect(inputs).toEqual({
        node: "sutazai-mcp-orchestrator",
        name: "sql-mcp",
        serviceId: "sql-mcp",
        address: "10.89.0.2",
        port: 8090,
        tags: ["mcp", "streamable-http", "stack:test"],
        meta: {
            protocol: "mcp",
            transport: "streamable-http",
            path: "/servers/sql-mcp/mcp",
            tools: "unknown",
            image: IMAGE,
            "manifest-hash": SQL.hash,
            "health-tool": "execute_sql",
            "health-arguments": '{"sql":"select 1"}',
            "managed-by": "sutazai-mcp",
            stack: "test",
        },
    });
    expect(service("plain-mcp").inputs).toMatchObject({
        port: 8090,
        meta: { path: "/servers/plain-mcp/mcp" },
    });
    expect(service("plain-mcp").inputs.meta).not.toHaveProperty("health-tool");
});

test("the inner daemon is registered with its TLS port, and is no MCP server", async () => {
    await registrations();
    expect(recorder.one("Service", "registrations-orchestrator").inputs).toMatchObject({
        name: "mcp-orchestrator",
        address: "10.89.0.2",
        port: 2376,
        tags: ["docker", "stack:test"],
        meta: { protocol: "docker" },
    });
});

test.each([
    ["none", "http", { protocol: "http", path: "/healthz" }],
    ["own", "https", { protocol: "https", path: "/healthz" }],
    ["files", "https", { protocol: "tcp" }],
])(
    "the edge is looked through at the gateway's health (edgeTls %s)",
    async (edgeTls, tag, meta) => {
        const files = { edgeCertFile: "cert.pem", edgeKeyFile: "key.pem" };
        await registrations({ edgeTls, ...(edgeTls === "files" ? files : {}) });
        expect(recorder.one("Service", "registrations-edge").inputs).toMatchObject({
            name: "mcp-edge",
            address: "10.89.0.6",
            port: 8000,
            tags: [tag, "stack:test"],
            meta,
        });
    },
);

test("every service is born critical, and nothing but this program removes it", async () => {
    for (const { inputs } of await registrations()) {
        expect(inputs.checks).toEqual([
            expect.objectContaining({
                checkId: checkId(String(inputs.name)),
                status: "critical",
                deregisterCriticalServiceAfter: "0s",
            }),
        ]);
    }
});

test("what the reporter writes is ignored, and nothing else; a replacement deletes first", async () => {
    for (const { options } of await registrations()) {
        expect(options.ignoreChanges).toEqual(["checks", "meta.tools"]);
        expect(options.deleteBeforeReplace).toBe(true);
    }
    expect(recorder.one("Node", "registrations-node").options).toEqual({
        deleteBeforeReplace: true,
    });
});

test("the query finds healthy instances of any server by its name", async () => {
    await registrations({ namePrefix: "team-" });
    const { inputs } = recorder.one("PreparedQuery", "registrations-query");
    expect(inputs).toMatchObject({
        name: "team-mcp-",
        service: "team-${match(1)}",
        onlyPassing: true,
        tags: ["mcp"],
        template: { type: "name_prefix_match", regexp: "^team-mcp-(.+)$" },
    });
});

test("two stacks with different prefixes share no node, service, check or query", async () => {
    const namesOf = async (config: Record<string, string>): Promise<string[]> => {
        const services = await registrations(config);
        const ids = services.map(({ inputs }) => String(inputs.name));
        const others = ["Node", "PreparedQuery"] as const;
        const kinds = others.flatMap((kind) => recorder.ofKind(kind));
        return [...ids, ...ids.map(checkId), ...kinds.map(({ inputs }) => String(inputs.name))];
    };
    const one = await namesOf({});
    recorder = await startMocks();
    const other = await namesOf({ namePrefix: "second-" });
    expect(one.filter((name) => other.includes(name))).toEqual([]);
});
