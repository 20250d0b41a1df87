import { readFileSync, writeFileSync } from "node:fs";
import * as path from "node:path";

import { hostDocker } from "../../cli/docker/host";
import { initialize } from "../support/e2e/http";
import { describeWhere } from "../support/machine";
import { belongings, sweepDead } from "../support/pulumi/leftovers";
import { ProjectCopy } from "../support/pulumi/project";
import { filesBelow, realSecrets } from "../support/pulumi/secrets";
import { notes, silent, without } from "../support/pulumi/servers";
import { TestStack } from "../support/pulumi/stack";
import { until } from "../support/pulumi/wait";

jest.setTimeout(300_000);

/** A daemon that is nobody's: the way to it is refused. */
const ELSEWHERE = { DOCKER_HOST: "tcp://127.0.0.1:1" };

describeWhere("pulumi", "the life of a stack", () => {
    let project: ProjectCopy;
    let stack: TestStack;

    /** The stack with the server that some tests change or remove. */
    const ensureNotes = async (): Promise<void> => {
        await stack.ensureUp();
        if ("notes-mcp" in (await stack.inner())) return;
        project.manifest("notes.yml", notes("10s"));
        await stack.up();
    };

    beforeAll(async () => {
        await sweepDead(hostDocker());
        project = new ProjectCopy();
        stack = new TestStack(project, "life");
        stack.writeSettings();
    });

    afterAll(async () => {
        await stack.remove();
        project.remove();
    });

    test("a bad manifest ends up with its file and line, and nothing is made", async () => {
        project.manifest("bad.yml", notes("10s").replace("port: 13004", "port: 80"));
        try {
            const { code, stderr } = await stack.mcp(["up"]);
            expect(code).toBe(1);
            expect(stderr).toMatch(/manifests\/bad\.yml:11:\d+ spec\.port: 80 /);
            expect(stderr).not.toContain("    at ");
        } finally {
            project.manifest("bad.yml");
        }
        expect(stack.state()).toBe("");
        expect(await belongings(stack.docker, stack.name)).toEqual({
            containers: [],
            networks: [],
            volumes: [],
        });
    });

    test("up brings it from zero to servers that answer", async () => {
        const answer = await stack.up();
        expect(Object.keys(answer.changes)).toEqual(["create"]);
        expect(answer.endpoints.map(({ server }) => server)).toEqual([
            "files-mcp",
            "http-mcp",
            "postgres-mcp",
        ]);
        expect(silent(answer)).toEqual([]);
        expect(Object.keys(await stack.host()).sort()).toEqual([
            "sutazai-mcp-consul",
            "sutazai-mcp-edge",
            "sutazai-mcp-edge.secrets",
            "sutazai-mcp-orchestrator",
            "sutazai-mcp-postgres",
            "sutazai-mcp-reporter",
        ]);
    });

    test("a preview right after shows no change", async () => {
        await stack.ensureUp();
        const { changes } = await stack.ok(["preview"]);
        expect(Object.keys(changes)).toEqual(["same"]);
    });

    test("plain pulumi works with what mcp env prints, and a refresh finds no change", async () => {
        await stack.ensureUp();
        const preview = await stack.pulumi(["preview", "--refresh", "--expect-no-changes"]);
        expect(preview).toMatchObject({ code: 0 });
        const up = await stack.pulumi(["up", "--yes", "--skip-preview", "--expect-no-changes"]);
        expect(up).toMatchObject({ code: 0 });
    });

    test("the backend holds no private key and no password in clear", async () => {
        await stack.ensureUp();
        const shown = await stack.pulumi(["stack", "export", "--show-secrets"]);
        const { passwords, keys } = realSecrets(shown.stdout);
        // The two database roles; the CA's key, two leaves' and the two the passwords come from.
        expect(passwords).toHaveLength(2);
        expect(keys.length).toBeGreaterThanOrEqual(5);
        const settings = project.settingsFile(stack.name);
        const kept = [
            ...filesBelow(project.state),
            { file: settings, text: readFileSync(settings, "utf8") },
        ];
        expect(kept.length).toBeGreaterThan(3);
        const leaks = kept.flatMap(({ file, text }) =>
            ["PRIVATE KEY", ...passwords, ...keys]
                .filter((secret) => text.includes(secret))
                .map((secret) => `${path.basename(file)}: ${secret.slice(0, 11)}`),
        );
        expect(leaks).toEqual([]);
    });

    test("DOCKER_HOST does not redirect mcp, and plain pulumi refuses it", async () => {
        await stack.ensureUp();
        const before = { host: await stack.host(), inner: await stack.inner() };
        const answer = await stack.up({ env: ELSEWHERE });
        expect(Object.keys(answer.changes)).toEqual(["same"]);
        expect({ host: await stack.host(), inner: await stack.inner() }).toEqual(before);
        const plain = await stack.pulumi(["preview"], { env: ELSEWHERE });
        expect(plain.code).not.toBe(0);
        expect(plain.stdout + plain.stderr).toMatch(/DOCKER_HOST: set in the environment/);
    });

    test("a wrong passphrase is one clear line", async () => {
        await stack.ensureUp();
        const wrong = path.join(project.state, "..", "wrong");
        writeFileSync(wrong, "not the one");
        const { code, stdout, stderr } = await stack.mcp(["up"], {
            env: { PULUMI_CONFIG_PASSPHRASE_FILE: wrong },
        });
        expect(code).toBe(1);
        expect(stdout).toBe("");
        expect(stderr.split("\n").filter((line) => line.startsWith("error:"))).toEqual([
            "error: wrong passphrase for this stack's secrets",
        ]);
        expect(stderr).not.toContain("    at ");
    });

    test("a new manifest adds that server and touches nothing else", async () => {
        await stack.ensureUp();
        const before = { host: await stack.host(), inner: await stack.inner() };
        project.manifest("notes.yml", notes("10s"));
        const answer = await stack.up();
        // The component, its container, and its registration; the gateway is told by another carrier.
        expect(answer.changes).toEqual({
            ...{ create: 3, replace: 1 },
            same: expect.any(Number) as number,
        });
        expect(silent(answer)).toEqual([]);
        expect(await stack.host()).toEqual(before.host);
        expect(without(await stack.inner(), "notes-mcp")).toEqual(before.inner);
        expect(Object.keys(await stack.inner())).toContain("notes-mcp");
    });

    test("a changed health interval reaches the container, and that one only", async () => {
        await ensureNotes();
        const before = { host: await stack.host(), inner: await stack.inner() };
        project.manifest("notes.yml", notes("21s"));
        const answer = await stack.up();
        expect(silent(answer)).toEqual([]);
        const format = "{{.Config.Healthcheck.Interval}}";
        expect(await stack.inside(["inspect", "--format", format, "notes-mcp"])).toBe("21s\n");
        expect(await stack.host()).toEqual(before.host);
        const after = await stack.inner();
        expect(without(after, "notes-mcp")).toEqual(without(before.inner, "notes-mcp"));
        expect(after["notes-mcp"]).not.toBe(before.inner["notes-mcp"]);
    });

    test("a removed manifest removes that server and touches nothing else", async () => {
        await ensureNotes();
        const before = { host: await stack.host(), inner: await stack.inner() };
        project.manifest("notes.yml");
        const answer = await stack.up();
        expect(answer.changes).toEqual({
            ...{ delete: 3, replace: 1 },
            same: expect.any(Number) as number,
        });
        expect(silent(answer)).toEqual([]);
        expect(await stack.host()).toEqual(before.host);
        expect(await stack.inner()).toEqual(without(before.inner, "notes-mcp"));
    });

    test("a client's new token ends the old one, and nothing restarts for it", async () => {
        await stack.ensureUp();
        const token = async (): Promise<string> =>
            (await stack.mcp(["client", "token", "local"])).stdout.trim();
        const asked = async (bearer: string): Promise<number> => {
            const url = `http://127.0.0.1:${String(stack.portOffset + 10_005)}/servers/files-mcp/mcp`;
            const headers = { Authorization: `Bearer ${bearer}` };
            return (await initialize(url, headers, { revision: "2025-11-25" })).status;
        };
        const before = { host: await stack.host(), inner: await stack.inner() };
        const old = await token();
        expect(await asked(old)).toBe(200);
        expect(silent(await stack.ok(["client", "rotate", "local"]))).toEqual([]);
        const fresh = await token();
        expect(fresh).not.toBe(old);
        // The gateway looks at its file every second.
        await until("the gateway to take it up", 10, async () =>
            (await asked(fresh)) === 200 ? true : undefined,
        );
        expect(await asked(old)).toBe(401);
        expect(await stack.host()).toEqual(before.host);
        expect(await stack.inner()).toEqual(before.inner);
    });

    test("rotating replaces the orchestrator and nothing inside, and the servers answer again", async () => {
        await stack.ensureUp();
        const certificate = () => stack.shell("orchestrator", "cat /certs/server/cert.pem");
        const before = { host: await stack.host(), inner: await stack.inner() };
        const old = await certificate();
        const answer = await stack.ok(["rotate"]);
        expect(silent(answer)).toEqual([]);
        expect(await certificate()).not.toBe(old);
        const host = await stack.host();
        expect(host["sutazai-mcp-orchestrator"]).not.toBe(before.host["sutazai-mcp-orchestrator"]);
        expect(host["sutazai-mcp-postgres"]).toBe(before.host["sutazai-mcp-postgres"]);
        expect(await stack.inner()).toEqual(before.inner);
        // The manager shows the daemon the new certificate.
        const token = await stack.inside(["exec", "mcp-manager", "cat", "/run/secrets/read-token"]);
        const url = `http://127.0.0.1:${String(stack.portOffset + 18_080)}/ready`;
        const headers = { authorization: `Bearer ${token.trim()}` };
        await until("the manager to be ready", 60, async () =>
            (await fetch(url, { headers }).catch(() => undefined))?.ok === true ? true : undefined,
        );
        const { changes } = await stack.ok(["preview"]);
        expect(Object.keys(changes)).toEqual(["same"]);
    });

    test("down ends within 30 s with the orchestrator gone, and leaves nothing", async () => {
        await stack.ensureUp();
        const containers = await stack.docker.listContainers({
            all: true,
            filters: { label: [`mcp.stack=${stack.name}`] },
        });
        const volumes = containers.flatMap(({ Mounts }) =>
            Mounts.flatMap(({ Name }) => Name ?? []),
        );
        expect(volumes.length).toBeGreaterThanOrEqual(6);
        await stack.docker.getContainer(stack.names.orchestrator).remove({ force: true });
        const { code, seconds } = await stack.mcp(["down"]);
        expect(code).toBe(0);
        expect(seconds).toBeLessThan(30);
        expect(await belongings(stack.docker, stack.name)).toEqual({
            containers: [],
            networks: [],
            volumes: [],
        });
        // Volumes without a name of ours as well: an image may declare some.
        const { Volumes } = await stack.docker.listVolumes();
        expect(Volumes.map(({ Name }) => Name).filter((name) => volumes.includes(name))).toEqual(
            [],
        );
        expect(stack.state()).toBe("");
    });
});
