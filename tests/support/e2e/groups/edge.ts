import { planEdge } from "../../../../config/edge/model";
import { ORIGINS } from "../../edge/cases";
import { edgeSuite, waitFor } from "../../edge/suite";
import { exec, host } from "../docker";
import { startEdgeOf } from "../edge";
import { ask, askWithoutSession, initialize, knock, type Answer, type Question } from "../http";
import { Mesh } from "../mesh";
import type { TestStack } from "../stack";

const FOUND_AGAIN_MS = 30_000;
const ID = /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/;

/** The way in for clients, on the stack as it was brought up; restarts the edge and the gateway. */
export function edgeTests(stack: TestStack): void {
    const name = stack.edge;
    const mesh = new Mesh(stack);
    let base = "";
    let ca = "";
    let token = "";

    beforeAll(async () => {
        const status = await stack.mcp(["status", "--json"]);
        const { edge } = JSON.parse(status.stdout) as { edge: { url: string; state: string } };
        expect(edge.state).toBe("healthy");
        base = new URL(edge.url).origin;
        if (base.startsWith("https:")) ca = (await stack.mcp(["ca"])).stdout;
        token = (await stack.mcp(["client", "token", "local"])).stdout.trim();
        expect(token).toMatch(/^\S{32,}$/);
    });

    const through = (path: string, question: Question = {}): Promise<Answer> =>
        ask(`${base}${path}`, { ...question, tls: { ca } });

    /** A `tools/list` without session. */
    const list = (path: string, bearer: string, headers = {}): Promise<Answer> =>
        askWithoutSession(`${base}${path}`, bearer, "tools/list", {}, { headers, tls: { ca } });

    describe("its program, asked as every edge is:", () => {
        const subnets = { internalSubnet: "10.0.1.0/24", innerPool: "10.1.0.0/16" };
        const plan = planEdge(
            { mainSubnet: "10.0.0.0/24", ...subnets },
            { gatewayPort: 8090, allowedOrigins: ORIGINS, bodyBytes: 65_536 },
        );
        edgeSuite(plan, () => startEdgeOf(stack, plan));
    });

    test("one server and all of them answer a client with its token, and nobody without", async () => {
        const one = await list("/servers/files-mcp/mcp", token);
        expect([one.status, one.body]).toEqual([200, expect.stringContaining("read_text_file")]);
        const all = await list("/mcp", token);
        expect([all.status, all.body]).toEqual([
            200,
            expect.stringContaining("files-mcp__read_text_file"),
        ]);
        expect((await list("/mcp", "wrong")).status).toBe(401);
        expect((await through("/mcp", { method: "POST" })).status).toBe(401);
    });

    test("a session opens, and its id crosses", async () => {
        const opened = await initialize(
            `${base}/servers/files-mcp/mcp`,
            { authorization: `Bearer ${token}` },
            { revision: "2025-11-25", tls: { ca } },
        );
        expect(opened.status).toBe(200);
        expect(opened.headers["mcp-session-id"]).toMatch(/^\S+$/);
    });

    test("whoever guesses tokens locks out nobody who has one", async () => {
        const statuses = new Set<number>();
        for (let n = 0; n < 25; n += 1) statuses.add((await list("/mcp", `guess-${n}`)).status);
        expect([...statuses]).toEqual([401, 429]);
        expect((await list("/mcp", token)).status).toBe(200);
    });

    test("a request's id is in the client's answer and in the gateway's record of the call", async () => {
        const given = await list("/mcp", token, { "x-correlation-id": "of-the-client" });
        expect(given.headers["x-correlation-id"]).toBe("of-the-client");
        const made = await list("/mcp", token);
        expect(made.headers["x-correlation-id"]).toMatch(ID);
        const call = await askWithoutSession(
            `${base}/servers/files-mcp/mcp`,
            token,
            "tools/call",
            { name: "list_allowed_directories", arguments: {} },
            { headers: { "x-correlation-id": "call-of-the-edge-test" }, tls: { ca } },
        );
        expect(call.headers["x-correlation-id"]).toBe("call-of-the-edge-test");
        const record = await stack.run("tail", "-n", "50", "/var/log/mcp/audit/calls.jsonl");
        expect(record).toContain('"correlationId":"call-of-the-edge-test"');
    });

    test("what it does not know and what is too large ends at the edge", async () => {
        for (const path of ["/", "/metrics", "/readyz", "/status/ready", "/config/", "/services"]) {
            expect([path, (await through(path)).status]).toEqual([path, 404]);
        }
        const { status } = await list("/mcp", token, {
            // Told, not sent: who is refused while still sending may not get to read the answer.
            "content-length": String(5 * 1024 * 1024),
        });
        expect(status).toBe(413);
    });

    test("nothing else listens: no admin API, and its state on its own loopback", async () => {
        const { stdout } = await exec(name, ["cat", "/proc/net/tcp", "/proc/net/tcp6"]);
        const listening = [...stdout.matchAll(/^ *\d+: ([0-9A-F]+):([0-9A-F]{4}) \S+ 0A /gm)]
            .map(([, address, port = ""]) => [Number.parseInt(port, 16), address])
            // Docker's own name server, on a port of its choice.
            .filter(([, address]) => address !== "0B00007F");
        expect(listening).toEqual(
            expect.arrayContaining([
                [8000, expect.stringMatching(/^0+$/)],
                [8100, "0100007F"],
            ]),
        );
        expect(listening).toHaveLength(2);
        for (const port of [2019, 8001, 8100]) {
            expect([port, await knock(stack.main(6), port)]).toEqual([port, "ECONNREFUSED"]);
        }
    });

    test("runs confined: no root, no capability, nothing to write on, a bound on its processes", async () => {
        const { Config, HostConfig } = await host.getContainer(name).inspect();
        expect(Config.User).toBe("10005:10005");
        expect(HostConfig).toMatchObject({
            ReadonlyRootfs: true,
            Privileged: false,
            CapDrop: ["ALL"],
            SecurityOpt: ["no-new-privileges"],
            Ulimits: [{ Name: "nproc", Soft: 512, Hard: 512 }],
        });
        const { code } = await exec(name, ["sh", "-c", "echo x > /etc/edge/x || echo x > /x"]);
        expect(code).not.toBe(0);
    });

    test("killed, it comes back", async () => {
        const before = (await host.getContainer(name).inspect()).State.StartedAt;
        // From within: what the daemon kills by order it leaves dead.
        await exec(name, ["sh", "-c", "kill -9 -1"]).catch(() => undefined);
        await waitFor("the edge", FOUND_AGAIN_MS, async () => {
            const { StartedAt } = (await host.getContainer(name).inspect()).State;
            if (StartedAt === before) return false;
            return (await list("/mcp", token).catch(() => ({ status: 0 }))).status === 200;
        });
    }, 60_000);

    test("without the gateway it says so at once, Consul takes it off, and it heals by itself", async () => {
        await mesh.until("mcp-edge", true, 30);
        await stack.run("docker", "stop", "--time", "0", "mcp-gateway");
        try {
            const begun = Date.now();
            expect([502, 503]).toContain((await list("/mcp", token)).status);
            expect(Date.now() - begun).toBeLessThan(5_000);
            await mesh.until("mcp-edge", false, 20);
        } finally {
            await stack.run("docker", "start", "mcp-gateway");
        }
        await waitFor("the gateway", FOUND_AGAIN_MS, async () => {
            return (await list("/mcp", token)).status === 200;
        });
        await mesh.until("mcp-edge", true, 30);
    }, 120_000);
}
