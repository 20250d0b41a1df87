/** Entry point: command, settings, signals, exit code. */
import { createLogger } from "../../reporter/src/log.ts";
import { EXIT, HELP } from "./help.ts";
import { runManager } from "./manager.ts";
import { readSettings, SettingsError } from "./settings.ts";

/** Runs the program; settings that cannot be used end the process. */
async function main(args: readonly string[]): Promise<number> {
    if (args.includes("--help") || args.includes("-h")) {
        process.stdout.write(HELP);
        return EXIT.ok;
    }
    try {
        if (args.length > 0) {
            throw new SettingsError(
                "there are no arguments; settings go into the environment (see --help)",
            );
        }
        const home = import.meta.dirname;
        const settings = readSettings(process.env, home);
        // First of all: without a handler the kernel ignores SIGTERM for a container's first process.
        const stop = new Promise<string>((resolve) => {
            for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, resolve);
        });
        const log = createLogger(settings.logLevel);
        process.on("uncaughtException", (error) => {
            log.fatal({ err: error }, "defect");
            process.exit(EXIT.failed);
        });
        return await runManager(settings, home, log, stop);
    } catch (error) {
        const taken = (error as NodeJS.ErrnoException).code === "EADDRINUSE";
        if (!(error instanceof SettingsError) && !taken) throw error;
        for (const line of (error as Error).message.split("\n")) {
            process.stderr.write(`manager: ${line}\n`);
        }
        return taken ? EXIT.failed : EXIT.settings;
    }
}

process.exit(await main(process.argv.slice(2)));
