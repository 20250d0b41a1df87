/**
 * A configuration the program cannot start with. The message is the whole text for the operator, one
 * problem a line; no stack trace is needed to act on it.
 */
export class ConfigError extends Error {
    public constructor(message: string) {
        super(message);
        this.name = "ConfigError";
    }
}

const LONGEST = 60;

/**
 * How a value is written in an error: quoted, at most 60 characters, and without the user part of a
 * URL or the password before an @, so that a password pasted into the wrong key does not reach a log.
 */
export function shown(value: unknown): string {
    if (Array.isArray(value)) return "a list";
    if (typeof value === "object" && value !== null) return "a mapping";
    if (typeof value === "number" || typeof value === "boolean") return String(value);
    if (typeof value !== "string") return "nothing";
    const masked = value
        .replace(/:\/\/\S*@/g, "://***@")
        .replace(/:[^\s/:@]*@(?!sha256:)/g, ":***@");
    const short = masked.length > LONGEST ? `${masked.slice(0, LONGEST)}...` : masked;
    return JSON.stringify(short);
}

/** Order of two texts by code unit: the same on every machine, whatever its locale. */
export function compareText(a: string, b: string): number {
    return a < b ? -1 : a > b ? 1 : 0;
}

/** The `code` of a system error (`ENOENT` ...), `undefined` for anything else. */
export function errorCode(error: unknown): string | undefined {
    if (typeof error !== "object" || error === null || !("code" in error)) return undefined;
    return typeof error.code === "string" ? error.code : undefined;
}
