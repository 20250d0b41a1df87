/** Settings are read strictly, and only a short list of variables reaches the child. */
import assert from "node:assert/strict";
import test from "node:test";

import { isAllowedHost } from "../src/guard.ts";
import { readSettings, SettingsError, type Settings } from "../src/settings.ts";
import { Bridge } from "./support/bridge.ts";
import { check } from "./support/check.ts";
import { sessionClient, textOf } from "./support/clients.ts";

const ARGS = ["--", "server", "--flag"];

function read(env: Record<string, string> = {}, args: readonly string[] = ARGS): Settings {
    const settings = readSettings(args, env, (path) => {
        if (path === "/token") return " 0123456789abcdef\n";
        if (path === "/short") return "0123";
        throw new Error(`ENOENT: no such file, open '${path}'`);
    });
    assert.notEqual(settings, "help");
    return settings as Settings;
}

void test("defaults", () => {
    const { command, host, port, path, token, maxBodyBytes, healthTimeoutMs } = read();
    assert.deepEqual(
        { command, host, port, path, token, maxBodyBytes, healthTimeoutMs },
        {
            command: ["server", "--flag"],
            host: "0.0.0.0",
            port: 3000,
            path: "/mcp",
            token: undefined,
            maxBodyBytes: 4 * 1024 * 1024,
            healthTimeoutMs: 5000,
        },
    );
});

void test("values", () => {
    const settings = read({
        BRIDGE_TOKEN_FILE: "/token",
        BRIDGE_ALLOWED_HOSTS: " Files-MCP ,b.example,",
        BRIDGE_ALLOWED_ORIGINS: "https://a.example:8443",
        BRIDGE_PORT: "0",
    });
    assert.equal(settings.token, "0123456789abcdef");
    assert.deepEqual([...settings.allowedHosts], ["files-mcp", "b.example"]);
    assert.deepEqual([...settings.allowedOrigins], ["https://a.example:8443"]);
    assert.equal(settings.port, 0);
});

