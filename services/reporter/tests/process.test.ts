/** The program as Docker runs it: built, with an environment and signals. */
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

import { check } from "./support/check.ts";
import { NODE } from "./support/fake-consul.ts";
import { Stage, type LogLine } from "./support/stage.ts";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
// Inside the package, so that the built program finds node_modules.
const FOLDER = mkdtempSync(join(ROOT, "dist-test-"));
after(() => rmSync(FOLDER, { recursive: true, force: true }));
const MAIN = join(FOLDER, "main.js");
execFileSync(process.execPath, ["--no-warnings", join(ROOT, "scripts/build.ts"), FOLDER]);

interface Ran {
    readonly code: number | null;
    readonly out: string;
    readonly err: string;
}

async function run(args: readonly string[], env: Record<string, string>): Promise<Ran> {
    const child = spawn(process.execPath, [MAIN, ...args], { env, cwd: tmpdir() });
    let out = "";
    let err = "";
    child.stdout.on("data", (part: Buffer) => (out += part.toString()));
    child.stderr.on("data", (part: Buffer) => (err += part.toString()));
    const [code] = (await once(child, "close")) as [number | null];
    return { code, out, err };
}

check("--help has examples and ends with 0", async () => {
    const { code, out, err } = await run(["--help"], {});
    assert.equal(code, 0);
    assert.match(out, /^Examples:\n {2}REPORTER_CONSUL_URL=/m);
    assert.equal(err, "");
});

check("a bad setting ends it with 2 and one line", async () => {
    const { code, out, err } = await run([], { REPORTER_NODE: "x" });
    assert.equal(code, 2);
    assert.equal(out, "");
    assert.match(err, /^reporter: REPORTER_CONSUL_URL: is not set; give it as in .*\n$/);
    assert.equal((await run(["stop"], {})).code, 2);
});

check("health without a reporter is 1, and says why", async () => {
    const { code, out } = await run(["health"], { REPORTER_HEALTH_PORT: "1" });
    assert.equal(code, 1);
    assert.match(out, /^reporter: no answer from \/healthz: .*ECONNREFUSED/);
});

for (const signal of ["SIGTERM", "SIGINT"] as const) {
    check(`reports, is healthy, and deregisters on ${signal} with exit code 0`, async (t) => {
        const stage = await Stage.set(t);
        const server = await stage.server({ era: "session" });
        stage.register("files-mcp", server.port);
        const child = spawn(process.execPath, [MAIN], {
            env: {
                REPORTER_CONSUL_URL: stage.consul.url,
                REPORTER_NODE: NODE,
                REPORTER_ADDRESS: "10.89.0.7",
                REPORTER_HEALTH_PORT: "0",
                REPORTER_INTERVAL_SECONDS: "0.2",
            },
            stdio: ["ignore", "pipe", "inherit"],
        });
        t.after(() => child.kill("SIGKILL"));
        const closed = once(child, "close");
        createInterface({ input: child.stdout }).on("line", (line) => {
            stage.logs.push(JSON.parse(line) as LogLine);
        });
        await stage.status("files-mcp", "passing");
        await stage.until("registered", () => stage.consul.agent.has("mcp-reporter"));
        const port = String(stage.logs.find(({ msg }) => msg === "listening")?.port);
        const { code, out } = await run(["health"], { REPORTER_HEALTH_PORT: port });
        assert.equal(code, 0);
        assert.deepEqual(JSON.parse(out), { status: "ok", node: NODE, services: 1, critical: 0 });
        if (signal === "SIGINT") await refusedMeanwhile(stage, port);
        child.kill(signal);
        assert.deepEqual(await closed, [0, null]);
        assert.equal(stage.consul.agent.size, 0);
        assert.equal(stage.statusOf("files-mcp"), "passing");
        assert.equal(server.sessions.size, 0, "its session is closed");
    });
}

/** Consul refuses the token for a while, and `health` tells. */
async function refusedMeanwhile(stage: Stage, port: string): Promise<void> {
    stage.consul.tokens = new Set();
    await stage.until("refusal", () => stage.logged("refuses the token").length === 1, 15_000);
    const { code, out } = await run(["health"], { REPORTER_HEALTH_PORT: port });
    assert.equal(code, 1);
    assert.match(out, /^reporter: Consul refuses the token .*run \.\/mcp up/);
    stage.consul.tokens = undefined;
}

check("a taken port ends it with 1 and the reason", async (t) => {
    const stage = await Stage.set(t);
    const { port } = new URL(stage.consul.url);
    const { code, out } = await run([], {
        REPORTER_CONSUL_URL: stage.consul.url,
        REPORTER_NODE: NODE,
        REPORTER_ADDRESS: "10.89.0.7",
        REPORTER_HEALTH_PORT: port,
    });
    assert.equal(code, 1);
    assert.match(out, new RegExp(`cannot listen on 127.0.0.1:${port}`));
});
