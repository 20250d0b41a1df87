/** The document against the program: schemathesis asks what it allows, and what it does not, with each role's token. */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import test, { type TestContext } from "node:test";

import { FakeMcp } from "../../reporter/tests/support/fake-mcp.ts";
import { OPERATE, READ, Stage } from "./support/stage.ts";

const CONFIG = join(import.meta.dirname, "support/schemathesis.toml");
/** A run takes 13 s on two idle cores, 67 s on two with twice the work they can do. */
const LIMIT_MS = 90_000;
/** A stream of events is heard until the first one; so often there is one. */
const EVENT_MS = 200;

const PROGRAM = [
    join(import.meta.dirname, "../../../.mcp/tools/schemathesis/bin/schemathesis"),
    "schemathesis",
].find((one) => spawnSync(one, ["--version"]).status === 0);
const NO_PROGRAM =
    "schemathesis is not on this machine (scripts/ensure-schemathesis.sh .mcp/tools/schemathesis)";

const NEEDS_OPERATE = [
    "DELETE /containers/{name}",
    "POST /containers",
    "POST /containers/{name}/restart",
];

check("the API is as its document says, for the read token", READ, NEEDS_OPERATE);
check("the API is as its document says, for the operate token", OPERATE, []);

/** @param never what no valid request with this token succeeds at; everything else has to succeed at least once */
function check(name: string, token: string, never: readonly string[]): void {
    const skip = PROGRAM === undefined ? NO_PROGRAM : false;
    void test(name, { timeout: LIMIT_MS, skip }, async (t) => {
        const stage = await openStage(t);
        const document = (await stage.get("/openapi.json")).text;
        const report = await runSchemathesis(t, stage, document, token);
        const { complete, operations, test_cases: cases, valid_rates: rates } = report;
        const accepted = Object.entries(rates).map(([operation, phases]) => ({
            operation,
            count: Object.values(phases).reduce((sum, phase) => sum + phase.accepted, 0),
        }));
        const all = accepted.reduce((sum, { count }) => sum + count, 0);
        t.diagnostic(
            `${cases.generated} cases for ${operations.tested} operations, ${all} valid ones accepted`,
        );
        assert.ok(complete);
        const succeeded = new Set(
            accepted.filter(({ count }) => count > 0).map(({ operation }) => operation),
        );
        assert.deepEqual(
            // What is made meanwhile answers nothing, and so /ready says 503; the stage has seen it say 200.
            operationsOf(document).filter((one) => !succeeded.has(one) && one !== "GET /ready"),
            never,
        );
    });
}

/** A manager with servers of both origins, on which something happens all the time. */
async function openStage(t: TestContext): Promise<Stage> {
    const stage = await Stage.open(["files-mcp", "http-mcp"]);
    t.after(() => stage.close());
    const [server] = stage.daemon.containers.values();
    assert.ok(server);
    const tick = setInterval(() => stage.daemon.emit("health_status: healthy", server), EVENT_MS);
    t.after(() => clearInterval(tick));
    const answering = await FakeMcp.start();
    stage.servers.push(answering);
    const made = await stage.ask("POST", "/containers", {
        type: "application/json",
        body: JSON.stringify({
            apiVersion: "mcp/v1",
            kind: "MCPContainer",
            metadata: { name: "made-mcp" },
            spec: {
                ...{ build: "bridge", command: ["node", "/opt/server.mjs"], port: 13_008 },
                transport: { containerPort: answering.port },
            },
        }),
    });
    assert.equal(made.status, 201, made.text);
    // Once at least it says 200: what is made from here on answers nothing.
    await stage.until("all servers answer", async () => (await stage.get("/ready")).status === 200);
    return stage;
}

/** What of schemathesis' report is looked at. */
interface Report {
    readonly complete: boolean;
    readonly operations: { readonly tested: number };
    readonly test_cases: { readonly generated: number };
    /** What became of valid requests, by operation and phase. */
    readonly valid_rates: Record<string, Record<string, { readonly accepted: number }>>;
}

/** Fails with what schemathesis found, which says how to ask the same again. */
async function runSchemathesis(
    t: TestContext,
    stage: Stage,
    document: string,
    token: string,
): Promise<Report> {
    const [file, report] = [join(stage.dir, "openapi.json"), join(stage.dir, "report.json")];
    writeFileSync(file, document);
    const child = spawn(
        PROGRAM ?? assert.fail(NO_PROGRAM),
        [
            ...["--config-file", CONFIG, "run", file, "--url", stage.api],
            ...["--report", "json", "--report-json-path", report],
        ],
        {
            // What it leaves behind goes with the stage.
            cwd: stage.dir,
            env: { PATH: process.env.PATH, PYTHONUTF8: "1", MANAGER_TOKEN: token },
            stdio: ["ignore", "pipe", "inherit"],
            signal: t.signal,
        },
    );
    const [output] = await Promise.all([text(child.stdout), once(child, "exit")]);
    assert.equal(child.exitCode, 0, output);
    return JSON.parse(readFileSync(report, "utf8")) as Report;
}

/** Every operation of the document, sorted. */
function operationsOf(document: string): string[] {
    const { paths } = JSON.parse(document) as { paths: Record<string, object> };
    return Object.entries(paths)
        .flatMap(([path, methods]) =>
            Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
        )
        .sort();
}
