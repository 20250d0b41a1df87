import type { TestStack } from "../stack";

/** Ports of the servers the tests bring up, by name. */
export const PORTS = {
    "postgres-mcp": 13001,
    "files-mcp": 13002,
    "http-mcp": 13003,
    "fetch-test": 13004,
    "notes-mcp": 13005,
    "everything-mcp": 13009,
} as const;

/** The servers of the product's own manifests. */
export const PRODUCT = ["files-mcp", "http-mcp", "postgres-mcp"] as const;

/** `http-mcp` with its guard against private addresses off, so that it can reach a page of the tests. */
export const FETCHING = "fetch-test";

/** Fixture of the conformance suite, made through the manager's API. */
export const EVERYTHING = "everything-mcp";

/** Container of the gateway on the inner daemon, and its port there. */
export const GATEWAY = "mcp-gateway";
export const GATEWAY_PORT = 8090;

/** All servers of the first bring-up, by name. */
export const SERVERS = [FETCHING, ...PRODUCT] as const;

/** Port of the page that `fetch-test` declares, on the host's address of the stack's network. */
export const SITE_PORT = 18080;

/** Companions of those that declare egress. */
export const COMPANIONS = [FETCHING, "http-mcp", "postgres-mcp"].map(
    (name) => `mcp-egress-${name}`,
);

/** Processes `fetch-test` asks for: not the default, so that the number shows where it comes from. */
export const FETCHING_PIDS = 96;

/** Writes the manifests of the first bring-up. */
export function writeManifests(stack: TestStack): void {
    stack.copyManifests();
    stack.writeManifest("http-mcp", FETCHING, ({ spec }) => {
        spec.command.push("--allow-private-ips");
        spec.port = PORTS[FETCHING];
        spec.egress = ["*:80", "*:443", `${stack.main(1)}:${SITE_PORT}`];
        spec.resources = { cpus: 0.5, memory: "256Mi", pids: FETCHING_PIDS };
    });
}
