/** Which environment variables the MCP server gets to see. */

const NAMES = new Set([
    "PATH",
    "HOME",
    "LANG",
    "TMPDIR",
    "SSL_CERT_FILE",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    // Python and curl read the proxies in lower case.
    "http_proxy",
    "https_proxy",
    "no_proxy",
]);
const PREFIXES = ["NODE_", "PYTHON"];
/** File descriptors and roles of the bridge's own process, meaningless or harmful in the child. */
const NEVER = new Set(["NODE_CHANNEL_FD", "NODE_CHANNEL_SERIALIZATION_MODE", "NODE_UNIQUE_ID"]);

/**
 * The child's environment: a short list of harmless names, the runtimes' own settings, and what the
 * operator names in `extra`. Secrets meant for the bridge or for other programs stay out.
 */
export function childEnvironment(
    env                                              ,
    extra                   ,
)                         {
    const wanted = new Set(extra);
    const result                         = {};
    for (const [name, value] of Object.entries(env)) {
        if (value === undefined || NEVER.has(name)) continue;
        const listed = NAMES.has(name) || wanted.has(name);
        if (listed || PREFIXES.some((prefix) => name.startsWith(prefix))) result[name] = value;
    }
    return result;
}
