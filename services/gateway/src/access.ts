/** Which tools may be seen and called. */

/** Longer names match nothing: no tool is called so, and the match stays cheap. */
const LONGEST_NAME = 256;

/** What separates the server from the tool in a name on `/mcp`. */
export const SEPARATOR = "__";

interface Pattern {
    readonly test: RegExp;
    /** Written as `server__tool`. */
    readonly prefixed: boolean;
}

/**
 * An allow list and a deny list of tool names, where a star stands for any characters. A pattern
 * with `__` in it is for one server's tool (`files-mcp__read_*`), one without for a tool of that
 * name on any server. What is denied is denied whatever else allows it.
 */
export class Access {
    readonly #allow: readonly Pattern[];
    readonly #deny: readonly Pattern[];

    constructor(allow: readonly string[], deny: readonly string[]) {
        this.#allow = allow.map(compile);
        this.#deny = deny.map(compile);
    }

    /** Whether `tool` of `server` may be seen and called. */
    permits(server: string, tool: string): boolean {
        if (tool.length > LONGEST_NAME) return false;
        const full = `${server}${SEPARATOR}${tool}`;
        // A denial also counts when only the bare name fits: a tool whose own name holds the
        // separator must not slip through.
        if (this.#deny.some(({ test }) => test.test(tool) || test.test(full))) return false;
        return this.#allow.some(({ test, prefixed }) => test.test(prefixed ? full : tool));
    }
}

function compile(pattern: string): Pattern {
    // The schema admits letters, digits, _ . - and the star: only the dot means anything to RegExp.
    const source = pattern.replaceAll(".", "\\.").replaceAll("*", ".*");
    return { test: new RegExp(`^${source}$`, "s"), prefixed: pattern.includes(SEPARATOR) };
}
