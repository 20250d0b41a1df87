/** Reads the command line and the environment once; everything else gets a plain `Settings`. */
import { isIP } from "node:net";

import { childEnvironment } from "./child-env.ts";

/** What the bridge was asked to do. */
export interface Settings {
    /** The stdio MCP server and its arguments, never passed through a shell. */
    readonly command: readonly [string, ...string[]];
    /** The child's whole environment. */
    readonly childEnv: Readonly<Record<string, string>>;
    readonly host: string;
    /** 0 lets the system choose; the "listening" log line has the real one. */
    readonly port: number;
    /** Path of the MCP endpoint. */
    readonly path: string;
    /** Bearer token that the MCP endpoint demands; none when undefined. */
    readonly token: string | undefined;
    /** Lower-case names accepted in `Host`, besides `localhost` and IP literals. */
    readonly allowedHosts: ReadonlySet<string>;
    /** Origins accepted in `Origin`; a request with any other is refused. */
    readonly allowedOrigins: ReadonlySet<string>;
    readonly callTimeoutMs: number;
    readonly healthTimeoutMs: number;
    readonly startTimeoutMs: number;
    readonly sessionIdleMs: number;
    readonly maxSessions: number;
    readonly maxBodyBytes: number;
    readonly maxReplyBytes: number;
    readonly logLevel: string;
}

/** A setting the user can fix; its message is the one line to print. */
export class SettingsError extends Error {}

type Environment = Readonly<Record<string, string | undefined>>;

const MIB = 1024 * 1024;
const DAY_MS = 24 * 60 * 60 * 1000;
const LOG_LEVELS = ["fatal", "error", "warn", "info", "debug", "trace", "silent"];
const SETTING_NAMES = new Set([
    "BRIDGE_HOST",
    "BRIDGE_PORT",
    "BRIDGE_PATH",
    "BRIDGE_TOKEN_FILE",
    "BRIDGE_ALLOWED_HOSTS",
    "BRIDGE_ALLOWED_ORIGINS",
    "BRIDGE_CALL_TIMEOUT_MS",
    "BRIDGE_HEALTH_TIMEOUT_MS",
    "BRIDGE_START_TIMEOUT_MS",
    "BRIDGE_SESSION_IDLE_MS",
    "BRIDGE_MAX_SESSIONS",
    "BRIDGE_MAX_BODY_BYTES",
    "BRIDGE_MAX_REPLY_BYTES",
    "BRIDGE_CHILD_ENV",
    "BRIDGE_LOG_LEVEL",
]);

/**
 * Returns the settings, or "help" when the command line asks for it.
 *
 * @param args arguments after the script's name
 * @param env the bridge's own environment
 * @param readFile reads the token file; a parameter so that tests need no disk
 */
export function readSettings(
    args: readonly string[],
    env: Environment,
    readFile: (path: string) => string,
): Settings | "help" {
    const separator = args.indexOf("--");
    const own = separator === -1 ? args : args.slice(0, separator);
    if (own.includes("--help") || own.includes("-h")) return "help";
    const [unknown] = own;
    if (unknown !== undefined) {
        throw new SettingsError(
            `unknown argument ${quote(unknown)}; the MCP server's command line goes after "--" (see --help)`,
        );
    }
    const [program, ...programArgs] = separator === -1 ? [] : args.slice(separator + 1);
    if (!program) {
        throw new SettingsError(
            `no MCP server given; put its command line after "--" (see --help)`,
        );
    }
    // A typo in BRIDGE_TOKEN_FILE would leave the endpoint open, so a name nobody reads is an error.
    for (const name of Object.keys(env)) {
        if (name.startsWith("BRIDGE_") && !SETTING_NAMES.has(name)) {
            throw new SettingsError(`${name}: no such setting (see --help)`);
        }
    }
    return {
        command: [program, ...programArgs],
        childEnv: readChildEnv(env),
        host: readHost(env),
        port: readNumber(env, "BRIDGE_PORT", 3000, 0, 65535),
        path: readPath(env),
        token: readToken(env, readFile),
        allowedHosts: new Set(readList(env, "BRIDGE_ALLOWED_HOSTS").map(checkedHostName)),
        allowedOrigins: new Set(readList(env, "BRIDGE_ALLOWED_ORIGINS").map(checkedOrigin)),
        callTimeoutMs: readNumber(env, "BRIDGE_CALL_TIMEOUT_MS", 60_000, 100, DAY_MS),
        healthTimeoutMs: readNumber(env, "BRIDGE_HEALTH_TIMEOUT_MS", 5_000, 100, 600_000),
        startTimeoutMs: readNumber(env, "BRIDGE_START_TIMEOUT_MS", 30_000, 100, 600_000),
        sessionIdleMs: readNumber(env, "BRIDGE_SESSION_IDLE_MS", 1_800_000, 1_000, DAY_MS),
        maxSessions: readNumber(env, "BRIDGE_MAX_SESSIONS", 256, 1, 100_000),
        maxBodyBytes: readNumber(env, "BRIDGE_MAX_BODY_BYTES", 4 * MIB, 1024, 64 * MIB),
        maxReplyBytes: readNumber(env, "BRIDGE_MAX_REPLY_BYTES", 4 * MIB, 1024, 64 * MIB),
        logLevel: readLogLevel(env),
    };
}

