import { exec, host, type Inspection } from "../docker";
import type { TestStack } from "../stack";

/** The two containers of the host's daemon. */
export function hostTests(stack: TestStack): void {
    const inspect = (name: string): Promise<Inspection> => host.getContainer(name).inspect();
    const published = ({ NetworkSettings: { Ports } }: Inspection) =>
        Object.values((Ports ?? {}) as Record<string, { HostIp: string }[] | null>).flatMap(
            (bindings) => bindings ?? [],
        );

    test("of the stack's containers on the host only the orchestrator is privileged", async () => {
        const filters = { label: [`mcp.stack=${stack.name}`] };
        const found = await host.listContainers({ all: true, filters });
        const inspected = await Promise.all(found.map(({ Id }) => inspect(Id)));
        const privileged = inspected.map(({ Name, HostConfig: { Privileged } }) => ({
            Name,
            Privileged,
        }));
        const carrier = `${stack.edge}.secrets`;
        const others = [stack.postgres, stack.consul, stack.edge, carrier, stack.reporter];
        expect(privileged).toHaveLength(6);
        expect(privileged).toEqual(
            expect.arrayContaining([
                { Name: `/${stack.orchestrator}`, Privileged: true },
                ...others.map((name) => ({ Name: `/${name}`, Privileged: false })),
            ]),
        );
    });

    test("the host's socket is mounted nowhere, nor any folder of the host", async () => {
        for (const name of [stack.orchestrator, stack.postgres]) {
            const { HostConfig, Mounts } = await inspect(name);
            expect(Mounts.filter(({ Type }) => Type !== "volume")).toEqual([]);
            expect((HostConfig.Binds ?? []).filter((bind) => bind.startsWith("/"))).toEqual([]);
        }
        // The socket inside the orchestrator is the inner daemon's own.
        const [own, inner] = await Promise.all([
            host.info() as Promise<{ ID: string }>,
            stack.run("docker", "info", "--format", "{{.ID}}"),
        ]);
        expect(inner.trim()).not.toBe(own.ID);
    });

    describe("the orchestrator", () => {
        test("is published on loopback alone", async () => {
            const bindings = published(await inspect(stack.orchestrator));
            expect(bindings.map(({ HostIp }) => HostIp)).toEqual(
                Array<string>(bindings.length).fill("127.0.0.1"),
            );
            expect(bindings).toHaveLength(3 + 10);
        });

        test("has its run-time files on tmpfs, limits, and a restart policy", async () => {
            const { Config, HostConfig } = await inspect(stack.orchestrator);
            expect(HostConfig).toMatchObject({
                Tmpfs: {
                    "/run": expect.stringContaining("size=") as string,
                    "/tmp": expect.stringContaining("size=") as string,
                },
                Memory: 4096 * 1024 ** 2,
                MemorySwap: 4096 * 1024 ** 2,
                CpuPeriod: 100_000,
                CpuQuota: 400_000,
                RestartPolicy: { Name: "unless-stopped" },
                LogConfig: { Type: "json-file", Config: { "max-file": "3", "max-size": "10m" } },
            });
            expect(Config.Image).toMatch(/^sha256:[0-9a-f]{64}$/);
            expect(Config.Env).toEqual(
                expect.arrayContaining(["DOCKER_TLS_CERTDIR=/certs", "DOCKER_DRIVER=overlay2"]),
            );
        });

        test("keeps its data on the volumes of the system it replaces", async () => {
            const { Mounts } = await inspect(stack.orchestrator);
            const mounts = Mounts.map(({ Name, Destination }) => `${Name} ${Destination}`).sort();
            expect(mounts).toEqual(
                [
                    `${stack.prefix}mcp-docker-certs-ca /certs/ca`,
                    `${stack.prefix}mcp-docker-certs-client /certs/client`,
                    `${stack.prefix}mcp-logs /var/log/mcp`,
                    `${stack.prefix}mcp-orchestrator-data /var/lib/docker`,
                    `${stack.prefix}mcp-shared-data /data/shared`,
                ].sort(),
            );
            const driver = await stack.run("docker", "info", "--format", "{{.Driver}}");
            expect(driver.trim()).toBe("overlay2");
        });
    });

    test("PostgreSQL publishes no port and is confined", async () => {
        const found = await inspect(stack.postgres);
        expect(published(found)).toEqual([]);
        expect(Object.keys(found.HostConfig.PortBindings as object)).toEqual([]);
        expect(found.Config.User).toBe("999:999");
        expect(found.HostConfig).toMatchObject({
            CapDrop: ["ALL"],
            SecurityOpt: ["no-new-privileges"],
            Memory: 512 * 1024 ** 2,
            MemorySwap: 512 * 1024 ** 2,
            Init: true,
        });
        expect(found.Config.Env.join("\n")).not.toMatch(/PASSWORD=/);
        const { stdout } = await exec(stack.postgres, ["cat", "/proc/1/status"]);
        expect(stdout).toMatch(/^CapEff:\s+0+$/m);
    });
}
