/** The text of `--help`, and the exit codes it documents. */

/** How the process ends. */
export const EXIT = {
    /** Asked to stop and did. */
    ok: 0,
    /** Could not listen, could not stop in time, or a defect. */
    failed: 1,
    /** A setting or the command line is wrong. */
    settings: 2,
} as const;

export const HELP = `Management API, metrics, central logs and dashboard of one orchestrator.

Usage: node dist/main.js            run until SIGTERM or SIGINT
       node dist/main.js --help

Settings (environment):
  MANAGER_DAEMON_URL           https://HOST:PORT of the inner Docker daemon (required)
  MANAGER_CERTS_DIR            folder with ca.pem, cert.pem and key.pem for it (/certs/client)
  MANAGER_READ_TOKEN_FILE      file with the token that may read (required)
  MANAGER_OPERATE_TOKEN_FILE   file with the token that may change things (required)
  MANAGER_STACK                JSON of stack, namePrefix, portOffset, bindAddress, mainSubnet,
                               internalSubnet, innerPool, postgres.mode, orchestrator.cpus,
                               orchestrator.memoryMb (required) and publishServers.from and .to
  MANAGER_IMAGES_FILE          JSON file: images that spec.build may name, to content ids (none)
  MANAGER_ROUTES_FILE          JSON file the gateway reads: the servers made through this API (none)
  MANAGER_LOGS_DIR             folder of the central logs (/var/log/mcp)
  MANAGER_DATA_DIR             a path on the daemon's data volume, for its disk (/)
  MANAGER_DASHBOARD_DIR        folder of the dashboard (beside the program)
  MANAGER_CONSUL_URL           http(s)://HOST:PORT of a Consul agent, to tell whether it answers (none)
  MANAGER_EDGE_URL             http(s)://HOST:PORT of the edge, to tell whether it answers (none)
  MANAGER_GATEWAY_URL          http(s)://HOST:PORT of the gateway's metrics, handed on by /metrics (none)
  MANAGER_LISTEN_HOST          IPv4 address to listen on (0.0.0.0)
  MANAGER_API_PORT             port of the API and the dashboard; 0 = any (8080)
  MANAGER_METRICS_PORT         port of GET /metrics; 0 = any (9090)
  MANAGER_ALLOWED_HOSTS        host names a request may name, with commas (localhost,127.0.0.1)
  MANAGER_SAMPLE_SECONDS       time between two looks at the daemon, 0.1 to 2.5 (2)
  MANAGER_PROBE_SECONDS        time between two questions to a server (5)
  MANAGER_REQUESTS_PER_MINUTE  of one role from one address (6000)
  MANAGER_LOG_LEVEL            fatal, error, warn, info, debug, trace or silent (info)

Certificates and tokens are read again when their files change. Logs are JSON lines on standard
output. The API describes itself at /openapi.json and /docs; every path but /health, the dashboard
and /docs asks for Authorization: Bearer <token>.

Exit codes: 0 stopped by SIGTERM or SIGINT; 1 could not listen, or a defect; 2 bad settings.
`;
