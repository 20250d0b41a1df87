/** Reads the environment once; everything else gets a plain `Settings`. */
import { randomBytes } from "node:crypto";
import { isIP } from "node:net";

import type { AuditOptions } from "./audit.ts";

/** What this process was asked to do; what it serves is in the configuration file. */
export interface Settings {
    readonly configFile: string;
    /** Servers besides those of the configuration; may be absent. */
    readonly addedFile: string | undefined;
    readonly host: string;
    /** 0 lets the system choose; the "listening" log line has the real one. */
    readonly port: number;
    readonly metricsHost: string;
    readonly metricsPort: number;
    readonly audit: AuditOptions;
    /** Where first seen tool hashes are kept; not at all when undefined. */
    readonly pinsFile: string | undefined;
    readonly inspectMs: number;
    readonly logLevel: string;
    /** Base URL of an OTLP/HTTP collector; no export when undefined. */
    readonly otlpEndpoint: string | undefined;
}

/** A mistake the user can fix; its message is the one line to print. */
export class SettingsError extends Error {}

type Environment = Readonly<Record<string, string | undefined>>;

const LOG_LEVELS = ["fatal", "error", "warn", "info", "debug", "trace", "silent"];
const SETTING_NAMES = new Set([
    "GATEWAY_CONFIG",
    "GATEWAY_ADDED_FILE",
    "GATEWAY_HOST",
    "GATEWAY_PORT",
    "GATEWAY_METRICS_HOST",
    "GATEWAY_METRICS_PORT",
    "GATEWAY_AUDIT_FILE",
    "GATEWAY_AUDIT_FILES",
    "GATEWAY_AUDIT_MAX_BYTES",
    "GATEWAY_AUDIT_KEY_FILE",
    "GATEWAY_PINS_FILE",
    "GATEWAY_INSPECT_SECONDS",
    "GATEWAY_LOG_LEVEL",
]);
const SHORTEST_KEY_BYTES = 16;
const MIB = 1024 * 1024;

/**
 * Returns the settings.
 *
 * @param env the process's environment
 * @param readFile reads the key file; a parameter so that tests need no disk
 * @throws {SettingsError} for anything that is wrong, in one line
 */
export function readSettings(env: Environment, readFile: (path: string) => Buffer): Settings {
    for (const name of Object.keys(env)) {
        if (name.startsWith("GATEWAY_") && !SETTING_NAMES.has(name)) {
            throw new SettingsError(`${name}: no such setting (see --help)`);
        }
    }
    const configFile = env.GATEWAY_CONFIG;
    if (!configFile) {
        throw new SettingsError("GATEWAY_CONFIG: is required; name the configuration file");
    }
    return {
        configFile,
        addedFile: env.GATEWAY_ADDED_FILE || undefined,
        host: readHost(env, "GATEWAY_HOST", "0.0.0.0"),
        port: readNumber(env, "GATEWAY_PORT", 13_000, 0, 65_535),
        metricsHost: readHost(env, "GATEWAY_METRICS_HOST", "127.0.0.1"),
        metricsPort: readNumber(env, "GATEWAY_METRICS_PORT", 9_464, 0, 65_535),
        audit: {
            file: env.GATEWAY_AUDIT_FILE || "-",
            maxBytes: readNumber(env, "GATEWAY_AUDIT_MAX_BYTES", 64 * MIB, 1024, 999_999_999),
            files: readNumber(env, "GATEWAY_AUDIT_FILES", 5, 2, 1000),
            key: readKey(env, readFile),
        },
        pinsFile: env.GATEWAY_PINS_FILE || undefined,
        inspectMs: readNumber(env, "GATEWAY_INSPECT_SECONDS", 60, 1, 86_400) * 1000,
        logLevel: readLogLevel(env),
        otlpEndpoint: readEndpoint(env),
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
    const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= min && value <= max)) {
        throw new SettingsError(
            `${name}: must be a whole number from ${min} to ${max}, got ${quote(text)}; leave it out for ${fallback}`,
        );
    }
    return value;
}

function readHost(env: Environment, name: string, fallback: string): string {
    const host = env[name] ?? fallback;
    if (isIP(host) === 0 && host !== "localhost") {
        throw new SettingsError(`${name}: must be an IP address or localhost, got ${quote(host)}`);
    }
    return host;
}

function readKey(env: Environment, readFile: (path: string) => Buffer): Buffer {
    const path = env.GATEWAY_AUDIT_KEY_FILE;
    if (!path) return randomBytes(32);
    let key: Buffer;
    try {
        key = readFile(path);
    } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        throw new SettingsError(`GATEWAY_AUDIT_KEY_FILE: cannot be read: ${reason}`);
    }
    if (key.length < SHORTEST_KEY_BYTES) {
        throw new SettingsError(
            `GATEWAY_AUDIT_KEY_FILE: needs ${SHORTEST_KEY_BYTES} bytes or more, has ${key.length}; make one with "openssl rand -out FILE 32"`,
        );
    }
    return key;
}

function readLogLevel(env: Environment): string {
    const level = env.GATEWAY_LOG_LEVEL ?? "info";
    if (!LOG_LEVELS.includes(level)) {
        throw new SettingsError(
            `GATEWAY_LOG_LEVEL: must be one of ${LOG_LEVELS.join(", ")}, got ${quote(level)}`,
        );
    }
    return level;
}

function readEndpoint(env: Environment): string | undefined {
    const text = env.OTEL_EXPORTER_OTLP_ENDPOINT;
    if (!text) return undefined;
    const url = URL.parse(text);
    if (url?.protocol !== "http:" && url?.protocol !== "https:") {
        throw new SettingsError(
            `OTEL_EXPORTER_OTLP_ENDPOINT: must be an http or https URL, got ${quote(text)}`,
        );
    }
    return text.replace(/\/+$/, "");
}

/** A value as it may stand in an error line: quoted, one line, not endless. */
function quote(text: string): string {
    return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}...` : text);
}
