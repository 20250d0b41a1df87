/** The text of `--help`, and the exit codes it documents. */

/** How the process ends. */
export const EXIT = {
    /** Asked to stop and did. */
    ok: 0,
    /** Could not listen, or a defect. */
    failed: 1,
    /** A setting, the command line or the first configuration is wrong. */
    settings: 2,
} as const;

export const HELP = `The one door to the MCP servers: authenticates clients, decides what each may call, records it.

Usage: node src/main.ts             serve
       node src/main.ts check FILE  check a configuration file and end
       node src/main.ts hash-token  read a token from standard input, print its tokenSha256

Endpoints:
  POST, GET, DELETE /servers/NAME/mcp  one server, messages passed through in either protocol era
  POST, GET, DELETE /mcp               all servers of the client; tools and prompts are NAME__tool,
                                       resources NAME+uri
  GET /healthz                         200 while the process serves
  GET /readyz                          200 once every server has been asked for its tools
  GET /.well-known/oauth-protected-resource[/...]  RFC 9728, with settings.oauth
  GET, POST /servers/NAME/sse          HTTP+SSE of 2024-11-05, only with settings.legacySse
  GET /metrics                         Prometheus text, on its own port

Settings (environment):
  GATEWAY_CONFIG            configuration file, JSON; read again when it changes (required)
  GATEWAY_ADDED_FILE        JSON list of more servers, read like it; it may come and go (none)
  GATEWAY_HOST              address to listen on (0.0.0.0)
  GATEWAY_PORT              port; 0 = any, see the "listening" log line (13000)
  GATEWAY_METRICS_HOST      address of /metrics (127.0.0.1)
  GATEWAY_METRICS_PORT      port of /metrics; 0 = any (9464)
  GATEWAY_AUDIT_FILE        where the audit lines go; "-" is standard output (-)
  GATEWAY_AUDIT_MAX_BYTES   size at which that file is rotated: FILE becomes FILE.1 and so on (67108864)
  GATEWAY_AUDIT_FILES       audit files kept, the one that is written included; at least 2 (5)
  GATEWAY_AUDIT_KEY_FILE    file with the key of the argument hashes (a random key a start)
  GATEWAY_PINS_FILE         where the first seen tool hashes are kept (none: they end with the process)
  GATEWAY_INSPECT_SECONDS   from one look at a server's tools to the next (60)
  GATEWAY_LOG_LEVEL         fatal, error, warn, info, debug, trace or silent (info)
  OTEL_EXPORTER_OTLP_ENDPOINT  base URL of an OTLP/HTTP collector; spans go there (none)

The configuration file, with defaults in parentheses:
  servers[]   name, url; path (/mcp), port (none: only the path), tools {allow ["*"], deny []},
              toolsHash (the first seen), tokenFile (none), timeoutSeconds (300)
  clients[]   name; one or more of tokenSha256, oauthClient, anonymous; servers [names or "*"],
              tools {allow, deny}, limits {callsPerMinute 600, concurrent 16, bodyBytes 1048576,
              sessions 64}
  settings    strictTools (false), allowedHosts [], allowedOrigins [], trustedProxies [],
              legacySse (false), sessionIdleSeconds (1800), maxReplyBytes (16777216),
              oauth {issuer, jwksUri, audience, scopes [], clientClaim "client_id",
              proxyUrl (none: straight to jwksUri)} (none)

Exit codes: 0 stopped by SIGTERM or SIGINT; 1 could not listen, or a defect; 2 bad settings or
configuration. SIGHUP reads the configuration at once.
`;
