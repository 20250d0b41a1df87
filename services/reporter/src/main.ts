/** Entry point: command, settings, signals, exit code. */
import { readFileSync } from "node:fs";

import { askHealth } from "./health-command.ts";
import { EXIT, HELP } from "./help.ts";
import { readCommand, readHealthPort, readSettings, SettingsError } from "./settings.ts";

/** Runs one command of the program; settings that cannot be used end the process. */
async function main(args: readonly string[]): Promise<number> {
    const command = orExit(() => readCommand(args));
    if (command === "help") {
        process.stdout.write(HELP);
        return EXIT.ok;
    }
    if (command === "health") {
        const { healthy, text } = await askHealth(orExit(() => readHealthPort(process.env)));
        process.stdout.write(`${text}\n`);
        return healthy ? EXIT.ok : EXIT.failed;
    }
    const settings = orExit(() => readSettings(process.env, (path) => readFileSync(path, "utf8")));
    // First of all: without a handler the kernel ignores SIGTERM for a container's first process.
    const stop = new Promise<string>((resolve) => {
        for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, resolve);
    });
    // Loaded here alone, so that Docker's frequent `health` stays cheap.
    const { createLogger } = await import("./log.ts");
    const { runReporter } = await import("./reporter.ts");
    const log = createLogger(settings.logLevel);
    process.on("uncaughtException", (error) => {
        log.fatal({ err: error }, "defect");
        process.exit(EXIT.failed);
    });
    return runReporter(settings, log, stop);
}

function orExit<T>(read: () => T): T {
    try {
        return read();
    } catch (error) {
        if (!(error instanceof SettingsError)) throw error;
        process.stderr.write(`reporter: ${error.message}\n`);
        process.exit(EXIT.settings);
    }
}

process.exit(await main(process.argv.slice(2)));
