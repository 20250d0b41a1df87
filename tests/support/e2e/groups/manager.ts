import { existsSync, readFileSync } from "node:fs";
import * as path from "node:path";

import { answersWithin } from "../clients";
import type { Inspection } from "../docker";
import { ask } from "../http";
import { MANAGER, ManagerApi } from "../manager";
import type { TestStack } from "../stack";
import { COMPANIONS, GATEWAY, PORTS, PRODUCT, SERVERS } from "./servers";

const MADE = "made-mcp";
const MADE_PORT = 13_009;

/** What a client would send to make a server. */
const manifest = (name: string, port: number): string => `apiVersion: mcp/v1
kind: MCPContainer
metadata: { name: ${name} }
spec:
  build: bridge
  # A comment that adoption keeps.
  command: ["node", "/opt/servers/filesystem/node_modules/@modelcontextprotocol/server-filesystem/dist/index.js", "/data"]
  port: ${String(port)}
  volumes: [{ source: shared, path: /data, readOnly: true }]
  health: { interval: "2s" }
`;
const YAML = { "content-type": "application/yaml" };

/** What of a container decides how it is held. */
const HELD = [
    ...["ReadonlyRootfs", "CapDrop", "CapAdd", "SecurityOpt", "Init", "Memory", "MemorySwap"],
    ...["CpuQuota", "CpuPeriod", "Tmpfs", "RestartPolicy", "LogConfig", "Runtime", "Privileged"],
    "Dns",
] as const;

function barOf({ HostConfig, Config, NetworkSettings }: Inspection): Record<string, unknown> {
    const held = HostConfig as unknown as Readonly<Record<string, unknown>>;
    return {
        user: Config.User,
        test: Config.Healthcheck?.Test,
        networks: Object.keys(NetworkSettings.Networks),
        ...Object.fromEntries(HELD.map((key) => [key, held[key] ?? []])),
    };
}

