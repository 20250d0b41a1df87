import { appendFileSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import * as path from "node:path";

import { z } from "zod";

import { policyNote } from "../../cli/engine/events";
import { describeWhere } from "../support/machine";
import { ProjectCopy } from "../support/pulumi/project";
import { Running, type Ended } from "../support/pulumi/run";

jest.setTimeout(300_000);

const STACK = "policy";

/** What one side says: rule, resource, and whether it stops an `up`. */
type Said = readonly string[];

const policyEvent = z.object({
    policyEvent: z
        .object({
            policyName: z.string(),
            enforcementLevel: z.string(),
            resourceUrn: z.string().optional(),
            message: z.string(),
        })
        .optional(),
});
const report = z.object({
    verdicts: z.array(z.object({ rule: z.string(), enforcement: z.string(), urn: z.string() })),
});

/** What is wrong with a stack in every area that a rule looks at, written after the real program. */
const BAD = `
const badNetwork = new docker.Network("bad-network", { name: "bad", ipamConfigs: [{ subnet: "172.30.7.0/24", gateway: "172.30.7.1" }] }, onInner);
const badKey = new tls.PrivateKey("bad-key", { algorithm: "RSA", rsaBits: 2048 });
new docker.Volume("bad-volume", { name: "bad", driver: "local", driverOpts: { type: "none", o: "bind", device: "/" } }, onHost);
new docker.Container("bad-server", {
    name: "bad", image: "node:latest", privileged: true, networkMode: "host", user: "0", memory: 99999,
    envs: ["API_TOKEN=x"], command: ["npx", "@modelcontextprotocol/server-postgres"],
    ports: [{ internal: 80, external: 13002, ip: "10.89.0.2", protocol: "tcp" }, { internal: 81, external: 81, ip: "0.0.0.0" }],
    volumes: [{ hostPath: "/var/run/docker.sock", containerPath: "/var/run/docker.sock" }],
    capabilities: { adds: ["SYS_ADMIN"] },
}, onInner);
new docker.Container("bad-service", {
    name: "bad", image: "busybox", envs: [badKey.publicKeyPem.apply((pem) => "LENGTH=" + String(pem.length))],
    ports: [{ internal: 2375, external: 2375, ip: "0.0.0.0" }],
}, onHost);
export const adminPassword = "hunter2";
`;

/** A value that a mandatory rule needs and nobody knows before `up`. */
const UNKNOWN = `
const laterNetwork = new docker.Network("later-network", { name: "later", labels: [] }, onHost);
new docker.Container("later", { name: "later", image: laterNetwork.id }, onHost);
`;

describeWhere("pulumi", "the policy pack in the engine", () => {
    let project: ProjectCopy;

    const pulumi = (...args: string[]): Promise<Ended> =>
        Running.start(project.pulumi, [...args, "--stack", STACK, "--non-interactive"], {
            cwd: project.dir,
            // The flag for the event log is one of the CLI's hidden ones.
            env: { ...project.env, PULUMI_DEBUG_COMMANDS: "true" },
        }).done;

    /** A preview with the pack: how it ended, what it printed, and what the pack said. */
    const preview = async (): Promise<Ended & { readonly said: Said }> => {
        const log = path.join(project.state, "events.json");
        rmSync(log, { force: true });
        const ended = await pulumi("preview", "--policy-pack", "policy", "--event-log", log);
        if (!existsSync(log)) throw new Error(`${ended.stdout}\n${ended.stderr}`);
        const said = readFileSync(log, "utf8")
            .trim()
            .split("\n")
            .flatMap((line) => {
                const event = policyEvent.parse(JSON.parse(line)).policyEvent;
                if (event === undefined) return [];
                const { policy, mandatory, urn = "" } = policyNote(event as never);
                return [line1(policy, urn, mandatory)];
            });
        return { ...ended, said: [...new Set(said)].sort() };
    };

    /** What `./mcp check` says of the same program. */
    const check = async (): Promise<{ readonly code: number | null; readonly said: Said }> => {
        const args = ["--import", "tsx", "cli/main.ts", "--stack", STACK, "check", "--json"];
        const options = { cwd: project.dir, env: project.env };
        const { code, stdout, stderr } = await Running.start(process.execPath, args, options).done;
        if (!stdout.startsWith("{")) throw new Error(stderr);
        const said = report
            .parse(JSON.parse(stdout))
            .verdicts.map(({ rule, urn, enforcement }) =>
                line1(rule, urn, enforcement === "mandatory"),
            );
        return { code, said: [...new Set(said)].sort() };
    };

    const line1 = (rule: string, urn: string, mandatory: boolean): string => {
        return `${rule} ${urn.split("::").at(-1) ?? ""}${mandatory ? "" : " (advisory)"}`;
    };

    beforeAll(async () => {
        project = new ProjectCopy();
        expect(await pulumi("stack", "init")).toMatchObject({ code: 0 });
        const settings = [
            "config:",
            "  sutazai-mcp:namePrefix: policy-",
            "  sutazai-mcp:imageSource: registry",
            // Apart from every other stack of this machine, which the preflight would name.
            '  sutazai-mcp:portOffset: "19300"',
            "  sutazai-mcp:mainSubnet: 10.231.7.0/24",
            "  sutazai-mcp:internalSubnet: 10.232.7.0/24",
            "  sutazai-mcp:innerPool: 10.233.0.0/16",
            "",
        ];
        appendFileSync(project.settingsFile(STACK), settings.join("\n"));
    });

    afterAll(async () => {
        await Running.killAll();
        project.remove();
    });

    test("the program passes in its first preview, with nothing left undecided but its outputs", async () => {
        const engine = await preview();
        expect(engine.stdout + engine.stderr).not.toContain("can't run policy");
        expect(engine.said).toEqual([`secret-output sutazai-mcp-${STACK} (advisory)`]);
        expect(engine.code).toBe(0);
        expect(await check()).toEqual({ code: 0, said: [] });
    });

    /** Runs a test with something more at the end of the program. */
    const withMore = async (text: string, body: () => Promise<void>): Promise<void> => {
        const index = path.join(project.dir, "index.ts");
        const before = readFileSync(index, "utf8");
        appendFileSync(index, text);
        try {
            await body();
        } finally {
            writeFileSync(index, before);
        }
    };

    test("a program with faults in every area is refused, by the same rules on both sides", async () => {
        await withMore(`import * as tls from "@pulumi/tls";\n${BAD}`, async () => {
            const engine = await preview();
            const graph = await check();
            expect(engine.stdout + engine.stderr).not.toContain("can't run policy");
            expect([engine.code === 0, graph.code]).toEqual([false, 1]);
            // An output that is not known yet is told by the engine alone; a bad one is refused by both.
            const told = `secret-output sutazai-mcp-${STACK} (advisory)`;
            expect(engine.said.filter((line) => line !== told)).toEqual(graph.said);
            expect(graph.said.length).toBeGreaterThan(35);
            const printed = engine.said.join() + policyText(engine.stdout);
            for (const value of ["hunter2", "API_TOKEN", "SYS_ADMIN", "docker.sock"]) {
                expect(printed).not.toContain(value);
            }
        });
    });

    test("./mcp preview condenses the engine's preview to Markdown, policies and all", async () => {
        const args = ["--import", "tsx", "cli/main.ts", "--stack", STACK, "preview"];
        const options = { cwd: project.dir, env: project.env };
        const run = (...more: string[]): Promise<Ended> =>
            Running.start(process.execPath, [...args, ...more], options).done;
        const first = await run("--format", "markdown");
        expect({ code: first.code, stderr: first.stderr }).toMatchObject({ code: 0 });
        expect(first.stdout).toContain("From a preview by the engine, against the stack's state.");
        expect(first.stdout).toContain("- added: `files-mcp`, `http-mcp`, `postgres-mcp`");
        expect(first.stdout).toContain("| `postgres-mcp` | egress |  | `postgres:5432` |");
        expect(first.stdout).toContain("0 violations");
        // The same change, the same text.
        expect((await run("--format", "markdown")).stdout).toBe(first.stdout);
        await withMore(UNKNOWN, async () => {
            const refused = await run("--format", "markdown");
            expect(refused.code).toBe(1);
            expect(refused.stdout).toContain("| `image-pinned` | **mandatory** | `later` |");
        });
    });

    test("a value nobody knows yet does not turn a mandatory rule into silence", async () => {
        await withMore(UNKNOWN, async () => {
            const { code, stdout, said } = await preview();
            expect(code).not.toBe(0);
            expect(said).toContain("image-pinned later");
            expect(stdout).toContain(
                "image: is not known before up, so this rule cannot be decided yet",
            );
            expect(stdout).not.toContain("can't run policy");
        });
    });
});

/** The part of a preview that the policies wrote. */
function policyText(stdout: string): string {
    const [, text = ""] = stdout.split("\nPolicies:");
    return text.split("\nOutputs:")[0] ?? "";
}
