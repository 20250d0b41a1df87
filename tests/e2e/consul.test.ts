import { createServer as createHttpServer, type Server } from "node:http";
import { createServer, type Server as TcpServer } from "node:net";

import { askConsul } from "../../cli/consul/client";
import { answersWithin } from "../support/e2e/clients";
import { ExternalConsul } from "../support/e2e/external-consul";
import { TestStack } from "../support/e2e/stack";
import { testAuthority } from "../support/certificates";
import { describeWhere } from "../support/machine";

jest.setTimeout(200_000);

const FILES = `apiVersion: mcp/v1
kind: MCPContainer
metadata: { name: files-mcp }
spec:
  build: bridge
  command: ["node", "/opt/servers/filesystem/node_modules/@modelcontextprotocol/server-filesystem/dist/index.js", "/data"]
  port: 13002
  volumes: [{ source: shared, path: /data, readOnly: true }]
`;

describeWhere("docker", "an external Consul, over TLS with an authority of its own", () => {
    const plan = (
        letter: string,
        portOffset: number,
        third: number,
        innerPool: string,
    ): TestStack =>
        new TestStack({
            ...{ name: `e2e-consul-${letter}`, prefix: `e2e-c${letter}-` },
            ...{ portOffset, third, innerPool },
        });
    const first = plan("a", 3400, 34, "10.97.64.0/20");
    const second = plan("b", 3500, 36, "10.97.80.0/20");
    let consul: ExternalConsul;

    const prepare = async (stack: TestStack, more: Record<string, string> = {}): Promise<void> => {
        const settings = await consul.settingsFor(stack.prefix);
        await stack.prepare({ postgresMode: "external", ...settings, ...more });
        stack.writeText("files-mcp", FILES);
    };
    const statusOf = async (service: string): Promise<string> => {
        const [check] = await askConsul<{ Status: string }[]>(
            consul.target,
            "GET",
            `/v1/health/checks/${service}`,
        );
        return check?.Status ?? "none";
    };
    const until = async (service: string, status: string, seconds: number): Promise<void> => {
        const deadline = Date.now() + seconds * 1000;
        while ((await statusOf(service)) !== status) {
            if (Date.now() > deadline) throw new Error(`${service} is not ${status} in time`);
            await new Promise((resolve) => setTimeout(resolve, 100));
        }
    };
    const services = async (): Promise<string[]> =>
        Object.keys(
            await askConsul<Record<string, unknown>>(consul.target, "GET", "/v1/catalog/services"),
        ).sort();
    const own = (stack: TestStack): string[] =>
        [
            ...["files-mcp", "mcp-edge", "mcp-gateway", "mcp-manager", "mcp-orchestrator"],
            "mcp-reporter",
        ].map((name) => `${stack.prefix}${name}`);

    beforeAll(async () => {
        consul = await ExternalConsul.start();
    });
    afterAll(async () => {
        await consul.restart().catch(() => undefined);
        await first.remove();
        await second.remove();
        await ExternalConsul.remove();
        expect([...(await first.leftovers()), ...(await second.leftovers())]).toEqual([]);
    });

    test("a stack registers there, with tokens of the documented rules, and its servers pass", async () => {
        await prepare(first);
        const { code, stderr, stdout } = await first.up();
        expect(`${String(code)}${code === 0 ? "" : stderr}`).toBe("0");
        expect(JSON.parse(stdout)).toMatchObject({ endpoints: [{ state: "healthy" }] });
        expect(await services()).toEqual(["consul", ...own(first)]);
        await until(`${first.prefix}files-mcp`, "passing", 15);
        const { consulToken = "" } = await consul.settingsFor(first.prefix);
        expect(consulToken).not.toBe("");
        expect(stdout + stderr).not.toContain(consulToken);
    });

    test("discover takes the user's token for it", async () => {
        const env = { CONSUL_HTTP_TOKEN: consul.target.token ?? "" };
        const { code, stdout } = await first.mcp(["discover"], { env });
        expect(code).toBe(0);
        expect(stdout).toContain(`http://${first.main(2)}:8090/servers/files-mcp/mcp`);
        const refused = await first.mcp(["discover"]);
        expect(refused.code).toBe(1);
        expect(refused.stderr).toContain("CONSUL_HTTP_TOKEN");
    });

    test("Consul down during up: the error names it, the rest runs, and the next up completes", async () => {
        await prepare(second);
        await consul.stop();
        const failed = await second.up();
        expect(failed.code).toBe(1);
        expect(failed.stderr).toContain(`Consul at https://${consul.address} does not answer`);
        expect(failed.stderr).not.toMatch(/^\s+at .*\.ts:/m);
        expect(await answersWithin(second.door(13002), 5)).toContain("read_text_file");
        await consul.restart();
        const completed = await second.up();
        expect(`${String(completed.code)}${completed.code === 0 ? "" : completed.stderr}`).toBe(
            "0",
        );
        await until(`${second.prefix}files-mcp`, "passing", 15);
    });

    test("two stacks share it without a clash, and down of one deregisters its own alone", async () => {
        expect(await services()).toEqual(["consul", ...own(first), ...own(second)]);
        await until(`${first.prefix}files-mcp`, "passing", 20);
        const queries = (): Promise<{ Name: string }[]> =>
            askConsul(consul.target, "GET", "/v1/query");
        expect((await queries()).map(({ Name }) => Name).sort()).toEqual([
            `${first.prefix}mcp-`,
            `${second.prefix}mcp-`,
        ]);
        const down = await second.mcp(["down"], { seconds: 120 });
        expect(`${String(down.code)}${down.code === 0 ? "" : down.stderr}`).toBe("0");
        expect(await services()).toEqual(["consul", ...own(first)]);
        expect((await queries()).map(({ Name }) => Name)).toEqual([`${first.prefix}mcp-`]);
        expect(await statusOf(`${first.prefix}files-mcp`)).toBe("passing");
    });

    test("of 100 services each has its state, and a change is seen in time all the same", async () => {
        const tools = { jsonrpc: "2.0", id: 1, result: { tools: [{ name: "x" }] } };
        const answering = await listening<Server>(
            createHttpServer((request, response) => {
                let text = "";
                request.on("data", (chunk: Buffer) => (text += chunk.toString()));
                request.on("end", () => {
                    const { id } = JSON.parse(text) as { id: number };
                    response.setHeader("content-type", "application/json");
                    response.end(JSON.stringify({ ...tools, id }));
                });
            }),
            consul.gateway,
        );
        const hanging = await listening<TcpServer>(createServer(), consul.gateway);
        const kinds = [
            { kind: "answering", port: answering.port, status: "passing", count: 40 },
            { kind: "hanging", port: hanging.port, status: "critical", count: 28 },
            { kind: "refusing", port: 9, status: "critical", count: 30 },
        ];
        const fakes = kinds.flatMap(({ kind, port, status, count }) =>
            Array.from({ length: count }, (_, index) => ({
                name: `${first.prefix}${kind}-${String(index)}`,
                port,
                status,
            })),
        );
        const Node = `${first.prefix}sutazai-mcp-orchestrator`;
        try {
            await Promise.all(
                fakes.map(({ name, port }) =>
                    askConsul(consul.target, "PUT", "/v1/catalog/register", {
                        Node,
                        SkipNodeUpdate: true,
                        Service: {
                            ...{ ID: name, Service: name, Address: consul.gateway, Port: port },
                            Meta: { protocol: "mcp", path: "/mcp" },
                        },
                        Check: {
                            ...{ Node, CheckID: `mcp:${name}`, Name: "MCP health" },
                            ...{ Status: "critical", ServiceID: name },
                        },
                    }),
                ),
            );
            for (const { name, status } of fakes) await until(name, status, 20);
            expect(await statusOf(`${first.prefix}files-mcp`)).toBe("passing");
            await first.run("docker", "stop", "--time", "0", "files-mcp");
            await until(`${first.prefix}files-mcp`, "critical", 10);
            await first.run("docker", "start", "files-mcp");
            await until(`${first.prefix}files-mcp`, "passing", 20);
            for (const { name, status } of fakes)
                expect([name, await statusOf(name)]).toEqual([name, status]);
        } finally {
            answering.close();
            hanging.close();
            for (const { name } of fakes) {
                const entry = { Node, ServiceID: name };
                await askConsul(consul.target, "PUT", "/v1/catalog/deregister", entry);
            }
        }
    });

    test.each([
        ["loopback", { consulAddress: "127.0.0.1:8501" }, "consulAddress: must be host:port"],
        ["IPv6", { consulAddress: "[fd00::5]:8501" }, "sutazai-main has no IPv6"],
        [
            "no authority",
            { consulCa: "nonsense" },
            "consulCa: must be a certificate of an authority",
        ],
    ])(
        "%s in the settings is one clear line, and nothing is made",
        async (_what, settings, line) => {
            await prepare(second, settings);
            const { code, stderr } = await second.up();
            expect(code).toBe(1);
            expect(stderr).toContain(line);
            await second.remove();
            expect(await second.leftovers()).toEqual([]);
        },
    );

    test("another authority is named before anything is registered", async () => {
        await prepare(second, { consulCa: (await testAuthority()).cert });
        const { stdout } = await second.mcp(["doctor", "--json"]);
        expect(stdout).toMatch(
            /Consul at https:.* does not answer \((SELF_SIGNED|UNABLE_TO|CERT_|DEPTH)/,
        );
        await second.remove();
    });
});

/** Starts listening on any port of an address; `close` drops the connections as well. */
function listening<T extends Server | TcpServer>(
    server: T,
    address: string,
): Promise<{ port: number; close: () => void }> {
    const sockets = new Set<{ destroy: () => unknown }>();
    server.on("connection", (socket: { destroy: () => unknown }) => sockets.add(socket));
    return new Promise((resolve) => {
        server.listen(0, address, () => {
            const at = server.address();
            if (at === null || typeof at === "string") throw new Error("no port");
            const close = (): void => {
                for (const socket of sockets) socket.destroy();
                server.close();
            };
            resolve({ port: at.port, close });
        });
    });
}
