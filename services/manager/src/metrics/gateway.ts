/** What the gateway counts of calls, fetched at each scrape and handed on: its own port is closed to all but the manager. */

/** Families of the gateway that are about MCP; its process's own stay where they are. */
const OWN = /^(?:# (?:HELP|TYPE) )?mcp_gateway_/;
const LIMIT_MS = 1_500;
/** Servers x clients x tools can be many lines; more than this is none that a scrape should carry. */
const MOST_BYTES = 8 * 1024 * 1024;

/**
 * Returns the gateway's metrics as lines of Prometheus's text format, and whether it gave any as `mcp_gateway_up`. Never
 * throws: a scrape must not fail over it.
 *
 * @param url base URL of the gateway's metrics
 */
export async function gatewayMetrics(url: URL): Promise<string> {
    let lines: readonly string[] | undefined;
    try {
        const response = await fetch(new URL("/metrics", url), {
            signal: AbortSignal.timeout(LIMIT_MS),
            redirect: "error",
        });
        const text = await bounded(response);
        if (response.ok) lines = text?.split("\n").filter((line) => OWN.test(line));
    } catch {
        // Told by the gauge.
    }
    const up = lines === undefined ? 0 : 1;
    return [
        "# HELP mcp_gateway_up Whether the gateway gave its metrics, which follow.",
        "# TYPE mcp_gateway_up gauge",
        `mcp_gateway_up ${up}`,
        ...(lines ?? []),
        "",
    ].join("\n");
}

/** The body; undefined when it is too long. */
async function bounded({ body }: Response): Promise<string | undefined> {
    const parts: Uint8Array[] = [];
    let bytes = 0;
    for await (const part of (body ?? []) as AsyncIterable<Uint8Array>) {
        bytes += part.length;
        if (bytes > MOST_BYTES) return undefined;
        parts.push(part);
    }
    return Buffer.concat(parts).toString();
}
