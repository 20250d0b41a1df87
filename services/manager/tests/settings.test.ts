import assert from "node:assert/strict";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { HELP } from "../src/help.ts";
import { readSettings, SettingsError } from "../src/settings.ts";
import { timed } from "./support/timed.ts";

const GOOD = {
    MANAGER_DAEMON_URL: "https://10.89.0.2:2376",
    MANAGER_READ_TOKEN_FILE: "/run/secrets/read-token",
    MANAGER_OPERATE_TOKEN_FILE: "/run/secrets/operate-token",
    MANAGER_STACK: JSON.stringify({
        ...{ stack: "dev", namePrefix: "a-", portOffset: 0, bindAddress: "127.0.0.1" },
        ...{ mainSubnet: "10.89.0.0/24", internalSubnet: "172.30.0.0/16" },
        ...{ innerPool: "10.90.0.0/16", postgres: { mode: "managed" } },
        orchestrator: { cpus: 4, memoryMb: 8_192 },
    }),
};

function problemsOf(env: Record<string, string>): string[] {
    try {
        readSettings(env, "/opt");
    } catch (error) {
        assert.ok(error instanceof SettingsError);
        return error.message.split("\n");
    }
    return [];
}

timed("defaults are those the help names", () => {
    const settings = readSettings(GOOD, "/opt");
    assert.equal(settings.apiPort, 8080);
    assert.equal(settings.metricsPort, 9090);
    assert.equal(settings.sampleMs, 2_000);
    assert.equal(settings.certsDir, "/certs/client");
    assert.equal(settings.dashboardDir, "/opt/dashboard");
    assert.deepEqual([...settings.allowedHosts], ["localhost", "127.0.0.1"]);
    assert.equal(settings.stack.addresses.main.orchestrator, "10.89.0.2");
    assert.equal(settings.stack.names.orchestrator, "a-sutazai-mcp-orchestrator");
});

timed("all problems are told at once, each with its setting", () => {
    const problems = problemsOf({
        ...GOOD,
        MANAGER_DAEMON_URL: "http://user:geheim@10.89.0.2:2376",
        MANAGER_API_PORT: "70000",
        MANAGER_SAMPLE_SECONDS: "60",
        MANAGER_STACK: "{}",
        MANAGER_TYPO: "1",
    });
    const names = problems.map((line) => line.split(":")[0]);
    for (const name of ["DAEMON_URL", "API_PORT", "SAMPLE_SECONDS", "STACK", "TYPO"]) {
        assert.ok(names.includes(`MANAGER_${name}`), `${name} in ${problems.join("; ")}`);
    }
    assert.ok(!problems.join().includes("geheim"));
});

timed("a setting that is missing says so; one of a wrong form does not say it is missing", () => {
    const { MANAGER_STACK, MANAGER_READ_TOKEN_FILE, MANAGER_OPERATE_TOKEN_FILE } = GOOD;
    const rest = { MANAGER_STACK, MANAGER_READ_TOKEN_FILE, MANAGER_OPERATE_TOKEN_FILE };
    assert.deepEqual(problemsOf(rest), ["MANAGER_DAEMON_URL: is not set (see --help)"]);
    const [line = ""] = problemsOf({ ...GOOD, MANAGER_API_PORT: "x" });
    assert.match(line, /^MANAGER_API_PORT: Invalid input/);
});

timed("the orchestrator's limits are read, and asked for", () => {
    assert.deepEqual(readSettings(GOOD, "/opt").orchestrator, { cpus: 4, memoryMb: 8_192 });
    const without = { ...(JSON.parse(GOOD.MANAGER_STACK) as object), orchestrator: undefined };
    const [line = ""] = problemsOf({ ...GOOD, MANAGER_STACK: JSON.stringify(without) });
    assert.match(line, /^MANAGER_STACK: orchestrator:/);
});

timed("the images file must map names to content ids", () => {
    const file = join(mkdtempSync(join(tmpdir(), "settings-")), "images.json");
    const env = { ...GOOD, MANAGER_IMAGES_FILE: file };
    assert.match(problemsOf(env).join(), /MANAGER_IMAGES_FILE: ENOENT/);
    writeFileSync(file, '{"bridge": "latest"}');
    assert.match(problemsOf(env).join(), /sha256:<content id>/);
    writeFileSync(file, `{"bridge": "sha256:${"a".repeat(64)}"}`);
    assert.equal(readSettings(env, "/opt").images.size, 1);
});

timed("the help names every setting", () => {
    const problems = problemsOf({ ...GOOD, MANAGER_NOPE: "" });
    assert.match(problems.join(), /no such setting/);
    const named = new Set(HELP.match(/MANAGER_[A-Z_]+/g));
    for (const name of Object.keys(GOOD)) assert.ok(named.has(name), name);
    // What the help names is taken: only its value may be wrong.
    for (const name of named) {
        assert.ok(
            !problemsOf({ ...GOOD, [name]: "" })
                .join()
                .includes("no such setting"),
            name,
        );
    }
});
