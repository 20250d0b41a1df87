/** Entry point: settings, signals, exit code. */
import { readFileSync } from "node:fs";

import { runBridge } from "./bridge.js";
import { EXIT, HELP } from "./help.js";
import { captureConsole, createLogger } from "./log.js";
import { readSettings, SettingsError,               } from "./settings.js";

function settingsOrExit()           {
    try {
        const settings = readSettings(process.argv.slice(2), process.env, (path) =>
            readFileSync(path, "utf8"),
        );
        if (settings !== "help") return settings;
        process.stdout.write(HELP);
        process.exit(EXIT.ok);
    } catch (error) {
        if (!(error instanceof SettingsError)) throw error;
        process.stderr.write(`bridge: ${error.message}\n`);
        process.exit(EXIT.settings);
    }
}

const settings = settingsOrExit();
const log = createLogger(settings.logLevel);
captureConsole(log);

process.on("unhandledRejection", (reason) => {
    // Seen when a client leaves in the middle of a stream. One client's end is not the bridge's;
    // what is really broken shows in the health check.
    log.error({ err: reason }, "unhandled rejection");
});
process.on("uncaughtException", (error) => {
    log.fatal({ err: error }, "defect");
    process.exit(EXIT.failed);
});

const stop = new Promise        ((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT"]         ) process.on(signal, resolve);
});

process.exit(await runBridge(settings, log, stop));
