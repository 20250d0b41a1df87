/** The official conformance suite: what the fixture passes by itself it passes behind the gateway. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { fileURLToPath } from "node:url";

import { Everything } from "./support/everything/server.ts";
import { ANYONE, Gateway } from "./support/gateway.ts";
import { freePort } from "./support/ports.ts";
import { Renaming } from "./support/renaming.ts";

const SUITE = fileURLToPath(
    new URL("../node_modules/@modelcontextprotocol/conformance/dist/index.js", import.meta.url),
);
const LIMIT_MS = 240_000;
/** Extensions that the SDK does not have, so the fixture has not either; the suite does not score them. */
const EXTENSIONS = /^(?:tasks-|http-custom-header-server-validation$)/;
/** Required scenarios of each revision, in 0.2.0-alpha.12. */
const REVISIONS = { "2025-11-25": 30, "2026-07-28": 37 };

interface Verdict {
    readonly passed: string[];
    readonly failed: string[];
    readonly checks: number;
}

/** Runs every scenario that a revision of the specification asks of a server. */
async function runSuite(t: TestContext, url: string, revision: string): Promise<Verdict> {
    const cwd = mkdtempSync(join(tmpdir(), "gateway-conformance-"));
    t.after(() => rmSync(cwd, { recursive: true, force: true }));
    const args = [SUITE, "server", "--url", url, "--requirements", revision];
    const suite = spawn(process.execPath, args, { cwd, stdio: ["ignore", "pipe", "inherit"] });
    t.after(() => suite.kill("SIGKILL"));
    let output = "";
    suite.stdout.on("data", (part: Buffer) => (output += part.toString()));
    await once(suite, "close");
    const [, summary = ""] = output.split("=== SUMMARY ===");
    const lines = [...summary.matchAll(/^([✓✗]) ([\w-]+): (\d+) passed, (\d+) failed/gm)];
    const names = (mark: string): string[] =>
        lines.filter(([, own]) => own === mark).map(([, , name = ""]) => name);
    const checks = lines.reduce((sum, [, , , passed]) => sum + Number(passed), 0);
    return { passed: names("✓"), failed: names("✗"), checks };
}

/**
 * What is different on the endpoint of all servers, on purpose: nothing that a server of the older
 * revisions asks of one client by itself, no subscriptions to resources, no roots.
 */
const NOT_ON_ALL: Readonly<Record<string, readonly string[]>> = {
    "2025-11-25": [
        "tools-call-sampling",
        "tools-call-elicitation",
        "elicitation-sep1034-defaults",
        "elicitation-sep1330-enums",
        "resources-subscribe",
        "resources-unsubscribe",
    ],
    "2026-07-28": [
        "input-required-result-basic-list-roots",
        "input-required-result-multiple-input-requests",
    ],
};

for (const [revision, required] of Object.entries(REVISIONS)) {
    void test(
        `${revision}: the same verdict bare and behind the gateway`,
        { timeout: LIMIT_MS },
        async (t) => {
            const everything = await Everything.start();
            t.after(() => everything.close());
            const port = await freePort();
            const gateway = await Gateway.ready(
                t,
                {
                    servers: [{ name: "everything", url: everything.origin }],
                    clients: [ANYONE],
                    // The suite also comes as a page of the server's own origin.
                    settings: { allowedOrigins: [`http://127.0.0.1:${port}`] },
                },
                { env: { GATEWAY_PORT: String(port) } },
            );
            const bare = await runSuite(t, `${everything.origin}/mcp`, revision);
            const relayed = await runSuite(t, gateway.url("everything"), revision);
            assert.deepEqual(
                bare.failed.filter((name) => !EXTENSIONS.test(name)),
                [],
            );
            assert.ok(bare.passed.length >= required, `${bare.passed.length} scenarios`);
            assert.deepEqual(relayed, bare);
            t.diagnostic(`${relayed.passed.length} scenarios, ${relayed.checks} checks`);
        },
    );

    void test(
        `${revision}: the endpoint of all servers, under the names of one`,
        { timeout: LIMIT_MS },
        async (t) => {
            const everything = await Everything.start();
            t.after(() => everything.close());
            const servers = [{ name: "everything", url: everything.origin }];
            const gateway = await Gateway.ready(t, { servers, clients: [ANYONE] });
            const renaming = await Renaming.start(gateway.url(), "everything");
            t.after(() => renaming.close());
            const origin = new URL(renaming.url).origin;
            await gateway.reconfigure({
                servers,
                clients: [ANYONE],
                settings: { allowedOrigins: [origin] },
            });
            const { passed, failed } = await runSuite(t, renaming.url, revision);
            const unexpected = failed.filter((name) => !EXTENSIONS.test(name));
            assert.deepEqual(unexpected, NOT_ON_ALL[revision]);
            assert.ok(passed.length >= required - unexpected.length, `${passed.length} scenarios`);
            t.diagnostic(`${passed.length} scenarios`);
        },
    );
}
