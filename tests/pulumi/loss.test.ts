import { createServer, type Server } from "node:net";

import { hostDocker } from "../../cli/docker/host";
import { describeWhere } from "../support/machine";
import { belongings, sweepDead } from "../support/pulumi/leftovers";
import { ProjectCopy } from "../support/pulumi/project";
import { silent, without } from "../support/pulumi/servers";
import { said, TestStack } from "../support/pulumi/stack";
import { until } from "../support/pulumi/wait";

jest.setTimeout(300_000);

const ORCHESTRATOR = "sutazai-mcp-orchestrator";
const POSTGRES = "sutazai-mcp-postgres";

/** A program of somebody else's on a loopback port. */
function listen(port: number): Promise<Server> {
    return new Promise((resolve, reject) => {
        const server = createServer();
        server.once("error", reject);
        server.listen({ port, host: "127.0.0.1" }, () => {
            resolve(server);
        });
    });
}

describeWhere("pulumi", "what goes wrong around a stack", () => {
    let project: ProjectCopy;
    let stack: TestStack;
    let second: TestStack;

    /** Something worth keeping, on both data volumes. */
    const sql = (text: string) =>
        stack.shell(
            "postgres",
            `PGPASSWORD=$(cat /etc/mcp/superuser-password) $(ls /usr/lib/postgresql/*/bin/psql) ` +
                `-h 127.0.0.1 -U postgres -d mcp -v ON_ERROR_STOP=1 -Atc "${text}"`,
        );
    const keep = async (): Promise<void> => {
        await sql("create table if not exists kept (word text); insert into kept values ('row')");
        await stack.shell("orchestrator", "echo file >/data/shared/kept");
    };
    const kept = async (): Promise<string[]> => [
        await sql("select distinct word from kept"),
        await stack.shell("orchestrator", "cat /data/shared/kept"),
    ];

    beforeAll(async () => {
        await sweepDead(hostDocker());
        project = new ProjectCopy();
        // Two servers, one with secrets: enough to lose, and quicker to make again.
        project.manifest("http-mcp.yml");
        stack = new TestStack(project, "loss");
        second = new TestStack(project, "second");
        stack.writeSettings();
    });

    afterAll(async () => {
        await stack.remove();
        await second.remove();
        project.remove();
    });

    test("a port that is taken is named, before the engine and by it, and nothing is lost", async () => {
        const port = stack.portOffset + 13_005;
        const listener = await listen(port);
        try {
            const early = await stack.mcp(["up"]);
            expect(early.code).toBe(1);
            expect(early.stderr).toContain(
                `port ${String(port)} (MCP servers) on 127.0.0.1 is taken`,
            );
            expect(await belongings(stack.docker, stack.name)).toMatchObject({ containers: [] });
            // Taken between the two, as it were: plain pulumi has no preflight.
            const late = await stack.pulumi(["up", "--yes", "--skip-preview"]);
            expect(late.code).not.toBe(0);
            expect(late.stdout).toContain(
                `127.0.0.1:${String(port)}: bind: address already in use`,
            );
        } finally {
            listener.close();
        }
        expect(stack.state()).not.toBe("");
    });

    test("Ctrl-C in the middle of up ends in order", async () => {
        const before = await stack.host();
        const up = stack.start(["up"]);
        await up.says("orchestrator-container");
        up.interrupt();
        const { code, stderr } = await up.done;
        expect(stderr).toContain("interrupted: finishing the steps under way");
        expect(stderr).not.toContain("    at ");
        expect(code).toBe(130);
        expect(project.locks()).toEqual([]);
        expect((await stack.host())[POSTGRES]).toEqual(before[POSTGRES] ?? expect.any(String));
    });

    test("the next up completes; a second one meanwhile is told of the lock, a repair of the run", async () => {
        const up = stack.start(["up", "--json"]);
        await until("the lock of the first up", 60, () => project.locks()[0]);
        const [other, repair] = await Promise.all([stack.mcp(["up"]), stack.mcp(["repair"])]);
        expect(other.code).toBe(1);
        expect(other.stderr).toContain("error: the stack is locked: another run is under way");
        expect(repair.code).toBe(1);
        expect(repair.stderr).toContain("error: another run of this stack is under way");
        const answer = said(await up.done);
        expect(Object.keys(answer.changes).sort()).toEqual(["create", "same"]);
        expect(silent(answer)).toEqual([]);
    });

    test("what an interrupted run made without recording it goes, and up makes it anew", async () => {
        await stack.ensureUp();
        const { reporter } = stack.names;
        const handle = stack.docker.getContainer(reporter);
        const { Config: made, Image } = await handle.inspect();
        await handle.remove({ force: true });
        const { id } = await stack.docker.createContainer({
            ...{ name: reporter, Image, Labels: made.Labels },
        });
        const answer = await stack.up();
        expect(silent(answer)).toEqual([]);
        expect((await handle.inspect()).Id).not.toBe(id);
        expect((await handle.inspect()).State.Health?.Status).toBe("healthy");
    });

    test("an orchestrator removed by hand is restored by one up, with all inside as it was", async () => {
        await stack.ensureUp();
        await keep();
        const before = { host: await stack.host(), inner: await stack.inner() };
        await stack.docker.getContainer(stack.names.orchestrator).remove({ force: true });
        const answer = await stack.up();
        expect(silent(answer)).toEqual([]);
        const host = await stack.host();
        expect(host[ORCHESTRATOR]).not.toBe(before.host[ORCHESTRATOR]);
        expect(without(host, ORCHESTRATOR)).toEqual(without(before.host, ORCHESTRATOR));
        expect(await stack.inner()).toEqual(before.inner);
        expect(await kept()).toEqual(["row", "file"]);
    });

    test("a server removed by hand is restored by up, the others untouched", async () => {
        await stack.ensureUp();
        const before = { host: await stack.host(), inner: await stack.inner() };
        await stack.inside(["rm", "--force", "files-mcp"]);
        const answer = await stack.up();
        expect(silent(answer)).toEqual([]);
        expect(await stack.host()).toEqual(before.host);
        const after = await stack.inner();
        expect(after["files-mcp"]).not.toBe(before.inner["files-mcp"]);
        expect(Object.keys(after).sort()).toEqual(Object.keys(before.inner).sort());
        expect(without(after, "files-mcp")).toEqual(without(before.inner, "files-mcp"));
    });

    test("what was stopped or paused by hand runs again after one up, and is what it was", async () => {
        await stack.ensureUp();
        await keep();
        const before = { host: await stack.host(), inner: await stack.inner() };
        const { orchestrator, postgres } = stack.names;
        await stack.inside(["stop", "files-mcp"]);
        try {
            await stack.docker.getContainer(orchestrator).stop();
            await stack.docker.getContainer(postgres).pause();
            const answer = await stack.up();
            expect(Object.keys(answer.changes)).toEqual(["same"]);
            expect(silent(answer)).toEqual([]);
            expect({ host: await stack.host(), inner: await stack.inner() }).toEqual(before);
            expect(await kept()).toEqual(["row", "file"]);
        } finally {
            // For the tests that follow a failure.
            await stack.docker
                .getContainer(postgres)
                .unpause()
                .catch(() => undefined);
            await stack.inside(["start", "files-mcp"]).catch(() => undefined);
        }
    });

    test("an inner daemon that hangs ends up with a clear line, in bounded time", async () => {
        await stack.ensureUp();
        const before = { host: await stack.host(), inner: await stack.inner() };
        const daemon = (signal: string) =>
            stack.shell("orchestrator", `kill -${signal} $(cat /var/run/docker.pid)`);
        await daemon("STOP");
        try {
            const { code, stderr } = await stack.mcp(["up"], { limit: 180 });
            expect(code).toBe(1);
            expect(stderr).toMatch(/^error: .*does not answer/m);
            expect(stderr).not.toContain("    at ");
        } finally {
            await daemon("CONT");
        }
        expect(Object.keys((await stack.up()).changes)).toEqual(["same"]);
        expect({ host: await stack.host(), inner: await stack.inner() }).toEqual(before);
    });

    test("a run killed in the middle is put right by repair, and no data is lost", async () => {
        await stack.ensureUp();
        await keep();
        const before = { host: await stack.host(), inner: await stack.inner() };
        const rotate = stack.start(["rotate"]);
        // The worst moment: the old orchestrator is gone, the new one is there and not yet in the state.
        await until("a new orchestrator", 120, async () => {
            const { [ORCHESTRATOR]: id = before.host[ORCHESTRATOR] } = await stack.host();
            return id === before.host[ORCHESTRATOR] ? undefined : id;
        });
        rotate.kill();
        expect(await rotate.done).toMatchObject({ code: null });
        const locked = await stack.mcp(["up"]);
        expect(locked.code).toBe(1);
        expect(locked.stderr).toContain("if there is none: ./mcp repair");
        // A kill while the backend writes leaves this file empty (seen), and then it reads nothing at all.
        project.emptyAttributes(stack.name);
        const answer = await stack.ok(["repair"]);
        expect(silent(answer)).toEqual([]);
        expect((await stack.host())[POSTGRES]).toBe(before.host[POSTGRES]);
        expect(await stack.inner()).toEqual(before.inner);
        expect(await kept()).toEqual(["row", "file"]);
        expect(Object.keys((await stack.ok(["preview"])).changes)).toEqual(["same"]);
    });

    test("the orchestrator lost with its volume is restored by one up, and no data is lost", async () => {
        await stack.ensureUp();
        await keep();
        const before = await stack.host();
        const inner = Object.keys(await stack.inner()).sort();
        await stack.docker.getContainer(stack.names.orchestrator).remove({ force: true });
        await stack.docker.getVolume(stack.names.volumes.data).remove();
        const answer = await stack.up();
        expect(silent(answer)).toEqual([]);
        expect(Object.keys(await stack.inner()).sort()).toEqual(inner);
        expect((await stack.host())[POSTGRES]).toBe(before[POSTGRES]);
        expect(await kept()).toEqual(["row", "file"]);
    });

    test("a second stack lives beside the first, and goes without touching it", async () => {
        await stack.ensureUp();
        const before = { host: await stack.host(), inner: await stack.inner() };
        project.manifest("postgres-mcp.yml");
        stack.reserveSlots();
        const answer = await second.up();
        expect(answer.endpoints.map(({ server }) => server)).toEqual(["files-mcp"]);
        expect(silent(answer)).toEqual([]);
        expect(await second.inner()).not.toEqual(before.inner);
        await stack.shell("orchestrator", "echo mine >/data/shared/kept");
        expect(await second.shell("orchestrator", "ls /data/shared")).toBe("");
        const down = await second.mcp(["down"]);
        expect(down.code).toBe(0);
        expect(await belongings(second.docker, second.name)).toEqual({
            containers: [],
            networks: [],
            volumes: [],
        });
        expect({ host: await stack.host(), inner: await stack.inner() }).toEqual(before);
    });
});
