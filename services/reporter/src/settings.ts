/** Reads the command line and the environment once; everything else gets a plain `Settings`. */
import { X509Certificate } from "node:crypto";
import { isIP } from "node:net";

/** What the reporter was asked to do. */
export interface Settings {
    /** Origin of the Consul agent. */
    readonly consulUrl: URL;
    /** PEM that the agent's certificate has to chain to; the system's CAs when undefined. */
    readonly consulCa: string | undefined;
    /** File with the ACL token; it is read again when Consul refuses the token. */
    readonly tokenFile: string | undefined;
    readonly datacenter: string | undefined;
    /** Node whose services are probed. */
    readonly node: string;
    /** Name and id of the reporter's own service. */
    readonly service: string;
    readonly address: string;
    /** PEM that certificates of `docker` services have to chain to. */
    readonly tlsCa: string | undefined;
    /** Who it is for `mcp` services; nobody when undefined. */
    readonly mcpIdentity: McpIdentity | undefined;
    readonly intervalMs: number;
    readonly deadlineMs: number;
    /** 0 lets the system choose; the "listening" log line has the real one. */
    readonly healthPort: number;
    readonly logLevel: string;
}

/** What `mcp` services are shown, and which: whoever may write to Consul must not have it sent to a place of theirs. */
export interface McpIdentity {
    /** Bearer token. */
    readonly token: string;
    /** `HOST:PORT` of the only services that see it. */
    readonly at: string;
}

/** What the command line asks for. */
export type Command = "run" | "health" | "help";

/** A setting the user can fix; its message is the one line to print. */
export class SettingsError extends Error {}

export type Environment = Readonly<Record<string, string | undefined>>;
type ReadFile = (path: string) => string;

const LOG_LEVELS = ["fatal", "error", "warn", "info", "debug", "trace", "silent"];
const SETTING_NAMES = new Set([
    "REPORTER_CONSUL_URL",
    "REPORTER_CONSUL_CA_FILE",
    "REPORTER_CONSUL_TOKEN_FILE",
    "REPORTER_DATACENTER",
    "REPORTER_NODE",
    "REPORTER_SERVICE",
    "REPORTER_ADDRESS",
    "REPORTER_TLS_CA_FILE",
    "REPORTER_MCP_TOKEN_FILE",
    "REPORTER_MCP_TOKEN_AT",
    "REPORTER_INTERVAL_SECONDS",
    "REPORTER_DEADLINE_SECONDS",
    "REPORTER_HEALTH_PORT",
    "REPORTER_LOG_LEVEL",
]);

/** Tells what the arguments after the script's name ask for. */
export function readCommand(args: readonly string[]): Command {
    if (args.includes("--help") || args.includes("-h")) return "help";
    const [command, extra] = args;
    if (command === undefined) return "run";
    if (command === "health" && extra === undefined) return "health";
    throw new SettingsError(
        `unknown argument ${quote(extra ?? command)}; settings go into the environment (see --help)`,
    );
}

/**
 * Returns the settings.
 *
 * @param env the reporter's environment
 * @param readFile reads the PEM and token files; a parameter so that tests need no disk
 */
export function readSettings(env: Environment, readFile: ReadFile): Settings {
    // A typo would silently leave a default or verification against the wrong CA in place.
    for (const name of Object.keys(env)) {
        if (name.startsWith("REPORTER_") && !SETTING_NAMES.has(name)) {
            throw new SettingsError(`${name}: no such setting (see --help)`);
        }
    }
    return {
        consulUrl: readUrl(env),
        consulCa: readPem(env, "REPORTER_CONSUL_CA_FILE", readFile),
        tokenFile: readTokenFile(env, readFile),
        datacenter: readName(env, "REPORTER_DATACENTER", undefined),
        node: required(readName(env, "REPORTER_NODE", undefined), "REPORTER_NODE", "mcp-servers"),
        service: readName(env, "REPORTER_SERVICE", "mcp-reporter"),
        address: readAddress(env),
        tlsCa: readPem(env, "REPORTER_TLS_CA_FILE", readFile),
        mcpIdentity: readMcpIdentity(env, readFile),
        intervalMs: readSeconds(env, "REPORTER_INTERVAL_SECONDS", 2, 0.05, 300),
        deadlineMs: readSeconds(env, "REPORTER_DEADLINE_SECONDS", 6, 0.1, 300),
        healthPort: readHealthPort(env),
        logLevel: readLogLevel(env),
    };
}

