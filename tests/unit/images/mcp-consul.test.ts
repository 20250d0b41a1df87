import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

import { ConsulApi } from "./consul-api";

const SCRIPT = path.resolve(__dirname, "../../../images/consul/mcp-consul");
const RULES = `# say "read" \\ once\nnode "a"\t{ policy = "read" }\n`;

let folder: string;
let api: ConsulApi;
let secrets: Record<string, string>;
let started: number[];

const at = (...parts: string[]): string => path.join(folder, ...parts);
const text = (file: string): string => fs.readFileSync(at(file), "utf8");

/** The start script at paths and a port of its own, with a `consul` that only waits to be ended. */
beforeEach(async () => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "mcp-consul-"));
    for (const sub of ["bin", "data", "tmp", "etc/policies", "etc/tokens"]) {
        fs.mkdirSync(at(sub), { recursive: true });
    }
    secrets = {};
    started = [];
    for (const role of ["agent", "registrar", "reporter"]) give(role);
    fs.writeFileSync(at("etc/policies/anonymous.hcl"), RULES);
    const management = randomUUID();
    fs.writeFileSync(at("etc/management-token"), management);
    api = new ConsulApi(management);
    const port = await api.listen();
    const script = fs
        .readFileSync(SCRIPT, "utf8")
        .replaceAll("=/tmp/", `=${at("tmp")}/`)
        .replace("/etc/mcp", at("etc"))
        .replace("/consul/data", at("data"))
        .replace("127.0.0.1:8500", `127.0.0.1:${String(port)}`);
    fs.writeFileSync(at("mcp-consul"), script, { mode: 0o755 });
    // No `consul` is left behind: it ends by itself once the test is done.
    tool("consul", `echo "consul $*"; while [ -e ${at("mcp-consul")} ]; do sleep 0.1; done`);
    tool("curl", `echo "$*" >>${at("argv")}; PATH=\${PATH#*:}; exec curl "$@"`);
});

afterEach(async () => {
    for (const group of started) end(group);
    fs.rmSync(folder, { recursive: true, force: true });
    await api.close();
});

function give(role: string): void {
    secrets[role] = randomUUID();
    fs.writeFileSync(at("etc/tokens", role), `${secrets[role] ?? ""}\n`);
    fs.writeFileSync(at(`etc/policies/${role}.hcl`), RULES);
}

function tool(name: string, line: string): void {
    fs.writeFileSync(at("bin", name), `#!/bin/sh\n${line}\n`, { mode: 0o755 });
}

/** Ends a process group that may be gone already. */
function end(group: number): void {
    try {
        if (group > 0) process.kill(-group);
    } catch {
        // It is gone.
    }
}

/** Runs the script; resolves at its end or when it has written the line waited for. */
async function run(args: string[], until?: string): Promise<{ code: number | null; out: string }> {
    const child = spawn(at("mcp-consul"), args, {
        // A group of its own: what runs in the background ends with the test as well.
        detached: true,
        env: { ...process.env, PATH: `${at("bin")}:${process.env.PATH ?? ""}` },
    });
    started.push(child.pid ?? 0);
    let out = "";
    return new Promise((resolve) => {
        const read = (chunk: Buffer): void => {
            out += chunk.toString("utf8");
            if (until === undefined || !out.includes(until)) return;
            end(child.pid ?? 0);
            resolve({ code: null, out });
        };
        child.stdout.on("data", read);
        child.stderr.on("data", read);
        child.on("close", (code) => {
            resolve({ code, out });
        });
    });
}

const start = async (): Promise<string> => (await run([], "ACLs hold\n")).out;
const health = (): ReturnType<typeof run> => run(["health"]);
const roles = (): string[] =>
    api.tokens.flatMap(({ Description }) => /^mcp (.+)$/.exec(Description)?.[1] ?? []).sort();

test("makes policies and tokens, with Consul as the process itself", async () => {
    fs.writeFileSync(at("data/server_metadata.json"), "{}");
    expect(await start()).toContain(`consul agent -config-file=${at("etc/consul.json")}`);
    expect(roles()).toEqual(["agent", "registrar", "reporter"]);
    for (const policy of api.policies) {
        expect(policy.Rules).toBe(RULES.replaceAll("\t", " "));
    }
    const reporter = api.tokens.find(({ Description }) => Description === "mcp reporter");
    expect(reporter).toMatchObject({
        SecretID: secrets.reporter,
        Policies: [{ Name: "mcp-reporter" }],
    });
    expect(api.tokens[0]?.Policies).toEqual([{ Name: "mcp-anonymous" }]);
    expect(fs.readdirSync(at("data"))).toEqual([]);
    expect(fs.readdirSync(at("tmp"))).toEqual(["acl-ready"]);
    expect(await health()).toEqual({ code: 0, out: "" });
});

test("a second start changes nothing", async () => {
    await start();
    const before = JSON.stringify([api.policies, api.tokens]);
    await start();
    expect(JSON.stringify([api.policies, api.tokens])).toBe(before);
});

test("no secret is on a command line", async () => {
    await start();
    await health();
    const argv = text("argv");
    expect(argv).toContain("acl/token");
    for (const secret of [api.management, ...Object.values(secrets)]) {
        expect(argv).not.toContain(secret);
    }
});

test("an old secret and a role that is gone no longer count", async () => {
    await start();
    const old = secrets.registrar;
    give("registrar");
    fs.rmSync(at("etc/tokens/reporter"));
    await start();
    expect(roles()).toEqual(["agent", "registrar"]);
    expect(api.tokens.map(({ SecretID }) => SecretID)).not.toContain(old);
});

test("of two management tokens the state's is the one that counts; foreign tokens stay", async () => {
    api.addManagement(randomUUID());
    api.tokens.push({
        AccessorID: randomUUID(),
        SecretID: "foreign",
        Description: "somebody's",
        Policies: [],
    });
    await start();
    const left = api.tokens.filter(({ Description }) => !Description.startsWith("mcp "));
    expect(left.map(({ SecretID }) => SecretID)).toEqual(["anonymous", api.management, "foreign"]);
});

test("health says what is missing, and a restart brings a revoked token back", async () => {
    api.leader = "";
    expect(await health()).toEqual({ code: 1, out: "mcp-consul: no leader\n" });
    api.leader = "10.0.0.2:8300";
    expect(await health()).toEqual({ code: 1, out: "mcp-consul: ACLs do not hold yet\n" });
    await start();
    const revoked = api.tokens.findIndex(({ Description }) => Description === "mcp reporter");
    api.tokens.splice(revoked, 1);
    const { code, out } = await health();
    expect(code).toBe(1);
    expect(out).toMatch(
        /^mcp-consul: token of reporter: GET acl\/token\/self: .*ACL not found *\n$/,
    );
    await start();
    expect(await health()).toEqual({ code: 0, out: "" });
    await api.close();
    expect((await health()).out).toMatch(/^mcp-consul: no answer: curl: \(7\) .*\n$/);
});

test("rules that Consul refuses are named, and tried again", async () => {
    fs.writeFileSync(at("etc/policies/registrar.hcl"), "nonsense");
    const waiting = run([], "ACLs hold\n");
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect((await health()).out).toBe("mcp-consul: ACLs do not hold yet\n");
    fs.writeFileSync(at("etc/policies/registrar.hcl"), RULES);
    const { out } = await waiting;
    expect(out.match(/do not hold, trying on: .*/g)).toEqual([
        expect.stringMatching(/policy of registrar: PUT acl\/policy: .*Failed to parse ACL rules/),
    ]);
}, 15_000);
