import { exec, host, type Inspection } from "../docker";
import type { TestStack } from "../stack";
import { MANAGER } from "../manager";
import { COMPANIONS, FETCHING, FETCHING_PIDS, GATEWAY, SERVERS, SITE_PORT } from "./servers";

const SHA256 = /^sha256:[0-9a-f]{64}$/;
const WEB = ["*:80", "*:443"];

/** What each server's manifest asks for. */
const WANTED = {
    "postgres-mcp": {
        ...{ memoryMb: 512, cpus: 1, pids: 256, egress: ["postgres:5432"] },
        mounts: ["/run/secrets"],
    },
    "files-mcp": {
        ...{ memoryMb: 256, cpus: 0.5, pids: 256, egress: ["none"] },
        mounts: ["/data"],
    },
    "http-mcp": { memoryMb: 256, cpus: 0.5, pids: 256, egress: WEB, mounts: [] },
    [FETCHING]: {
        memoryMb: 256,
        cpus: 0.5,
        pids: FETCHING_PIDS,
        egress: [...WEB, "site"],
        mounts: [],
    },
} as const;

/** "The bar for every inner container", read back from the inner daemon and from the kernel. */
export function barTests(stack: TestStack): void {
    const inspect = async (name: string): Promise<Inspection> => {
        const [found] = await stack.inspect(name);
        if (found) return found;
        throw new Error(`docker inspect ${name} gave nothing`);
    };
    const inside = async (name: string, script: string): Promise<string> =>
        (await stack.inside(name, ["sh", "-c", script])).stdout.trim();

    /** The container that carried the secrets of postgres-mcp onto their volume. */
    const carrier = (): string => "postgres-mcp.secrets";

    test("the inner daemon holds servers, companions, manager, gateway, carriers of secrets, nothing else", async () => {
        expect(await stack.innerNames()).toEqual({
            server: SERVERS,
            manager: [MANAGER],
            gateway: [GATEWAY],
            egress: COMPANIONS,
            "server-secrets": [
                "mcp-clients.secrets",
                `${GATEWAY}.secrets`,
                `${MANAGER}.secrets`,
                carrier(),
            ],
        });
    });

    describe.each(SERVERS)("%s", (name) => {
        const { memoryMb, cpus, pids, egress, mounts } = WANTED[name];

        test("is held to the bar by its configuration", async () => {
            const { Config, HostConfig, Image, State } = await inspect(name);
            expect(Config).toMatchObject({
                User: "1001:1001",
                Image: expect.stringMatching(SHA256) as string,
                StopTimeout: 10,
                Labels: {
                    "mcp.managed": "true",
                    "mcp.stack": stack.name,
                    "mcp.component": "server",
                    "mcp.server": name,
                    "mcp.manifest-hash": expect.stringMatching(/^[0-9a-f]{64}$/) as string,
                },
            });
            const declared = egress.map((target) =>
                target === "site" ? `${stack.main(1)}:${SITE_PORT}` : target,
            );
            expect(Config.Labels["mcp.egress"]?.split(/[ ,]/)).toEqual(declared);
            expect(Image).toBe(Config.Image);
            expect(HostConfig).toMatchObject({
                Privileged: false,
                CapAdd: [],
                CapDrop: ["ALL"],
                SecurityOpt: ["no-new-privileges"],
                ReadonlyRootfs: true,
                Tmpfs: { "/tmp": expect.stringMatching(/noexec.*size=64m/) as string },
                Memory: memoryMb * 1024 ** 2,
                MemorySwap: memoryMb * 1024 ** 2,
                CpuPeriod: 100_000,
                CpuQuota: cpus * 100_000,
                Init: true,
                RestartPolicy: { Name: "unless-stopped" },
                LogConfig: { Type: "json-file", Config: { "max-file": "3", "max-size": "10m" } },
                Runtime: "mcp-runc",
                PidMode: "",
                IpcMode: "private",
                UTSMode: "",
            });
            expect(HostConfig.Devices ?? []).toEqual([]);
            expect(HostConfig.NetworkMode).not.toBe("host");
            expect(State.Health?.Status).toBe("healthy");
        });

        test("has a health check that asks for tools", async () => {
            const { Config } = await inspect(name);
            const { Test, Retries } = Config.Healthcheck ?? {};
            expect(Test?.join(" ")).toMatch(/\/healthz|tools\/list/);
            expect(Retries).toBe(3);
        });

        test("publishes no port: the gateway is the one door", async () => {
            const { HostConfig } = await inspect(name);
            expect(HostConfig.PortBindings ?? {}).toEqual({});
        });

        test("is held to it by the kernel", async () => {
            const status = await inside(name, "cat /proc/self/status; id -u; id -g");
            expect(status).toMatch(/^CapEff:\s+0+$/m);
            expect(status).toMatch(/^CapBnd:\s+0+$/m);
            expect(status).toMatch(/^NoNewPrivs:\s+1$/m);
            expect(status).toMatch(/^Seccomp:\s+2$/m);
            expect(status).toMatch(/\n1001\n1001$/);
            expect(await inside(name, "tr '\\0' ' ' </proc/1/cmdline")).toMatch(/docker-init/);
            expect(await inside(name, "touch /x /opt/x /usr/x 2>&1")).toMatch(
                /(Read-only file system[^]*){3}/,
            );
            const program = "cp /bin/true /tmp/true && /tmp/true; echo $?; rm -f /tmp/true";
            expect(await inside(name, program)).toBe("126");
        });

        test("has as many processes as its manifest says, at most", async () => {
            // cgroup v1 and v2.
            const max = "cat /sys/fs/cgroup/pids/pids.max /sys/fs/cgroup/pids.max 2>/dev/null";
            expect(await inside(name, max)).toBe(String(pids));
        });

        test("mounts volumes only, none of them with the daemon's socket", async () => {
            const { HostConfig, Mounts } = await inspect(name);
            expect(Mounts.map(({ Type }) => Type).filter((type) => type !== "volume")).toEqual([]);
            expect(Mounts.map(({ Destination }) => Destination)).toEqual(mounts);
            expect((HostConfig.Binds ?? []).filter((bind) => bind.startsWith("/"))).toEqual([]);
            const socket = "ls -d /var/run/docker.sock /run/docker.sock /run/docker 2>/dev/null";
            expect(await inside(name, socket)).toBe("");
        });
    });

    test("the carrier of secrets never ran and could do nothing", async () => {
        const { Config, HostConfig, State } = await inspect(carrier());
        expect(State).toMatchObject({ Status: "created", Running: false, ExitCode: 0 });
        expect(State.StartedAt).toMatch(/^0001-/);
        expect(Config.User).toBe("1001:1001");
        expect(HostConfig).toMatchObject({
            CapDrop: ["ALL"],
            SecurityOpt: ["no-new-privileges"],
            NetworkMode: "none",
            Privileged: false,
            RestartPolicy: { Name: "no" },
        });
    });

    describe("the database's password", () => {
        const passwords = async (): Promise<string[]> => {
            const dsn = (await stack.inside("postgres-mcp", ["cat", "/run/secrets/dsn"])).stdout;
            const file = "/etc/mcp/superuser-password";
            const { stdout: superuser } = await exec(stack.postgres, ["cat", file]);
            return [new URL(dsn.trim()).password, superuser.trim()];
        };

        test("is in no inspection of any container, in no label and in no log", async () => {
            const secrets = await passwords();
            expect(secrets).toEqual([
                expect.stringMatching(/^[0-9a-f]{64}$/),
                expect.stringMatching(/^[0-9a-f]{64}$/),
            ]);
            const volumes = (await stack.run("docker", "volume", "ls", "--quiet"))
                .trim()
                .split("\n");
            const texts = await Promise.all([
                stack.run("docker", "inspect", ...SERVERS, carrier()),
                stack.run("docker", "volume", "inspect", ...volumes),
                ...SERVERS.map((name) => stack.run("sh", "-c", `docker logs ${name} 2>&1`)),
                ...[stack.orchestrator, stack.postgres].map(async (name) => {
                    const container = host.getContainer(name);
                    const log = await container.logs({ stdout: true, stderr: true });
                    return JSON.stringify(await container.inspect()) + log.toString();
                }),
            ]);
            for (const secret of secrets) expect(texts.join("\n")).not.toContain(secret);
        });

        test("cannot be changed or removed by the server that reads it", async () => {
            const touch = "echo x >/run/secrets/dsn; rm -f /run/secrets/dsn; touch /run/secrets/y";
            const { stderr } = await stack.inside("postgres-mcp", ["sh", "-c", touch]);
            expect(stderr).toMatch(/((Read-only file system|Permission denied)[^]*){3}/);
            const { stdout } = await stack.inside("postgres-mcp", ["ls", "/run/secrets"]);
            expect(stdout.trim()).toBe("dsn");
        });

        test("is not there for other servers", async () => {
            const { code } = await stack.inside("files-mcp", ["test", "-e", "/run/secrets"]);
            expect(code).toBe(1);
        });
    });
}