/** The port of /healthz alone, for the `health` command. */
export function readHealthPort(env: Environment): number {
    const text = env.REPORTER_HEALTH_PORT ?? "8080";
    const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
    if (!(port <= 65535)) {
        throw new SettingsError(
            `REPORTER_HEALTH_PORT: must be a whole number from 0 to 65535, got ${quote(text)}; leave it out for 8080`,
        );
    }
    return port;
}

/**
 * The token in a file's text.
 *
 * @throws SettingsError without the text in it
 */
export function checkedToken(
    path: string,
    text: string,
    setting = "REPORTER_CONSUL_TOKEN_FILE",
): string {
    const token = text.trim();
    if (!/^[\x21-\x7e]{1,4096}$/.test(token)) {
        throw new SettingsError(`${setting}: ${quote(path)} must hold one token and nothing else`);
    }
    return token;
}

function readUrl(env: Environment): URL {
    const name = "REPORTER_CONSUL_URL";
    const text = required(env[name], name, "http://10.89.0.5:8500");
    const url = URL.canParse(text) ? new URL(text) : undefined;
    const plain = url && url.pathname === "/" && !url.search && !url.hash;
    if (!url || !plain || !/^https?:$/.test(url.protocol) || url.username || url.password) {
        // Not quoted: what stands there may hold a password.
        throw new SettingsError(
            `${name}: must be http://HOST:PORT or https://HOST:PORT and nothing more; a token goes into REPORTER_CONSUL_TOKEN_FILE`,
        );
    }
    return url;
}

function readPem(env: Environment, name: string, readFile: ReadFile): string | undefined {
    const path = env[name];
    if (path === undefined) return undefined;
    const pem = readOrExplain(name, path, readFile);
    try {
        new X509Certificate(pem);
    } catch {
        throw new SettingsError(`${name}: ${quote(path)} is not a PEM certificate`);
    }
    return pem;
}

function readTokenFile(env: Environment, readFile: ReadFile): string | undefined {
    const name = "REPORTER_CONSUL_TOKEN_FILE";
    const path = env[name];
    if (path !== undefined) checkedToken(path, readOrExplain(name, path, readFile));
    return path;
}

function readMcpIdentity(env: Environment, readFile: ReadFile): McpIdentity | undefined {
    const name = "REPORTER_MCP_TOKEN_FILE";
    const path = env[name];
    if (path === undefined) return undefined;
    const token = checkedToken(path, readOrExplain(name, path, readFile), name);
    const at = required(env.REPORTER_MCP_TOKEN_AT, "REPORTER_MCP_TOKEN_AT", "10.89.0.2:8090");
    return { token, at };
}

function readOrExplain(name: string, path: string, readFile: ReadFile): string {
    try {
        return readFile(path);
    } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        throw new SettingsError(`${name}: cannot read ${quote(path)}: ${why}`);
    }
}

function readName<T extends string | undefined>(
    env: Environment,
    name: string,
    fallback: T,
): string | T {
    const text = env[name];
    if (text === undefined) return fallback;
    if (!/^[A-Za-z0-9]([A-Za-z0-9._-]{0,126}[A-Za-z0-9])?$/.test(text)) {
        throw new SettingsError(
            `${name}: must be a name of letters, digits and . _ -, got ${quote(text)}`,
        );
    }
    return text;
}

function readAddress(env: Environment): string {
    const name = "REPORTER_ADDRESS";
    const text = required(env[name], name, "10.89.0.7");
    if (isIP(text) === 0 && !/^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/.test(text)) {
        throw new SettingsError(`${name}: must be an address or a host name, got ${quote(text)}`);
    }
    return text;
}

/** Milliseconds of a setting in seconds, decimals allowed. */
function readSeconds(
    env: Environment,
    name: string,
    fallback: number,
    min: number,
    max: number,
): number {
    const text = env[name];
    if (text === undefined) return fallback * 1000;
    const value = /^\d{1,4}(\.\d{1,3})?$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= min && value <= max)) {
        throw new SettingsError(
            `${name}: must be a number of seconds from ${min} to ${max}, got ${quote(text)}; leave it out for ${fallback}`,
        );
    }
    return Math.round(value * 1000);
}

function readLogLevel(env: Environment): string {
    const level = env.REPORTER_LOG_LEVEL ?? "info";
    if (!LOG_LEVELS.includes(level)) {
        throw new SettingsError(
            `REPORTER_LOG_LEVEL: must be one of ${LOG_LEVELS.join(", ")}, got ${quote(level)}`,
        );
    }
    return level;
}

function required(value: string | undefined, name: string, example: string): string {
    if (value) return value;
    throw new SettingsError(`${name}: is not set; give it as in ${name}=${example} (see --help)`);
}

/** Quotes and shortens a value for a message that has to stay on one line. */
function quote(text: string): string {
    return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}...` : text);
}
