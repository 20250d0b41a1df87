/** JSON log lines on standard output, written before the call returns so that none is lost at exit. */
import { pino, type Logger } from "pino";

export type { Logger };

/** The manager's logger: one JSON object a line, level as a word, ISO time. Headers never get into it. */
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