function readNumber(
    env: Environment,
    name: string,
    fallback: number,
    min: number,
    max: number,
): number {
    const text = env[name];
    if (text === undefined) return fallback;
    const value = /^\d{1,12}$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= min && value <= max)) {
        throw new SettingsError(
            `${name}: must be a whole number from ${min} to ${max}, got ${quote(text)}; leave it out for ${fallback}`,
        );
    }
    return value;
}

function readList(env: Environment, name: string): string[] {
    return (env[name] ?? "")
        .split(",")
        .map((item) => item.trim())
        .filter((item) => item !== "");
}

function readHost(env: Environment): string {
    const host = env.BRIDGE_HOST ?? "0.0.0.0";
    if (isIP(host) === 0 && !isHostName(host)) {
        throw new SettingsError(
            `BRIDGE_HOST: must be an address or a host name to listen on, got ${quote(host)}`,
        );
    }
    return host;
}

function readPath(env: Environment): string {
    const path = env.BRIDGE_PATH ?? "/mcp";
    if (!/^(\/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+$/.test(path)) {
        throw new SettingsError(
            `BRIDGE_PATH: must be an absolute URL path of letters, digits and . _ ~ -, got ${quote(path)}`,
        );
    }
    if (path === "/healthz" || path === "/metrics") {
        throw new SettingsError(`BRIDGE_PATH: ${path} is the bridge's own; choose another path`);
    }
    return path;
}

function readToken(env: Environment, readFile: (path: string) => string): string | undefined {
    const path = env.BRIDGE_TOKEN_FILE;
    if (path === undefined) return undefined;
    let token: string;
    try {
        token = readFile(path).trim();
    } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        throw new SettingsError(`BRIDGE_TOKEN_FILE: cannot read ${quote(path)}: ${why}`);
    }
    if (!/^[\x21-\x7e]{16,4096}$/.test(token)) {
        throw new SettingsError(
            `BRIDGE_TOKEN_FILE: ${quote(path)} must hold one token of at least 16 visible ASCII characters`,
        );
    }
    return token;
}

function readChildEnv(env: Environment): Record<string, string> {
    const extra = readList(env, "BRIDGE_CHILD_ENV");
    for (const name of extra) {
        if (env[name] === undefined) {
            throw new SettingsError(
                `BRIDGE_CHILD_ENV: names ${quote(name)}, which is not set; set it or take it off the list`,
            );
        }
    }
    return childEnvironment(env, extra);
}

function readLogLevel(env: Environment): string {
    const level = env.BRIDGE_LOG_LEVEL ?? "info";
    if (!LOG_LEVELS.includes(level)) {
        throw new SettingsError(
            `BRIDGE_LOG_LEVEL: must be one of ${LOG_LEVELS.join(", ")}, got ${quote(level)}`,
        );
    }
    return level;
}

function checkedHostName(name: string): string {
    if (!isHostName(name)) {
        throw new SettingsError(
            `BRIDGE_ALLOWED_HOSTS: ${quote(name)} is not a host name; give names only, without scheme or port`,
        );
    }
    return name.toLowerCase();
}

function checkedOrigin(text: string): string {
    const origin = URL.canParse(text) ? new URL(text).origin : "null";
    if (!/^https?:\/\//.test(origin) || origin !== text.toLowerCase()) {
        throw new SettingsError(
            `BRIDGE_ALLOWED_ORIGINS: ${quote(text)} is not an origin such as https://app.example.org`,
        );
    }
    return origin;
}

function isHostName(text: string): boolean {
    return /^[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?$/.test(text);
}

/** Quotes and shortens a value for a message that has to stay on one line. */
function quote(text: string): string {
    return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}...` : text);
}
