/** Entry point: command line, settings, signals, exit code. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

import { ConfigFile, loadConfig } from "./config-file.ts";
import { ConfigError } from "./config.ts";
import { Gateway } from "./gateway.ts";
import { EXIT, HELP } from "./help.ts";
import { captureConsole, createLogger } from "./log.ts";
import { readSettings, SettingsError } from "./settings.ts";

function fail(message: string, code: number): never {
    process.stderr.write(`gateway: ${message}\n`);
    process.exit(code);
}

function check(path: string): never {
    const { servers, clients } = loadConfig(path);
    process.stdout.write(`${path}: ${servers.length} servers, ${clients.length} clients\n`);
    process.exit(EXIT.ok);
}

function hashToken(): never {
    const token = readFileSync(0, "utf8").trim();
    if (token.length < 32) {
        throw new SettingsError(
            'the token has fewer than 32 characters; make one with "openssl rand -hex 32"',
        );
    }
    process.stdout.write(`${createHash("sha256").update(token).digest("hex")}\n`);
    process.exit(EXIT.ok);
}

async function serve(): Promise<void> {
    const settings = readSettings(process.env, (path) => readFileSync(path));
    const log = createLogger(settings.logLevel);
    captureConsole(log);
    process.on("unhandledRejection", (reason) => {
        // One exchange's loose end is not the gateway's; what is really broken shows elsewhere.
        log.error({ err: reason }, "unhandled rejection");
    });
    process.on("uncaughtException", (error) => {
        log.fatal({ err: error }, "defect");
        process.exit(EXIT.failed);
    });
    const stopped = new Promise<string>((resolve) => {
        for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, resolve);
    });
    const file = new ConfigFile(settings.configFile, settings.addedFile, log);
    const { otlpEndpoint } = settings;
    // Only then: what exports spans costs some 20 MiB.
    const tracing =
        otlpEndpoint === undefined
            ? undefined
            : (await import("./tracing.ts")).startTracing(otlpEndpoint);
    const gateway = new Gateway(settings, file, log, tracing?.onSpan);
    process.on("SIGHUP", () => gateway.reload());
    try {
        await gateway.start();
    } catch (error) {
        fail(error instanceof Error ? error.message : String(error), EXIT.failed);
    }
    const signal = await stopped;
    log.info({ signal }, "stopping");
    await gateway.stop();
    await tracing?.stop();
    log.info("stopped");
    process.exit(EXIT.ok);
}

try {
    const [command, argument, ...more] = process.argv.slice(2);
    if (command === "--help" || command === "-h") {
        process.stdout.write(HELP);
        process.exit(EXIT.ok);
    }
    if (command === "check" && argument !== undefined && more.length === 0) check(argument);
    if (command === "hash-token" && argument === undefined) hashToken();
    if (command !== undefined) {
        throw new SettingsError(`unknown command line; see --help`);
    }
    await serve();
} catch (error) {
    if (error instanceof ConfigError) {
        const path = process.argv[3] ?? process.env.GATEWAY_CONFIG;
        fail(`${path}: ${error.message}`, EXIT.settings);
    }
    if (error instanceof SettingsError) fail(error.message, EXIT.settings);
    throw error;
}
