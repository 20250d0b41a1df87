import { askConsul } from "../../cli/consul/client";
import { hostContainers, hostDocker } from "../../cli/docker/host";
import { describeWhere } from "../support/machine";
import { belongings, sweepDead } from "../support/pulumi/leftovers";
import { found, ownConsul, revoke, servicesOf } from "../support/pulumi/mesh";
import { ProjectCopy } from "../support/pulumi/project";
import { notes, silent } from "../support/pulumi/servers";
import { said, TestStack } from "../support/pulumi/stack";
import { until } from "../support/pulumi/wait";

jest.setTimeout(300_000);

const CLEAN = ["preview", "--expect-no-changes"];

describeWhere("pulumi", "registrations in the own Consul", () => {
    let project: ProjectCopy;
    let stack: TestStack;

    /** What should be registered, with the servers of the moment. */
    const services = (...servers: readonly string[]): string[] =>
        ["mcp-edge", "mcp-gateway", "mcp-manager", "mcp-orchestrator", ...servers]
            .map((name) => stack.names.service(name))
            .sort();

    /** Waits until Consul's container has that health. */
    const consulIs = (health: string) =>
        until(`a Consul that is ${health}`, 60, async () => {
            const containers = await hostContainers(stack.docker, stack.name);
            const consul = containers.find(({ component }) => component === "consul");
            return consul?.health === health || undefined;
        });

    beforeAll(async () => {
        await sweepDead(hostDocker());
        project = new ProjectCopy();
        project.manifest("http-mcp.yml");
        project.manifest("postgres-mcp.yml");
        stack = new TestStack(project, "mesh");
        stack.writeSettings();
        await stack.up();
    });

    afterAll(async () => {
        await stack.remove();
        project.remove();
    });

    test("a preview straight after up is clean, with and without refresh", async () => {
        expect(await servicesOf(await ownConsul(stack), stack)).toEqual(services("files-mcp"));
        for (const args of [CLEAN, [...CLEAN, "--refresh"]]) {
            const { code, stdout, stderr } = await stack.pulumi(args);
            expect(`${String(code)}${code === 0 ? "" : stdout + stderr}`).toBe("0");
        }
    });

    test("it is clean as well while a server is critical", async () => {
        await stack.ensureUp();
        const consul = await ownConsul(stack);
        await stack.inside(["pause", "files-mcp"]);
        try {
            await found(consul, stack, "files-mcp", 0);
            for (const args of [CLEAN, [...CLEAN, "--refresh"]]) {
                const { code, stdout, stderr } = await stack.pulumi(args);
                expect(`${String(code)}${code === 0 ? "" : stdout + stderr}`).toBe("0");
            }
        } finally {
            await stack.inside(["unpause", "files-mcp"]);
        }
        await found(consul, stack, "files-mcp", 1);
    });

    test("a service, then the whole node, deregistered by hand: one up registers it again", async () => {
        await stack.ensureUp();
        const consul = await ownConsul(stack);
        const Node = stack.names.orchestrator;
        for (const part of [{ ServiceID: stack.names.service("files-mcp") }, {}]) {
            await askConsul(consul, "PUT", "/v1/catalog/deregister", { Node, ...part });
            expect(await servicesOf(consul, stack)).not.toEqual(services("files-mcp"));
            const { changes } = await stack.up();
            expect(Object.keys(changes).sort()).toEqual(["create", "same"]);
            expect(await servicesOf(consul, stack)).toEqual(services("files-mcp"));
            await found(consul, stack, "files-mcp", 1);
        }
    });

    test("Consul follows a manifest that is added, changed and removed, in the same up", async () => {
        await stack.ensureUp();
        const consul = await ownConsul(stack);
        project.manifest("notes-mcp.yml", notes("10s"));
        await stack.up();
        expect(await servicesOf(consul, stack)).toEqual(services("files-mcp", "notes-mcp"));
        await found(consul, stack, "notes-mcp", 1);
        const hash = () =>
            askConsul<{ ServiceMeta: Record<string, string> }[]>(
                consul,
                "GET",
                `/v1/catalog/service/${stack.names.service("notes-mcp")}`,
            ).then(([one]) => one?.ServiceMeta["manifest-hash"]);
        const before = await hash();
        project.manifest("notes-mcp.yml", notes("11s"));
        await stack.up();
        expect(await hash()).not.toBe(before);
        await found(consul, stack, "notes-mcp", 1);
        project.manifest("notes-mcp.yml");
        await stack.up();
        expect(await servicesOf(consul, stack)).toEqual(services("files-mcp"));
    });

    test("revoked tokens are back after one up, and health is reported again", async () => {
        await stack.ensureUp();
        const consul = await ownConsul(stack);
        await revoke(consul, "reporter");
        await revoke(consul, "registrar");
        await consulIs("unhealthy");
        const ended = await stack.mcp(["up", "--json"]);
        expect(silent(said(ended))).toEqual([]);
        expect(ended.stderr).toContain(`${stack.names.consul} was unhealthy; restarting it`);
        await stack.inside(["stop", "--time", "0", "files-mcp"]);
        await found(consul, stack, "files-mcp", 0);
        await stack.inside(["start", "files-mcp"]);
        await found(consul, stack, "files-mcp", 1);
    });

    test("a change while Consul is dead says so, is made everywhere else, and the next up completes", async () => {
        await stack.ensureUp();
        project.manifest("notes-mcp.yml", notes("10s"));
        const consul = stack.docker.getContainer(stack.names.consul);
        // Stopped behind the command's back: plain pulumi does not look and start it again.
        await consul.stop();
        const plain = await stack.pulumi(["up", "--yes", "--skip-preview", "--continue-on-error"]);
        expect(plain.code).not.toBe(0);
        expect(plain.stdout + plain.stderr).toContain("connection refused");
        expect(Object.keys(await stack.inner())).toContain("notes-mcp");
        const answer = await stack.up();
        expect(silent(answer)).toEqual([]);
        const own = await ownConsul(stack);
        expect(await servicesOf(own, stack)).toEqual(services("files-mcp", "notes-mcp"));
        await found(own, stack, "notes-mcp", 1);
        project.manifest("notes-mcp.yml");
        await stack.up();
    });

    test("Consul lost with its data is made again by one up, with everything registered", async () => {
        await stack.ensureUp();
        const inner = await stack.inner();
        await stack.docker.getContainer(stack.names.consul).remove({ force: true });
        await stack.docker.getVolume(stack.names.volumes.consul).remove();
        expect(silent(await stack.up())).toEqual([]);
        const consul = await ownConsul(stack);
        expect(await servicesOf(consul, stack)).toEqual(services("files-mcp"));
        await found(consul, stack, "files-mcp", 1);
        expect(await stack.inner()).toEqual(inner);
        expect(Object.keys((await stack.ok(["preview"])).changes)).toEqual(["same"]);
    });

    test("down ends without asking a Consul that is gone, and leaves nothing", async () => {
        await stack.ensureUp();
        await stack.docker.getContainer(stack.names.consul).remove({ force: true });
        const down = await stack.mcp(["down"]);
        expect(`${String(down.code)}${down.code === 0 ? "" : down.stderr}`).toBe("0");
        expect(await belongings(stack.docker, stack.name)).toEqual({
            containers: [],
            networks: [],
            volumes: [],
        });
    });
});