/** The manager's API on the real inner daemon. */
export function managerTests(stack: TestStack): void {
    const api = new ManagerApi(stack);
    const daemon = (signal: string): Promise<string> =>
        stack.run("sh", "-c", `kill -${signal} $(cat /var/run/docker.pid)`);
    const errorOf = (body: string): { error: string; detail: string; remedy: string } =>
        JSON.parse(body) as { error: string; detail: string; remedy: string };

    test("lives within the bar itself, without a socket, and reaches the daemon by its certificate", async () => {
        const [found] = await stack.inspect(MANAGER);
        expect(found?.Config.User).toBe("1001:1001");
        expect(found?.HostConfig).toMatchObject({
            ...{ Privileged: false, CapAdd: [], CapDrop: ["ALL"], ReadonlyRootfs: true },
            ...{ SecurityOpt: ["no-new-privileges"], Init: true, Runtime: "mcp-runc" },
            ...{ Memory: 256 * 1024 ** 2, MemorySwap: 256 * 1024 ** 2, CpuQuota: 50_000 },
        });
        expect(JSON.stringify(found?.Mounts)).not.toContain("docker.sock");
        const mounts = found?.Mounts.map(({ Destination, RW }) => `${Destination} ${String(RW)}`);
        expect(mounts?.sort()).toEqual([
            "/certs/client false",
            "/run/secrets false",
            "/var/lib/mcp-routes true",
            "/var/log/mcp true",
        ]);
    });

    test("answers nobody without a token, and each role what it may", async () => {
        expect((await ask(api.url("/health"))).status).toBe(200);
        for (const url of [api.url("/containers"), api.url("/openapi.json"), metricsUrl()]) {
            expect([url, (await ask(url)).status]).toEqual([url, 401]);
            const headers = { authorization: `Bearer ${"0".repeat(64)}` };
            expect([url, (await ask(url, { headers })).status]).toEqual([url, 401]);
        }
        const restart = await api.as("read", "POST", "/containers/files-mcp/restart");
        expect(restart.status).toBe(403);
        expect((await api.as("read", "POST", "/cleanup?dryRun=false")).status).toBe(403);
        const rebound = { headers: { host: "attacker.example" } };
        expect((await api.as("read", "GET", "/containers", rebound)).status).toBe(421);
    });

    function metricsUrl(): string {
        return `http://127.0.0.1:${String(stack.port(19_090))}/metrics`;
    }

    test("shows every server with its limits, its image, its health and its tools", async () => {
        const found = await api.until("tools of all", 30, ({ containers }) =>
            SERVERS.every((name) => containers.find((one) => one.name === name)?.mcp?.up),
        );
        expect(found.containers.map(({ name }) => name)).toEqual(
            [...SERVERS, ...COMPANIONS, GATEWAY, MANAGER].sort(),
        );
        const files = await api.one("files-mcp");
        const [inspected] = await stack.inspect("files-mcp");
        expect(files).toMatchObject({
            ...{ origin: "manifest", health: "healthy", state: "running" },
            image: inspected?.Image,
            limits: { memoryBytes: 256 * 1024 ** 2, cpus: 0.5, pids: 256 },
        });
        expect(files.mcp?.tools.map(({ name }) => name)).toContain("read_text_file");
        expect(files.healthOutput).toContain('"tools":14');
        expect(files.usage?.memoryBytes).toBeGreaterThan(20 * 1024 ** 2);
        await api.ready(20);
    });

    test("no server reaches it, by its own address or by the orchestrator's, nor the daemon's API", async () => {
        const [found] = await stack.inspect(MANAGER);
        const own = Object.values(found?.NetworkSettings.Networks ?? {})[0]?.IPAddress ?? "";
        expect(own).toMatch(/^10\.97\./);
        for (const name of PRODUCT) {
            const urls = [own, stack.main(2)].flatMap((host) => [
                `http://${host}:8080/health`,
                `http://${host}:9090/metrics`,
            ]);
            for (const url of [...urls, `https://${stack.main(2)}:2376/_ping`]) {
                // By itself; what its companion refuses is told in egress.ts.
                const command = ["curl", "-sS", "--noproxy", "*", "-m", "2", url];
                expect([name, url, (await stack.inside(name, command)).code]).toEqual([
                    name,
                    url,
                    28,
                ]);
            }
        }
    });

    describe("a server made through it", () => {
        test("is held to the same bar, answers, and is listed as the API's", async () => {
            const made = await api.as("operate", "POST", "/containers?wait=60", {
                body: manifest(MADE, MADE_PORT),
                headers: YAML,
            });
            expect([made.status, made.body]).toEqual([201, expect.stringContaining("healthy")]);
            expect(await answersWithin(stack.door(MADE_PORT), 20)).toContain("read_text_file");
            const [mine, ours] = await stack.inspect(MADE, "files-mcp");
            if (!mine || !ours) throw new Error("not there");
            expect(barOf(mine)).toEqual(barOf(ours));
            const { stdout } = await stack.mcp(["list"]);
            expect(stdout).toMatch(new RegExp(`^${MADE} +api +${String(MADE_PORT)} +healthy`, "m"));
        }, 120_000);

        test("has a name and a port of its own", async () => {
            for (const [name, port] of [
                [MADE, 13_008],
                ["other-mcp", MADE_PORT],
                ["other-mcp", PORTS["files-mcp"]],
            ] as const) {
                const body = manifest(name, port);
                const again = await api.as("operate", "POST", "/containers", {
                    body,
                    headers: YAML,
                });
                expect([name, port, again.status]).toEqual([name, port, 409]);
            }
        });

        test("adopt writes its manifest, comments and all, and never over a file", async () => {
            const file = path.join(stack.manifests, `${MADE}.yml`);
            const first = await stack.mcp(["adopt", MADE]);
            expect([first.code, first.stderr]).toEqual([0, ""]);
            expect(readFileSync(file, "utf8")).toBe(manifest(MADE, MADE_PORT));
            expect((await stack.mcp(["adopt", MADE])).stderr).toContain("is there already");
            stack.removeManifest(MADE);
        });

        test("goes when it is deleted; what a manifest or the system owns does not", async () => {
            expect((await api.as("operate", "DELETE", `/containers/${MADE}`)).status).toBe(200);
            expect((await stack.innerNames()).server).toEqual(SERVERS);
            const ours = await api.as("operate", "DELETE", "/containers/files-mcp");
            expect(ours.status).toBe(409);
            expect(errorOf(ours.body).detail).toContain("manifests/files-mcp.yml");
            expect((await api.as("operate", "DELETE", `/containers/${MANAGER}`)).status).toBe(409);
            expect(existsSync(path.join(stack.manifests, "files-mcp.yml"))).toBe(true);
        });
    });

    test("cleanup finds what nobody of the stack has made, and removes it only when told to", async () => {
        const [files] = await stack.inspect("files-mcp");
        await stack.run("docker", "create", "--name", "stray", files?.Image ?? "");
        const dry = await stack.mcp(["cleanup"]);
        expect(dry.stdout).toMatch(/^container +stray +no owner's labels/m);
        expect(await stack.run("docker", "ps", "-aqf", "name=^stray$")).not.toBe("");
        const wet = await stack.mcp(["cleanup", "--yes"]);
        expect(wet.stdout).toMatch(/^container +stray .*removed$/m);
        expect(await stack.run("docker", "ps", "-aqf", "name=^stray$")).toBe("");
        expect((await stack.innerNames()).server).toEqual(SERVERS);
    }, 60_000);

    test("a daemon that hangs gives 504 in time, what was known stays readable, and it recovers", async () => {
        await daemon("STOP");
        try {
            const begun = Date.now();
            const stuck = await api.as("operate", "POST", "/containers/files-mcp/restart");
            expect([stuck.status, errorOf(stuck.body).error]).toEqual([504, "daemon-timeout"]);
            expect(Date.now() - begun).toBeLessThan(8_000);
            const known = await api.until(
                "loss seen",
                10,
                ({ daemon: { reachable } }) => !reachable,
            );
            expect(known.containers.length).toBeGreaterThanOrEqual(SERVERS.length);
            expect((await ask(api.url("/health"))).status).toBe(200);
            expect((await api.as("read", "GET", "/ready")).status).toBe(503);
        } finally {
            await daemon("CONT");
        }
        await api.until("recovery", 20, ({ daemon: { reachable } }) => reachable);
        await api.ready(30);
    }, 90_000);

    test("metrics tell a server that is gone, and back", async () => {
        const up = async (): Promise<string | undefined> => {
            const headers = { authorization: `Bearer ${await api.token("read")}` };
            const { body } = await ask(metricsUrl(), { headers });
            return /^mcp_server_up\{server="files-mcp"\} (\d)$/m.exec(body)?.[1];
        };
        const becomes = async (wanted: string): Promise<void> => {
            const deadline = Date.now() + 25_000;
            while ((await up()) !== wanted) {
                if (Date.now() > deadline) throw new Error(`mcp_server_up is never ${wanted}`);
                await new Promise((resolve) => setTimeout(resolve, 200));
            }
        };
        await becomes("1");
        await stack.run("docker", "stop", "--time", "0", "files-mcp");
        await becomes("0");
        await stack.run("docker", "start", "files-mcp");
        await becomes("1");
    }, 70_000);
}
