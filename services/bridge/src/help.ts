/** The text of `--help`, and the exit codes it documents. */

/** How the process ends. */
export const EXIT = {
    /** Asked to stop and did. */
    ok: 0,
    /** Could not listen, or a defect. */
    failed: 1,
    /** A setting or the command line is wrong. */
    settings: 2,
    /** The MCP server did not start or did not answer `initialize` in time. */
    childStart: 3,
    /** The MCP server ended while it was being served. */
    childDied: 4,
} as const;

export const HELP = `Serves one stdio MCP server over Streamable HTTP.

Usage: node src/main.ts -- COMMAND [ARGUMENT...]

Example:
  BRIDGE_PORT=3000 BRIDGE_ALLOWED_HOSTS=files-mcp \\
    node src/main.ts -- mcp-server-filesystem /data

One child process serves all clients. Endpoints:
  POST, GET, DELETE /mcp   MCP revisions 2025-03-26 to 2025-11-25 (sessions) and 2026-07-28 (none)
  GET /healthz             200 after a real tools/list on the child, else 503 and the reason
  GET /metrics             Prometheus text

Settings (environment):
  BRIDGE_HOST              address to listen on (0.0.0.0)
  BRIDGE_PORT              port; 0 = any, see the "listening" log line (3000)
  BRIDGE_PATH              path of the MCP endpoint (/mcp)
  BRIDGE_TOKEN_FILE        file with a bearer token that the MCP endpoint then demands (none)
  BRIDGE_ALLOWED_HOSTS     names accepted in Host, by comma, besides localhost and IP literals
  BRIDGE_ALLOWED_ORIGINS   origins accepted in Origin, by comma; any other Origin is refused (none)
  BRIDGE_CALL_TIMEOUT_MS   limit of one request to the child (60000)
  BRIDGE_HEALTH_TIMEOUT_MS limit of one health check (5000)
  BRIDGE_START_TIMEOUT_MS  limit for the child to answer initialize (30000)
  BRIDGE_SESSION_IDLE_MS   a session unused for so long is closed (1800000)
  BRIDGE_MAX_SESSIONS      beyond this the session unused for longest makes room (256)
  BRIDGE_MAX_BODY_BYTES    largest request body; beyond it 413 (4194304)
  BRIDGE_MAX_REPLY_BYTES   largest message from the child; beyond it that call fails (4194304)
  BRIDGE_CHILD_ENV         names of further variables to hand to the child, by comma (none)
  BRIDGE_LOG_LEVEL         fatal, error, warn, info, debug, trace or silent (info)

The child gets PATH, HOME, LANG, TMPDIR, NODE_*, PYTHON*, SSL_CERT_FILE, the proxy variables and
what BRIDGE_CHILD_ENV names; nothing else. Logs are JSON lines on standard output.

Exit codes: 0 stopped by SIGTERM or SIGINT; 1 could not listen, or a defect; 2 bad settings;
3 the child did not start or answer initialize; 4 the child ended while it was being served.
`;