const WRONG: [Record<string, string>, RegExp][] = [
    [{ BRIDGE_PORT: "70000" }, /^BRIDGE_PORT: must be a whole number from 0 to 65535, got "70000"/],
    [{ BRIDGE_PORT: "" }, /^BRIDGE_PORT/],
    [{ BRIDGE_PORT: "3000 " }, /^BRIDGE_PORT/],
    [{ BRIDGE_PORT: "0x10" }, /^BRIDGE_PORT/],
    [{ BRIDGE_CALL_TIMEOUT_MS: "-1" }, /^BRIDGE_CALL_TIMEOUT_MS/],
    [{ BRIDGE_MAX_BODY_BYTES: "4MiB" }, /^BRIDGE_MAX_BODY_BYTES/],
    [{ BRIDGE_HOST: "a b" }, /^BRIDGE_HOST/],
    [{ BRIDGE_PATH: "mcp" }, /^BRIDGE_PATH/],
    [{ BRIDGE_PATH: "/a/../b" }, /^BRIDGE_PATH/],
    [{ BRIDGE_PATH: "/healthz" }, /^BRIDGE_PATH: \/healthz is the bridge's own/],
    [{ BRIDGE_ALLOWED_HOSTS: "a:3000" }, /^BRIDGE_ALLOWED_HOSTS: "a:3000" is not a host name/],
    [{ BRIDGE_ALLOWED_HOSTS: "*" }, /^BRIDGE_ALLOWED_HOSTS/],
    [{ BRIDGE_ALLOWED_ORIGINS: "a.example" }, /^BRIDGE_ALLOWED_ORIGINS/],
    [{ BRIDGE_ALLOWED_ORIGINS: "https://a/" }, /^BRIDGE_ALLOWED_ORIGINS/],
    [{ BRIDGE_ALLOWED_ORIGINS: "null" }, /^BRIDGE_ALLOWED_ORIGINS/],
    [{ BRIDGE_TOKEN_FILE: "/missing" }, /^BRIDGE_TOKEN_FILE: cannot read "\/missing": ENOENT/],
    [{ BRIDGE_TOKEN_FILE: "/short" }, /^BRIDGE_TOKEN_FILE: "\/short" must hold one token/],
    [{ BRIDGE_TOKENFILE: "/token" }, /^BRIDGE_TOKENFILE: no such setting/],
    [{ BRIDGE_CHILD_ENV: "PG_URL" }, /^BRIDGE_CHILD_ENV: names "PG_URL", which is not set/],
    [{ BRIDGE_LOG_LEVEL: "loud" }, /^BRIDGE_LOG_LEVEL/],
];

for (const [env, message] of WRONG) {
    void test(`refused: ${JSON.stringify(env)}`, () => {
        assert.throws(
            () => read(env),
            (error: Error) => {
                assert.ok(error instanceof SettingsError);
                assert.match(error.message, message);
                assert.doesNotMatch(error.message, /\n/);
                return true;
            },
        );
    });
}

void test("the command line", () => {
    assert.throws(() => read({}, []), /no MCP server given/);
    assert.throws(() => read({}, ["--"]), /no MCP server given/);
    assert.throws(() => read({}, ["server"]), /unknown argument "server"/);
    assert.equal(
        readSettings(["--help"], {}, () => ""),
        "help",
    );
    assert.deepEqual(read({}, ["--", "server", "--help", "--"]).command, [
        "server",
        "--help",
        "--",
    ]);
});

void test("the child's environment", () => {
    const kept = {
        PATH: "/bin",
        HOME: "/tmp",
        LANG: "C",
        TMPDIR: "/tmp",
        NODE_OPTIONS: "--max-semi-space-size=1",
        NODE_EXTRA_CA_CERTS: "/ca.pem",
        PYTHONUNBUFFERED: "1",
        SSL_CERT_FILE: "/ca.pem",
        HTTPS_PROXY: "http://p",
        no_proxy: "x",
    };
    const dropped = {
        AWS_SECRET_ACCESS_KEY: "s",
        PGPASSWORD: "s",
        NODE_CHANNEL_FD: "3",
        LD_PRELOAD: "x",
    };
    assert.deepEqual(read({ ...kept, ...dropped }).childEnv, kept);
    const listed = { ...kept, ...dropped, BRIDGE_CHILD_ENV: "PGPASSWORD" };
    assert.deepEqual(read(listed).childEnv, { ...kept, PGPASSWORD: "s" });
});

void test("hosts", () => {
    const names = new Set(["files-mcp"]);
    for (const host of [
        "files-mcp",
        "FILES-MCP:1",
        "localhost",
        "127.0.0.1:3000",
        "[::1]",
        "[fe80::1]:3",
    ]) {
        assert.equal(isAllowedHost(host, names), true, host);
    }
    for (const host of [
        undefined,
        "",
        ":80",
        "::1",
        "[1.2.3.4]",
        "files-mcp.",
        "user@localhost",
        "localhost:x",
        "127.1",
        "256.1.1.1",
        "a,localhost",
    ]) {
        assert.equal(isAllowedHost(host, names), false, host);
    }
});

check("bad settings: one line on standard error, exit code 2, no child", async (t) => {
    const bridge = new Bridge({ env: { BRIDGE_PORT: "many" } });
    t.after(() => bridge.kill());
    const { code, stderr } = await bridge.ended;
    assert.equal(code, 2);
    assert.match(stderr, /^bridge: BRIDGE_PORT: .*\n$/);
    assert.deepEqual(bridge.logs, []);
});

check("a real child sees exactly the scrubbed environment", async (t) => {
    const env = {
        PGPASSWORD: "hunter2hunter2",
        API_KEY: "k",
        OTHER: "o",
        BRIDGE_CHILD_ENV: "API_KEY",
    };
    const bridge = await Bridge.listening(t, { env });
    const client = await sessionClient(t, bridge);
    const seen = JSON.parse(textOf(await client.callTool({ name: "env" }))) as Record<
        string,
        string
    >;
    assert.deepEqual(Object.keys(seen).sort(), ["API_KEY", "HOME", "PATH"]);
});
