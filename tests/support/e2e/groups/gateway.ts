import { z } from "zod";

import { callTool, connected, ERAS, type Door } from "../clients";
import { ask, askWithoutSession, initialize, type Answer } from "../http";
import { ManagerApi } from "../manager";
import type { TestStack } from "../stack";
import { GATEWAY, GATEWAY_PORT, PORTS, PRODUCT, SERVERS } from "./servers";

/** Client that may see one server, and there no tool that writes. */
export const NARROW = "narrow";

const AUDIT = "/var/log/mcp/audit/calls.jsonl";

const auditLine = z.looseObject({
    type: z.string(),
    client: z.string(),
    server: z.string(),
    tool: z.string().optional(),
    outcome: z.string(),
    argNames: z.array(z.string()).optional(),
});

type Params = { readonly name?: string; readonly arguments?: object };

/** Writes the clients of the first bring-up besides the one that may do everything. */
export function writeClients(stack: TestStack): void {
    stack.writeClient(NARROW, {
        servers: ["files-mcp"],
        tools: { deny: ["write_*", "edit_*", "create_*", "move_*"] },
        limits: { callsPerMinute: 120, bodyBytes: 4096 },
    });
}

/** The one door: who gets through it, to what, and what is written down. */
export function gatewayTests(stack: TestStack): void {
    const all = (client?: string): Promise<Door> => stack.door(10005, "/mcp", client);
    const one = (server: string, client?: string): Promise<Door> =>
        stack.door(10005, `/servers/${server}/mcp`, client);
    const post = ({ url, token }: Door, method: string, params: Params = {}): Promise<Answer> =>
        askWithoutSession(url, token, method, params);

    test("without a token, or with a wrong one, nobody gets in anywhere", async () => {
        const paths = [
            ...["/mcp", "/servers/files-mcp/mcp", "/servers/no-such-mcp/mcp"].map((path) =>
                stack.url(10005, path),
            ),
            ...SERVERS.map((name) => stack.url(PORTS[name])),
        ];
        const tries: Record<string, string>[] = [
            {},
            { Authorization: "Bearer wrong" },
            { Authorization: "Basic eDp5" },
        ];
        for (const url of paths) {
            for (const headers of tries) {
                const { status, headers: got, body } = await initialize(url, headers);
                expect([url, status]).toEqual([url, 401]);
                expect(got["www-authenticate"]).toMatch(/^Bearer/);
                expect(body).not.toMatch(/serverInfo/);
            }
        }
    });

    describe.each(ERAS)("at /mcp, $era", ({ connect }) => {
        test("the tools of all servers have their server's name before them, and work", async () => {
            await connected(
                all(),
                async (server) => {
                    const tools = await server.tools();
                    for (const name of SERVERS) {
                        const own = await connected(one(name), (alone) => alone.tools(), connect);
                        expect(tools).toEqual(
                            expect.arrayContaining(own.map((tool) => `${name}__${tool}`)),
                        );
                    }
                    const sql = "select 6 * 7 as answer";
                    const { isError, text } = await server.call("postgres-mcp__execute_sql", {
                        sql,
                    });
                    expect([isError, text]).toEqual([false, expect.stringContaining("42")]);
                },
                connect,
            );
        });

        test("a client sees its own servers and tools, no others", async () => {
            const [aggregate, direct] = [
                await connected(all(NARROW), (server) => server.tools(), connect),
                await connected(one("files-mcp", NARROW), (server) => server.tools(), connect),
            ];
            expect(direct).toContain("read_text_file");
            expect(direct.filter((tool) => /^(write|edit|create|move)_/.test(tool))).toEqual([]);
            expect([...aggregate].sort()).toEqual(
                direct.map((tool) => `files-mcp__${tool}`).sort(),
            );
        });
    });

    test("another client's server and a denied tool look like ones that do not exist", async () => {
        const narrow = async (server: string): Promise<Answer> =>
            post(await one(server, NARROW), "tools/list");
        const [foreign, none] = [await narrow("postgres-mcp"), await narrow("no-such-mcp")];
        expect([foreign.status, none.status]).toEqual([404, 404]);
        expect(foreign.body.replaceAll("postgres-mcp", "X")).toBe(
            none.body.replaceAll("no-such-mcp", "X"),
        );
        const denied = await post(await one("files-mcp", NARROW), "tools/call", {
            name: "write_file",
            arguments: { path: "/data/denied.txt", content: "x" },
        });
        expect(denied.body).toContain("Unknown tool: write_file");
        await expect(stack.run("test", "-e", "/data/shared/denied.txt")).rejects.toThrow();
        // Its own port lets nobody round it.
        const token = await stack.token(NARROW);
        const { status } = await initialize(stack.url(PORTS["postgres-mcp"]), {
            Authorization: `Bearer ${token}`,
        });
        expect(status).toBe(404);
    });

    test("a body larger than the client may send is refused, one within goes on", async () => {
        const door = await one("files-mcp", NARROW);
        const call = async (bytes: number): Promise<number> => {
            const args = { path: "/data/x", pad: "p".repeat(bytes) };
            return (await post(door, "tools/call", { name: "get_file_info", arguments: args }))
                .status;
        };
        expect(await call(8_000)).toBe(413);
        expect(await call(1_000)).toBe(200);
    });

    test("a dead and a hanging server leave the rest usable, with the reason in the list", async () => {
        await stack.run("docker", "stop", "--time", "0", "http-mcp");
        try {
            const { status, body } = await post(await all(), "tools/list");
            expect(status).toBe(200);
            expect(body).toContain("files-mcp__read_text_file");
            expect(body).not.toContain("http-mcp__fetch");
            expect(body).toMatch(
                /sutazai\.gateway\/unavailable":\[\{"server":"http-mcp","reason":"/,
            );
            const dead = await post(await one("http-mcp"), "tools/list");
            expect([dead.status, dead.body]).toEqual([502, expect.stringContaining("http-mcp")]);
            const names = (await connected(all(), (server) => server.tools())).join(" ");
            expect(names).toContain("postgres-mcp__execute_sql");
        } finally {
            await stack.run("docker", "start", "http-mcp");
        }
    }, 60_000);

    test("a call that waits for a server which hangs holds up nobody else", async () => {
        const args = { path: "/data" };
        const files = await one("files-mcp");
        await stack.run("docker", "pause", "http-mcp");
        try {
            const hanging = post(await one("http-mcp"), "tools/list").catch(() => undefined);
            for (let round = 0; round < 10; round += 1) {
                const { isError } = await callTool(files, "list_directory", args);
                expect(isError).toBe(false);
            }
            await stack.run("docker", "unpause", "http-mcp");
            // Or the server closes the connection it had forgotten meanwhile; a call is never sent twice.
            expect([200, 502]).toContain((await hanging)?.status);
        } finally {
            await stack.run("docker", "unpause", "http-mcp").catch(() => undefined);
        }
    }, 60_000);

    test("each call is a line of the audit, with names and a hash, never a value", async () => {
        const secret = "audit-me-not";
        await callTool(one("files-mcp"), "get_file_info", { path: `/data/${secret}` });
        await callTool(all(NARROW), "files-mcp__get_file_info", { path: `/data/${secret}` });
        const text = await stack.run("tail", "-n", "50", AUDIT);
        const lines = text
            .trim()
            .split("\n")
            .map((line) => auditLine.parse(JSON.parse(line)));
        const mine = lines.filter(({ tool }) => tool === "get_file_info").slice(-2);
        expect(mine).toMatchObject([
            { type: "call", client: "local", server: "files-mcp", argNames: ["path"] },
            { type: "call", client: NARROW, server: "files-mcp", argNames: ["path"] },
        ]);
        expect(Object.keys(mine[0] ?? {})).toEqual(
            expect.arrayContaining(["time", "durationMs", "requestId", "argsHash", "traceId"]),
        );
        expect(text).not.toContain(secret);
        expect((await stack.run("stat", "-c", "%u:%g %a", AUDIT)).trim()).toBe("1001:1001 600");
    });

    test("the manager hands on what it counts, by client, server and tool", async () => {
        const headers = { Authorization: `Bearer ${await new ManagerApi(stack).token("read")}` };
        const { status, body } = await ask(stack.url(19_090, "/metrics"), { headers });
        expect(status).toBe(200);
        expect(body).toMatch(/^mcp_gateway_up 1$/m);
        expect(body).toMatch(
            /^mcp_gateway_calls_total\{client="narrow",server="files-mcp",tool="get_file_info",outcome="\w+"\} \d/m,
        );
        expect(body).toMatch(/^mcp_gateway_call_seconds_count\{server="postgres-mcp",tool="exec/m);
    });

    test("no server reaches it, nor its metrics, by any of its addresses", async () => {
        const [found] = await stack.inspect(GATEWAY);
        const networks = Object.values(found?.NetworkSettings.Networks ?? {});
        const own = networks.map(({ IPAddress }) => IPAddress);
        expect(own.every((address) => address.startsWith("10.97."))).toBe(true);
        const urls = [...own, stack.main(2)].flatMap((host) => [
            `http://${host}:${String(GATEWAY_PORT)}/healthz`,
            `http://${host}:9464/metrics`,
        ]);
        const open = await Promise.all(
            PRODUCT.flatMap((name) =>
                urls.map(async (url) => {
                    const { code } = await stack.inside(name, [
                        ...["curl", "-sS", "--noproxy", "*", "-m", "2", url],
                    ]);
                    return code === 0 ? [`${name} -> ${url}`] : [];
                }),
            ),
        );
        expect(open.flat()).toEqual([]);
    }, 60_000);

    test("killed, it comes back by itself, and clients connect again", async () => {
        const started = async (): Promise<string | undefined> =>
            (await stack.inspect(GATEWAY))[0]?.State.StartedAt;
        const before = await started();
        const pid = (await stack.run("docker", "inspect", "-f", "{{.State.Pid}}", GATEWAY)).trim();
        await stack.run("kill", "-9", pid);
        const deadline = Date.now() + 30_000;
        const works = async (): Promise<boolean> =>
            connected(one("files-mcp"), async (server) => (await server.tools()).length > 0).catch(
                () => false,
            );
        while ((await started()) === before || !(await works())) {
            if (Date.now() > deadline) throw new Error("the gateway does not come back");
            await new Promise((resolve) => setTimeout(resolve, 200));
        }
    }, 60_000);
}
