import { existsSync, readFileSync, statSync } from "node:fs";
import { z } from "zod";

import { resultOf, type Outcome } from "../cli";
import { answersWithin, callTool } from "../clients";
import { labelled } from "../docker";
import { initialize } from "../http";
import { TestStack } from "../stack";
import { MANAGER } from "../manager";
import { NARROW } from "./gateway";
import { FETCHING, PORTS, PRODUCT, SERVERS } from "./servers";

const endpoint = z.object({
    server: z.string(),
    url: z.string().optional(),
    state: z.string(),
    tools: z.number().optional(),
});
const row = z.object({ server: z.string(), state: z.string(), manifest: z.string() });
const listing = z.object({ servers: z.array(row) });
const status = z.object({
    stack: z.string(),
    running: z.boolean(),
    containers: z.array(z.object({ name: z.string(), health: z.string() })),
    servers: z.array(row),
    endpoints: z.array(endpoint),
    consul: z.array(z.object({ server: z.string(), state: z.string(), reason: z.string() })),
    certificates: z.object({ days: z.number() }),
});
const endpoints = z.object({ endpoints: z.array(endpoint) });
const removed = z.object({ removed: z.number() });

/** What `up` prints. */
export const upResult = endpoints.extend({
    engine: z.literal("rehearse"),
    changes: z.object({ create: z.number() }),
});

const NOTES = "notes-mcp";

