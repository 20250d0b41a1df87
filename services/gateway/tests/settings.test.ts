/** Settings, the configuration file and the command line: what is wrong is said in one line. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { fileURLToPath } from "node:url";

import { ConfigError, mayUse, parseConfig, serversOf } from "../src/config.ts";
import { readSettings, SettingsError } from "../src/settings.ts";

const MAIN = fileURLToPath(new URL("../src/main.ts", import.meta.url));
const HASH = "a".repeat(64);
const SERVER = { name: "files-mcp", url: "http://files-mcp:3000" };
const CLIENT = { name: "alice", tokenSha256: HASH, servers: ["files-mcp"] };

const noFile = (): Buffer => {
    throw new Error("no such file");
};

void test("defaults", () => {
    const settings = readSettings({ GATEWAY_CONFIG: "/c.json", PATH: "/bin" }, noFile);
    assert.equal(settings.configFile, "/c.json");
    assert.deepEqual([settings.host, settings.port], ["0.0.0.0", 13_000]);
    assert.deepEqual([settings.metricsHost, settings.metricsPort], ["127.0.0.1", 9_464]);
    assert.deepEqual(
        [settings.audit.file, settings.inspectMs, settings.logLevel],
        ["-", 60_000, "info"],
    );
    assert.equal(settings.audit.key.length, 32);
    assert.deepEqual([settings.audit.maxBytes, settings.audit.files], [67_108_864, 5]);
    assert.deepEqual([settings.pinsFile, settings.otlpEndpoint], [undefined, undefined]);
});

void test("settings that are wrong", () => {
    const cases: [Record<string, string>, RegExp][] = [
        [{ GATEWAY_CONFIG: "" }, /^GATEWAY_CONFIG: is required/],
        [{ GATEWAY_PORTS: "1" }, /^GATEWAY_PORTS: no such setting/],
        [{ GATEWAY_PORT: "65536" }, /^GATEWAY_PORT: .* from 0 to 65535, got "65536"/],
        [{ GATEWAY_PORT: "1e3" }, /^GATEWAY_PORT/],
        [{ GATEWAY_HOST: "example.com" }, /^GATEWAY_HOST: must be an IP address/],
        [{ GATEWAY_LOG_LEVEL: "loud" }, /^GATEWAY_LOG_LEVEL: must be one of/],
        [{ GATEWAY_INSPECT_SECONDS: "0" }, /^GATEWAY_INSPECT_SECONDS/],
        [{ GATEWAY_AUDIT_MAX_BYTES: "64M" }, /^GATEWAY_AUDIT_MAX_BYTES: .* from 1024 to 999999999/],
        [{ GATEWAY_AUDIT_FILES: "1" }, /^GATEWAY_AUDIT_FILES: .* from 2 to 1000/],
        [
            { GATEWAY_AUDIT_KEY_FILE: "/none" },
            /^GATEWAY_AUDIT_KEY_FILE: cannot be read: no such file/,
        ],
        [{ OTEL_EXPORTER_OTLP_ENDPOINT: "collector" }, /^OTEL_EXPORTER_OTLP_ENDPOINT: must be/],
    ];
    for (const [env, message] of cases) {
        assert.throws(
            () => readSettings({ GATEWAY_CONFIG: "/c.json", ...env }, noFile),
            (error) => error instanceof SettingsError && message.test(error.message),
            JSON.stringify(env),
        );
    }
    const short = { GATEWAY_CONFIG: "/c", GATEWAY_AUDIT_KEY_FILE: "/k" };
    assert.throws(
        () => readSettings(short, () => Buffer.from("x")),
        /needs 16 bytes or more, has 1/,
    );
});

void test("a small configuration is filled in", () => {
    const config = parseConfig(JSON.stringify({ servers: [SERVER], clients: [CLIENT] }));
    const [server] = config.servers;
    const [client] = config.clients;
    assert.ok(server && client);
    assert.deepEqual([server.path, server.timeoutSeconds], ["/mcp", 300]);
    assert.deepEqual(client.limits, {
        callsPerMinute: 600,
        concurrent: 16,
        bodyBytes: 1_048_576,
        sessions: 64,
    });
    assert.deepEqual(client.tokenSha256, [HASH]);
    assert.equal(config.settings.strictTools, false);
    assert.equal(server.tools.permits("files-mcp", "anything"), true);
    assert.deepEqual(serversOf(config, client), [server]);
    assert.equal(mayUse(client, "other"), false);
});

void test("a configuration that is wrong says where, all of it, and no value", () => {
    const cases: [unknown, RegExp][] = [
        [{ servers: [SERVER] }, /^clients: /],
        [{ servers: [{ ...SERVER, colour: 1 }], clients: [] }, /^servers\[0\]: .*colour/],
        [
            { servers: [{ ...SERVER, name: "a__b" }], clients: [] },
            /^servers\[0\]\.name: must be a DNS label/,
        ],
        [
            { servers: [{ ...SERVER, url: "http://u:p@h" }], clients: [] },
            /^servers\[0\]\.url: must be scheme/,
        ],
        [
            { servers: [{ ...SERVER, url: "file:///x" }], clients: [] },
            /^servers\[0\]\.url: must be an http/,
        ],
        [{ servers: [{ ...SERVER, url: "http://h/mcp" }], clients: [] }, /the path goes into path/],
        [
            { servers: [{ ...SERVER, path: "/a/../b?c" }], clients: [] },
            /^servers\[0\]\.path: must be an absolute/,
        ],
        [
            { servers: [SERVER, SERVER], clients: [] },
            /^servers\[1\]\.name: is another server's name/,
        ],
        [
            { servers: [SERVER], clients: [{ ...CLIENT, tokenSha256: "secret" }] },
            /64 lower-case hex/,
        ],
        [
            { servers: [SERVER], clients: [{ name: "a", servers: ["*"] }] },
            /needs tokenSha256, oauthClient or/,
        ],
        [
            { servers: [SERVER], clients: [{ ...CLIENT, servers: ["nope"] }] },
            /servers\[0\]: is no server's name/,
        ],
        [
            { servers: [SERVER], clients: [CLIENT, { ...CLIENT, name: "b" }] },
            /is another client's token/,
        ],
        [
            { servers: [SERVER], clients: [{ ...CLIENT, oauthClient: "x" }] },
            /needs settings\.oauth/,
        ],
        [
            { servers: [SERVER], clients: [{ ...CLIENT, tools: { allow: ["a*b*c*d*e"] } }] },
            /up to 3 stars/,
        ],
        [
            { servers: [], clients: [], settings: { allowedOrigins: ["*"] } },
            /must be scheme:\/\/host/,
        ],
        [{ servers: [], clients: [], settings: { allowedHosts: ["*"] } }, /must be a host name/],
        [
            { servers: [{ ...SERVER, port: 0 }], clients: [{}] },
            /servers\[0\]\.port.*clients\[0\]\.name/,
        ],
    ];
    for (const [json, message] of cases) {
        assert.throws(
            () => parseConfig(JSON.stringify(json)),
            (error) => {
                assert.ok(error instanceof ConfigError);
                assert.match(error.message, message);
                assert.doesNotMatch(error.message, /secret|u:p|\n/);
                return true;
            },
        );
    }
    assert.throws(() => parseConfig('{"tokenSha256":"secret"'), /^ConfigError?.*|is not JSON/);
});

function run(
    args: readonly string[],
    env: Record<string, string> = {},
    input = "",
): { code: number | null; stdout: string; stderr: string } {
    const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args], {
        env: { PATH: process.env.PATH, ...env },
        input,
        encoding: "utf8",
    });
    return { code: status, stdout, stderr };
}

function folder(t: TestContext): string {
    const path = mkdtempSync(join(tmpdir(), "gateway-settings-"));
    t.after(() => rmSync(path, { recursive: true, force: true }));
    return path;
}

void test("--help lists every setting that is read", () => {
    const { code, stdout } = run(["--help"]);
    assert.equal(code, 0);
    for (const name of ["GATEWAY_CONFIG", "GATEWAY_PINS_FILE", "GATEWAY_AUDIT_KEY_FILE"]) {
        assert.match(stdout, new RegExp(`^  ${name} `, "m"));
    }
});

void test("what is wrong ends with code 2 and one line", (t) => {
    const file = join(folder(t), "config.json");
    writeFileSync(file, '{"servers":[],"clients":[{"name":"a"}]}');
    const cases: [readonly string[], Record<string, string>, RegExp][] = [
        [[], {}, /^gateway: GATEWAY_CONFIG: is required/],
        [[], { GATEWAY_CONFIG: "/none.json" }, /^gateway: \/none\.json: ENOENT/],
        [[], { GATEWAY_CONFIG: file }, /config\.json: clients\[0\]\.servers: /],
        [["check", file], {}, /config\.json: clients\[0\]\.servers: /],
        [["serve"], {}, /unknown command line/],
    ];
    for (const [args, env, message] of cases) {
        const { code, stdout, stderr } = run(args, env);
        assert.equal(code, 2);
        assert.match(stderr, message);
        assert.equal(stderr.trim().split("\n").length, 1);
        assert.equal(stdout, "");
    }
});

void test("check and hash-token", (t) => {
    const file = join(folder(t), "config.json");
    writeFileSync(file, JSON.stringify({ servers: [SERVER], clients: [CLIENT] }));
    const checked = run(["check", file]);
    assert.deepEqual([checked.code, checked.stdout], [0, `${file}: 1 servers, 1 clients\n`]);
    const hashed = run(["hash-token"], {}, `${"x".repeat(32)}\n`);
    assert.match(hashed.stdout, /^[0-9a-f]{64}\n$/);
    assert.match(run(["hash-token"], {}, "short\n").stderr, /fewer than 32 characters/);
});
