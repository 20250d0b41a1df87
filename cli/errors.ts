/** Something the user can put right: printed as one line of what and where, and one of what to do. */
export class CliError extends Error {
    constructor(
        message: string,
        /** The next thing to do, as an imperative clause or a command. */
        readonly remedy?: string,
        /** Process exit code. */
        readonly exitCode = 1,
    ) {
        super(message);
        this.name = "CliError";
    }
}

/** The message of anything thrown. */
export function messageOf(error: unknown): string {
    return error instanceof Error ? error.message : String(error);
}
