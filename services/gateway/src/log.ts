/** JSON log lines on standard output, written before the call returns so that none is lost at exit. */
import { format } from "node:util";

import { pino, type Logger } from "pino";

export type { Logger };

const LONGEST_CONSOLE_TEXT = 2000;

/** The gateway's logger: one JSON object a line, level as a word, ISO time. */
export function createLogger(level: string): Logger {
    return pino(
        {
            level,
            base: null,
            timestamp: pino.stdTimeFunctions.isoTime,
            formatters: { level: (label) => ({ level: label }) },
        },
        pino.destination({ dest: 1, sync: true }),
    );
}

/** Sends what libraries print with `console` through the logger, so that every line stays JSON. */
export function captureConsole(log: Logger): void {
    const library = log.child({ from: "library" });
    const via =
        (level: "debug" | "warn") =>
        (...parts: unknown[]): void => {
            library[level](format(...parts).slice(0, LONGEST_CONSOLE_TEXT));
        };
    console.log = console.info = console.debug = via("debug");
    console.warn = console.error = via("warn");
}
