/** An endpoint a client is to use. */
export interface ConnectTarget {
    /** Name of the entry in the client's file: letters, digits, "-" and "_". */
    readonly name: string;
    /** Address of the Streamable HTTP endpoint. */
    readonly url: string;
    /** Environment variable that holds the bearer token; undefined for an endpoint without one. */
    readonly tokenEnv?: string;
    /** Command that prints that token, for whoever has to be told. */
    readonly tokenFrom?: string;
}

/** Whom the entry is for: whoever works in this project, or this user everywhere. */
export type Scope = "project" | "user";

/** What the place of a client's file depends on; read from the process in one place, given by tests. */
export interface Surroundings {
    readonly home: string;
    /** Folder of the project the client works in. */
    readonly project: string;
    readonly platform: NodeJS.Platform;
    readonly env: Readonly<Record<string, string | undefined>>;
    readonly exists: (file: string) => boolean;
}

/** Parsed content of a configuration file. */
export type Data = Readonly<Record<string, unknown>>;

/** What a client's file says of one server. */
export type Entry = Readonly<Record<string, unknown>>;

/** A file that cannot be edited as it stands: broken, or written in a way that leaves no safe edit. */
export class FormatIssue extends Error {
    constructor(
        message: string,
        /** Line in the file, from 1; undefined when it concerns the whole file. */
        readonly line?: number,
    ) {
        super(message);
        this.name = "FormatIssue";
    }
}

/** Edits of one file format, text to text: every byte outside the edited entry stays as it is. */
export interface Format {
    readonly name: string;
    /** A file with nothing in it. */
    readonly blank: string;
    /** Content of the text; empty for blank text. Throws a {@link FormatIssue} for broken text. */
    read(text: string): Data;
    /**
     * The text with an entry at `path`. An entry that is there keeps its other keys: only those of `owned` are set,
     * or taken out when `entry` has none. Text that already says so comes back unchanged.
     */
    put(text: string, path: readonly string[], entry: Entry, owned: readonly string[]): string;
    /**
     * The text without the entry at `path`; containers that become empty go with it, except the first `keep` of
     * them. Blank when nothing else was in the file.
     */
    drop(text: string, path: readonly string[], keep: number): string;
}
