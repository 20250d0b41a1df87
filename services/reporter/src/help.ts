/** The text of `--help`, and the exit codes it documents. */

/** How the process ends. */
export const EXIT = {
    /** Asked to stop and did; `health`: healthy. */
    ok: 0,
    /** Could not listen, or a defect; `health`: not healthy. */
    failed: 1,
    /** A setting or the command line is wrong. */
    settings: 2,
} as const;

export const HELP = `Probes the services of one Consul node and reports their health there.

Usage: node dist/main.js            run until SIGTERM or SIGINT
       node dist/main.js health     ask the running one; exit 0 or 1 and say why
       node dist/main.js --help

Examples:
  REPORTER_CONSUL_URL=http://10.89.0.5:8500 REPORTER_NODE=mcp-orchestrator \\
    REPORTER_ADDRESS=10.89.0.7 REPORTER_CONSUL_TOKEN_FILE=/run/secrets/consul-token \\
    REPORTER_TLS_CA_FILE=/etc/mcp/docker-ca.pem node dist/main.js
  docker run --health-cmd "node /opt/reporter/dist/main.js health" ...

Settings (environment):
  REPORTER_CONSUL_URL         http://HOST:PORT or https://HOST:PORT of a Consul agent (required)
  REPORTER_CONSUL_CA_FILE     PEM of the CA of that agent's certificate (the system's CAs)
  REPORTER_CONSUL_TOKEN_FILE  file with the ACL token (none)
  REPORTER_DATACENTER         datacenter of the node (the agent's own)
  REPORTER_NODE               external Consul node whose services are probed (required)
  REPORTER_SERVICE            name and id of its own service on the agent (mcp-reporter)
  REPORTER_ADDRESS            its own address, for that service (required)
  REPORTER_TLS_CA_FILE        PEM of the CA of services with protocol "docker" or "https" (none)
  REPORTER_MCP_TOKEN_FILE     file with the bearer token for services with protocol "mcp" (none)
  REPORTER_MCP_TOKEN_AT       HOST:PORT of the services that are shown it; required with it
  REPORTER_INTERVAL_SECONDS   time from one probe of a service to the next (2)
  REPORTER_DEADLINE_SECONDS   time a probe may take; a slower service is critical (6)
  REPORTER_HEALTH_PORT        port on 127.0.0.1 of its own /healthz; 0 = any (8080)
  REPORTER_LOG_LEVEL          fatal, error, warn, info, debug, trace or silent (info)

What to probe stands in the services' Meta in Consul:
  protocol          mcp (tools/list), docker (TLS handshake), http, https (GET), else TCP connect
  path              path of the MCP endpoint (/mcp), or of the GET (/)
  health-tool       MCP tool to call after tools/list; an error of it is critical
  health-arguments  its arguments, a JSON object ({})
  tools             number of tools; written by the reporter

GET http://127.0.0.1:8080/healthz: 200 while Consul answers and accepts the token, else 503.
Logs are JSON lines on standard output.

Exit codes: 0 stopped by SIGTERM or SIGINT; 1 could not listen, or a defect; 2 bad settings.
`;
