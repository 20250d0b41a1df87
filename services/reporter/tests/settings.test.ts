/** Every setting, its default, and the one line that a bad one gets. */
import assert from "node:assert/strict";

import { HELP } from "../src/help.ts";
import { readCommand, readSettings, SettingsError } from "../src/settings.ts";
import { certificates } from "./support/certificates.ts";
import { check } from "./support/check.ts";

const LEAST = {
    REPORTER_CONSUL_URL: "http://10.89.0.5:8500",
    REPORTER_NODE: "mcp-servers",
    REPORTER_ADDRESS: "10.89.0.7",
};

const { ca } = await certificates();

function read(env: Record<string, string> = {}): ReturnType<typeof readSettings> {
    return readSettings({ ...LEAST, PATH: "/bin", ...env }, (path) => {
        if (path === "/ca.pem") return ca;
        if (path === "/token") return " abc-def\n";
        if (path === "/empty") return "\n";
        throw new Error("ENOENT: no such file");
    });
}

check("defaults", () => {
    const settings = read();
    assert.equal(settings.consulUrl.href, "http://10.89.0.5:8500/");
    assert.deepEqual(
        { ...settings, consulUrl: undefined },
        {
            consulUrl: undefined,
            consulCa: undefined,
            tokenFile: undefined,
            datacenter: undefined,
            node: "mcp-servers",
            service: "mcp-reporter",
            address: "10.89.0.7",
            tlsCa: undefined,
            mcpIdentity: undefined,
            intervalMs: 2_000,
            deadlineMs: 6_000,
            healthPort: 8080,
            logLevel: "info",
        },
    );
});

check("everything set", () => {
    const settings = read({
        REPORTER_CONSUL_URL: "https://consul.example:8501/",
        REPORTER_CONSUL_CA_FILE: "/ca.pem",
        REPORTER_CONSUL_TOKEN_FILE: "/token",
        REPORTER_DATACENTER: "dc2",
        REPORTER_SERVICE: "other",
        REPORTER_TLS_CA_FILE: "/ca.pem",
        REPORTER_INTERVAL_SECONDS: "0.5",
        REPORTER_DEADLINE_SECONDS: "3",
        REPORTER_HEALTH_PORT: "0",
        REPORTER_LOG_LEVEL: "debug",
    });
    assert.equal(settings.consulCa, ca);
    assert.equal(settings.tokenFile, "/token");
    assert.equal(settings.intervalMs, 500);
    assert.equal(settings.deadlineMs, 3_000);
    assert.equal(settings.healthPort, 0);
});

const BAD: [Record<string, string>, RegExp][] = [
    [{ REPORTER_CONSUL_URL: "" }, /^REPORTER_CONSUL_URL: is not set; give it as in/],
    [{ REPORTER_CONSUL_URL: "consul:8500" }, /^REPORTER_CONSUL_URL: must be http:/],
    [{ REPORTER_CONSUL_URL: "http://u:p@consul:8500" }, /REPORTER_CONSUL_TOKEN_FILE$/],
    [{ REPORTER_CONSUL_URL: "http://consul:8500/v1" }, /nothing more/],
    [{ REPORTER_NODE: "" }, /^REPORTER_NODE: must be a name/],
    [{ REPORTER_ADDRESS: "" }, /^REPORTER_ADDRESS: is not set/],
    [{ REPORTER_ADDRESS: "10.0.0.1:80" }, /^REPORTER_ADDRESS: must be an address/],
    [
        { REPORTER_CONSUL_CA_FILE: "/gone" },
        /^REPORTER_CONSUL_CA_FILE: cannot read "\/gone": ENOENT/,
    ],
    [{ REPORTER_TLS_CA_FILE: "/token" }, /^REPORTER_TLS_CA_FILE: "\/token" is not a PEM/],
    [
        { REPORTER_CONSUL_TOKEN_FILE: "/empty" },
        /^REPORTER_CONSUL_TOKEN_FILE: "\/empty" must hold one/,
    ],
    [
        { REPORTER_INTERVAL_SECONDS: "2s" },
        /number of seconds from 0.05 to 300, got "2s"; leave it out for 2/,
    ],
    [{ REPORTER_DEADLINE_SECONDS: "0" }, /number of seconds from 0.1 to 300/],
    [{ REPORTER_HEALTH_PORT: "70000" }, /whole number from 0 to 65535/],
    [{ REPORTER_LOG_LEVEL: "loud" }, /must be one of fatal, /],
    [{ REPORTER_INTERVAL: "2" }, /^REPORTER_INTERVAL: no such setting/],
];

check("a bad setting is one line: what, where, remedy", () => {
    for (const [env, message] of BAD) {
        assert.throws(
            () => read(env),
            (error: unknown) => {
                assert.ok(error instanceof SettingsError);
                assert.match(error.message, message);
                assert.doesNotMatch(error.message, /\n|abc-def|u:p@/);
                return true;
            },
        );
    }
});

check("commands", () => {
    assert.equal(readCommand([]), "run");
    assert.equal(readCommand(["health"]), "health");
    assert.equal(readCommand(["health", "--help"]), "help");
    assert.throws(() => readCommand(["healht"]), /unknown argument "healht"/);
    assert.throws(() => readCommand(["health", "now"]), /unknown argument "now"/);
});

check("--help names every setting", () => {
    const names = new Set([...HELP.matchAll(/^ {2}(REPORTER_\w+) {2}/gm)].map(([, name]) => name));
    assert.equal(names.size, 14);
    for (const name of names) {
        // Known: its value is judged, or it is one that takes anything so short.
        try {
            read({ [String(name)]: "1" });
        } catch (error) {
            assert.doesNotMatch((error as Error).message, /no such setting/);
        }
    }
});
