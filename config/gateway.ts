import { EDGE_NAME, GATEWAY_NAME, PATHS, PORTS, SYSTEM_CLIENT } from "./defaults";
import type { ClientFile, ToolAccess } from "./clients";
import type { AddressPlan } from "./addresses";
import type { ServerManifest } from "./manifest-normalise";
import type { Names } from "./names";
import { planEgress } from "./egress/plan";
import { EGRESS_HOST } from "./egress/target";
import { gatewayEgress, type GatewaySettings } from "./gateway-settings";
import type { StackSettings } from "./settings";

/** Servers made through the manager's API: it writes them, the gateway reads them. */
export const ROUTES_FILE = `${PATHS.routes}/servers.json`;

/** Path of a server on the gateway's own port. */
export function serverPath(server: string): string {
    return `/servers/${server}/mcp`;
}

/** What of a stack decides the gateway's configuration. */
export interface GatewayStack {
    readonly settings: Pick<StackSettings, "publishServers">;
    readonly names: Names;
}

/** What decides besides who gets in, and how. */
interface DoorStack extends GatewayStack {
    readonly settings: Pick<StackSettings, "publishServers" | "edge" | "gateway">;
    readonly addresses: AddressPlan;
}

/** What a client file says that the gateway has to know. */
type Rights = Pick<ClientFile, "name" | "servers" | "tools" | "limits">;

/** How the gateway knows a client: by its token, or by what its access tokens say. */
type Identity = { readonly tokenSha256: string } | { readonly oauthClient: string };

/**
 * What the reporter and `./mcp` may do: everything, since they have to see each server as it is. A round of probes is two
 * calls a server every two seconds.
 */
export const SYSTEM_RIGHTS: Rights = {
    name: SYSTEM_CLIENT,
    servers: ["*"],
    tools: { allow: ["*"], deny: [] },
    limits: { callsPerMinute: 60_000, concurrent: 256, bodyBytes: 1_048_576, sessions: 1_024 },
};

/** What the gateway has to know of a server. */
export interface GatewayServer {
    readonly name: string;
    readonly url: string;
    readonly path: string;
    /** Port of its own, if it has one besides its path. */
    readonly port?: number;
    readonly tools: ToolAccess;
    /** SHA-256 (hex) of the tools as they were approved; without it, of what the gateway sees first. */
    readonly toolsHash?: string;
}

/** The gateway's configuration file (services/gateway/src/config.ts has its schema), in plain data. */
export interface GatewayConfig {
    readonly servers: readonly GatewayServer[];
    readonly clients: readonly (Rights & Identity)[];
    readonly settings: {
        readonly allowedHosts: readonly string[];
        readonly allowedOrigins: readonly string[];
        readonly trustedProxies: readonly string[];
        readonly strictTools: boolean;
        readonly legacySse: boolean;
        readonly oauth?: NonNullable<GatewaySettings["oauth"]> & { readonly proxyUrl?: string };
    };
}

/**
 * The configuration of a stack's gateway.
 *
 * @param clients the rights of each client, `SYSTEM_RIGHTS` included, and how it is known
 */
export function gatewayConfig(
    stack: DoorStack,
    manifests: readonly ServerManifest[],
    clients: readonly { readonly rights: Rights; readonly identity: Identity }[],
): GatewayConfig {
    const { strictTools, legacySse, oauth } = stack.settings.gateway;
    return {
        servers: manifests.map((manifest) => gatewayServer(stack, manifest)),
        clients: clients.map(({ rights: { name, servers, tools, limits }, identity }) => ({
            ...{ name, ...identity, servers, tools, limits },
        })),
        settings: {
            allowedHosts: allowedHosts(stack, manifests),
            allowedOrigins: stack.settings.edge.origins,
            // Whom it takes a client's address from; the inner daemon's port publication leaves the edge's own as it is.
            trustedProxies: [stack.addresses.main.edge],
            ...{ strictTools, legacySse },
            ...(oauth === undefined ? {} : { oauth: { ...oauth, ...proxied(stack) } }),
        },
    };
}

/** The gateway reaches nothing outside but by its companion, whose proxy leads to what is on HTTP's own ports. */
function proxied({ settings }: DoorStack): { readonly proxyUrl?: string } {
    const { proxyUrl } = planEgress(gatewayEgress(settings.gateway), {
        companion: EGRESS_HOST,
        hosts: {},
    });
    return proxyUrl === undefined ? {} : { proxyUrl };
}

/** How the gateway reaches a server, and what clients may see of it. */
export function gatewayServer(
    stack: GatewayStack,
    { name, transport, tools, toolsHash, port }: ServerManifest,
): GatewayServer {
    return {
        name,
        url: `http://${stack.names.server(name)}:${String(transport.containerPort)}`,
        path: transport.path,
        ...(isServed(stack, port) ? { port } : {}),
        tools,
        ...(toolsHash === undefined ? {} : { toolsHash }),
    };
}

/** Whether a server has a port of its own on the gateway, besides its path. */
export function isServed({ settings }: GatewayStack, port: number): boolean {
    const range = settings.publishServers;
    return range !== undefined && port >= range.from && port <= range.to;
}

/** Every port the gateway may have to answer on: a new server must not make its container anew. */
export function gatewayPorts({ settings }: GatewayStack): number[] {
    const range = settings.publishServers;
    const own = range
        ? Array.from({ length: range.to - range.from + 1 }, (_, index) => range.from + index)
        : [];
    return [PORTS.gateway.container, ...own];
}

/** Host names a request may come under; addresses are not names that could be bound anew. */
function allowedHosts(
    { names, settings }: DoorStack,
    manifests: readonly ServerManifest[],
): string[] {
    const services = [GATEWAY_NAME, EDGE_NAME, ...manifests.map(({ name }) => name)];
    const found = services.map((name) => `${names.service(name)}.service.consul`);
    return [...new Set([names.orchestrator, names.edge, ...settings.edge.hosts, ...found])].sort();
}