/** The operator's commands on a stack that runs. */
export function commandTests(stack: TestStack): void {
    const healthy = (name: string, manifest = "current"): z.infer<typeof row> => ({
        server: name,
        state: "healthy",
        manifest,
    });

    test("status shows containers, servers, endpoints and certificates", async () => {
        const found = resultOf(await stack.mcp(["status", "--json"]), status);
        expect(found).toMatchObject({ stack: stack.name, running: true });
        expect(found.containers).toEqual([
            { name: stack.consul, health: "healthy" },
            { name: stack.edge, health: "healthy" },
            { name: stack.orchestrator, health: "healthy" },
            { name: stack.postgres, health: "healthy" },
            { name: stack.reporter, health: "healthy" },
        ]);
        expect(found.consul).toEqual(
            SERVERS.map((server) => ({
                server,
                state: "passing",
                reason: expect.stringContaining("tool") as unknown,
            })),
        );
        expect(found.servers).toEqual(SERVERS.map((name) => healthy(name)));
        expect(found.endpoints.map(({ server, url, state }) => ({ server, url, state }))).toEqual(
            SERVERS.map((server) => ({ server, url: stack.url(PORTS[server]), state: "healthy" })),
        );
        expect(found.certificates.days).toBeGreaterThan(300);
    });

    test("list shows the servers, for programs and for people", async () => {
        const found = resultOf(await stack.mcp(["list", "--json"]), listing);
        expect(found.servers).toEqual(SERVERS.map((name) => healthy(name)));
        const { code, stdout } = await stack.mcp(["list"]);
        expect(code).toBe(0);
        expect(stdout).toMatch(/^SERVER +ORIGIN +PORT +STATE +MANIFEST/);
        expect(stdout).toMatch(
            /^files-mcp +manifest +13002 +healthy +current +14 +\d+\/256 MiB .* images\/bridge +none$/m,
        );
    });

    test("without the manager they say so, and do the same by Docker itself", async () => {
        await stack.run("docker", "stop", "--time", "5", MANAGER);
        try {
            const found = await stack.mcp(["list", "--json"]);
            expect(found.stderr).toContain("asking Docker itself");
            expect(resultOf(found, listing).servers).toEqual(SERVERS.map((name) => healthy(name)));
            const { stdout } = await stack.mcp(["logs", "files-mcp", "--tail", "3"]);
            expect(stdout).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z \{"level"/);
            const stranger = await stack.mcp(["cleanup"]);
            expect([stranger.code, stranger.stderr]).toEqual([
                1,
                expect.stringContaining("the manager does not run") as string,
            ]);
        } finally {
            await stack.run("docker", "start", MANAGER);
        }
    }, 60_000);

    test("an unknown server is answered with those there are", async () => {
        const commands = ["logs", "restart", "deploy"];
        const outcomes = await Promise.all(
            commands.map((command) => stack.mcp([command, "no-such-mcp"])),
        );
        for (const { code, stdout, stderr } of outcomes) {
            expect(stderr).toContain("no-such-mcp: no manifest of that name");
            expect(stderr).toContain(SERVERS.join(", "));
            expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
        }
    });

    test("restart starts one server anew and waits until it answers", async () => {
        const started = async (): Promise<(string | undefined)[]> =>
            (await stack.inspect(...SERVERS)).map(({ State }) => State.StartedAt);
        const before = await started();
        const outcome = await stack.mcp(["restart", "files-mcp", "--json"], { seconds: 120 });
        expect(resultOf(outcome, endpoints).endpoints).toEqual([
            expect.objectContaining({ server: "files-mcp", state: "healthy" }),
        ]);
        const after = await started();
        const changed = SERVERS.filter((_, index) => before[index] !== after[index]);
        expect(changed).toEqual(["files-mcp"]);
    }, 130_000);

    test("what needs a state says that a throw-away bring-up has none", async () => {
        const commands = [["preview"], ["rotate"], ["deploy", "files-mcp"], ["repair", "--no-up"]];
        const outcomes = await Promise.all(commands.map((words) => stack.mcp(words)));
        for (const { code, stderr } of outcomes) {
            expect(stderr).toMatch(/throw-away bring-up[^]*\n +→ /);
            expect(code).toBe(1);
        }
    });

    describe("another stack", () => {
        const other = new TestStack({
            ...stack.plan,
            name: `${stack.name}-beside`,
            prefix: `${stack.prefix}beside-`,
        });
        afterEach(() => other.remove());

        test("is refused this one's ports and subnets, with who has them", async () => {
            await other.prepare();
            const { code, stderr } = await other.up();
            expect(code).toBe(1);
            const port = stack.port(13001);
            expect(stderr).toContain(
                `port ${port} (MCP servers) on 127.0.0.1 is taken by container ${stack.orchestrator}`,
            );
            const network = `Docker network ${stack.prefix}sutazai-main (${stack.main(0)}/24)`;
            expect(stderr).toContain(`mainSubnet ${stack.main(0)}/24 overlaps ${network}`);
            expect(existsSync(other.ledgerFile)).toBe(false);
        });
    });

    describe("after a change of the manifests", () => {
        let outcome: Outcome;
        const started = Date.now();

        beforeAll(() => {
            stack.writeClient(NARROW, { servers: ["postgres-mcp"] });
            stack.writeManifest("files-mcp", "files-mcp", ({ spec }) => {
                spec.resources = { cpus: 0.5, memory: "320Mi" };
            });
            stack.removeManifest(FETCHING);
            stack.writeManifest("files-mcp", NOTES, ({ spec }) => {
                spec.port = PORTS[NOTES];
                spec.command = spec.command.map((word) => (word === "/data" ? "/notes" : word));
                spec.volumes = [{ source: "shared", path: "/notes", readOnly: true }];
                spec.transport = { path: "/notes/mcp", containerPort: 3300 };
                // Found out soon, should it not come up.
                spec.health = { startPeriod: "10s", interval: "2s" };
            });
        });

        test("list tells what would change", async () => {
            const found = resultOf(await stack.mcp(["list", "--json"]), listing);
            expect(found.servers).toEqual([
                healthy("files-mcp", "changed"),
                healthy("http-mcp"),
                { server: NOTES, state: "not deployed", manifest: "current" },
                healthy("postgres-mcp"),
                healthy(FETCHING, "missing"),
            ]);
        });

        test("the next up makes it so", async () => {
            outcome = await stack.up();
            expect(await stack.innerNames()).toMatchObject({
                server: ["files-mcp", "http-mcp", NOTES, "postgres-mcp"],
            });
            const [files] = await stack.inspect("files-mcp");
            expect(files?.HostConfig.Memory).toBe(320 * 1024 ** 2);
            expect(Date.parse(files?.Created ?? "")).toBeGreaterThan(started);
            for (const name of PRODUCT) {
                expect((await answersWithin(stack.door(PORTS[name]), 30)).length).toBeGreaterThan(
                    0,
                );
            }
        }, 300_000);

        test("a server is served on the port of its manifest, whatever its own port and path", async () => {
            const result = resultOf(outcome, upResult);
            const door = await stack.door(PORTS[NOTES]);
            const { url } = door;
            expect(result.endpoints).toContainEqual(
                expect.objectContaining({ server: NOTES, url, state: "healthy" }),
            );
            await callTool(stack.door(PORTS["files-mcp"]), "write_file", {
                path: "/data/shared.txt",
                content: "seen by both",
            });
            const path = "/notes/shared.txt";
            expect(await callTool(door, "read_text_file", { path })).toEqual({
                isError: false,
                text: "seen by both",
            });
            const written = await callTool(door, "write_file", { path, content: "x" });
            expect(written.isError).toBe(true);
            expect(written.text).toMatch(/read-only file system/i);
        });
    });

    test("a client sees what its file says now", async () => {
        const asked = async (server: string): Promise<number> => {
            const { url, token } = await stack.door(10005, `/servers/${server}/mcp`, NARROW);
            return (await initialize(url, { Authorization: `Bearer ${token}` })).status;
        };
        expect(await asked("postgres-mcp")).toBe(200);
        expect(await asked("files-mcp")).toBe(404);
    });

    describe("down", () => {
        test("keeps no secret on the disk meanwhile", () => {
            const ledger = readFileSync(stack.ledgerFile, "utf8");
            expect(ledger).not.toMatch(/PRIVATE KEY|postgres:\/\//);
            expect(statSync(stack.ledgerFile).mode & 0o077).toBe(0);
        });

        test("removes everything the stack made, and says so", async () => {
            const outcome = await stack.mcp(["down", "--json"], { seconds: 120 });
            expect(resultOf(outcome, removed).removed).toBeGreaterThanOrEqual(10);
            expect(await labelled(`mcp.stack=${stack.name}`)).toEqual([]);
            expect(await stack.leftovers()).toEqual([stack.settingsFile]);
        }, 130_000);

        test("finds nothing the second time", async () => {
            const outcome = await stack.mcp(["down", "--json"]);
            expect(resultOf(outcome, removed).removed).toBe(0);
            const { code, stderr } = await stack.mcp(["status"]);
            expect(code).toBe(1);
            expect(stderr).toContain(`stack ${stack.name} is not running`);
        });
    });
}
