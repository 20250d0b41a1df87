/** One thing looked at before a run, or by `doctor`. */
export interface Check {
    readonly name: string;
    readonly state: "ok" | "warning" | "failed";
    /** What was found. */
    readonly found: string;
    /** What to do about it. */
    readonly remedy?: string;
}

export const ok = (name: string, found: string): Check => ({ name, state: "ok", found });
export const warning = (name: string, found: string, remedy: string): Check => ({
    name,
    state: "warning",
    found,
    remedy,
});
export const failed = (name: string, found: string, remedy: string): Check => ({
    name,
    state: "failed",
    found,
    remedy,
});
