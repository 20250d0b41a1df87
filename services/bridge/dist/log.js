/** JSON log lines on standard output, written before the call returns so that none is lost at exit. */
import { format } from "node:util";

import { pino,             } from "pino";

                       

const LONGEST_CONSOLE_TEXT = 2000;

/** The bridge's logger: one JSON object a line, level as a word, ISO time. */
export function createLogger(level        )         {
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
export function captureConsole(log        )       {
    const library = log.child({ from: "library" });
    const via =
        (level                  ) =>
        (...parts           )       => {
            library[level](format(...parts).slice(0, LONGEST_CONSOLE_TEXT));
        };
    console.log = console.info = console.debug = via("debug");
    console.warn = console.error = via("warn");
}
