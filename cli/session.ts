import * as path from "node:path";

import { Output } from "./output";
import { Project } from "./project";

/** Options every command takes. */
export interface GlobalOptions {
    readonly stack: string;
    readonly json?: boolean;
}

/** What a command works with. */
export interface Session {
    readonly project: Project;
    readonly out: Output;
}

/** The session of one call, from its options. */
export function openSession(options: GlobalOptions): Session {
    return {
        project: new Project(path.resolve(__dirname, ".."), options.stack),
        out: new Output(options.json ?? false),
    };
}
