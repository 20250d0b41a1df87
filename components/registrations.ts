import * as consul from "@pulumi/consul";
import * as pulumi from "@pulumi/pulumi";

import { EDGE_NAME, GATEWAY_NAME, MANAGER_NAME, PORTS } from "../config/defaults";
import { EDGE_PORTS } from "../config/edge/model";
import { edgeScheme } from "../config/edge-settings";
import { serverPath } from "../config/gateway";
import type { ServerManifest } from "../config/manifest";

import { queryPrefix } from "./consul-policies";
import type { StackContext } from "./stack-context";

export const REGISTRATIONS_TYPE = "mcp:mesh:Registrations";

/** Tag of every MCP server: the prepared query and `./mcp discover` go by it. */
export const MCP_TAG = "mcp";

/** Id of the check the reporter writes for a service; services/reporter knows it as well. */
export function checkId(service: string): string {
    return `mcp:${service}`;
}

export interface RegistrationsArgs {
    readonly context: StackContext;
    readonly servers: readonly {
        readonly manifest: ServerManifest;
        /** Image by content id or digest. */
        readonly image: pulumi.Input<string>;
    }[];
}

/**
 * What Consul knows of the stack: one external node for the orchestrator, with the inner daemon, the manager, the gateway,
 * the edge and each MCP server as service instances on it. Addresses are those of `sutazai-main`; a server's is the
 * gateway's.
 *
 * Health is the reporter's alone (docs/decisions/0007). A service is born with the reporter's check at "critical": it
 * is not found before somebody has asked it. What the reporter writes later, the check and the number of tools, is
 * ignored here.
 */
export class Registrations extends pulumi.ComponentResource {
    constructor(name: string, args: RegistrationsArgs, opts?: pulumi.ComponentResourceOptions) {
        super(REGISTRATIONS_TYPE, name, {}, opts);
        const { settings, names, addresses } = args.context;
        const child = { parent: this, deleteBeforeReplace: true };
        const address = addresses.main.orchestrator;
        const owner = { "managed-by": "sutazai-mcp", stack: settings.stack };
        // A node of its own: what stands on an agent's node, the agent removes within a minute.
        const node = new consul.Node(
            `${name}-node`,
            { name: names.orchestrator, address, meta: owner },
            child,
        );
        const register = (
            logicalName: string,
            base: string,
            service: {
                readonly port: number;
                readonly tags: readonly string[];
                readonly meta: Readonly<Record<string, pulumi.Input<string>>>;
                /** @default the orchestrator's */
                readonly address?: string;
            },
        ): consul.Service =>
            new consul.Service(
                logicalName,
                {
                    node: node.name,
                    name: names.service(base),
                    serviceId: names.service(base),
                    address: service.address ?? address,
                    port: service.port,
                    tags: [...service.tags, `stack:${settings.stack}`],
                    meta: { ...service.meta, ...owner },
                    checks: [
                        {
                            checkId: checkId(names.service(base)),
                            name: "MCP health",
                            status: "critical",
                            notes: "not reported yet",
                            // Nobody runs it but the reporter; and nothing removes a registration but this program.
                            interval: "2s",
                            timeout: "7s",
                            deregisterCriticalServiceAfter: "0s",
                        },
                    ],
                },
                { ...child, ignoreChanges: ["checks", "meta.tools"] },
            );
        register(`${name}-orchestrator`, "mcp-orchestrator", {
            port: PORTS.dockerTls.container,
            tags: ["docker"],
            meta: { protocol: "docker" },
        });
        register(`${name}-manager`, MANAGER_NAME, {
            port: PORTS.management.container,
            tags: ["http"],
            meta: { protocol: "http", path: "/health" },
        });
        register(`${name}-gateway`, GATEWAY_NAME, {
            port: PORTS.gateway.container,
            tags: ["http"],
            meta: { protocol: "http", path: "/healthz" },
        });
        register(`${name}-edge`, EDGE_NAME, {
            address: addresses.main.edge,
            port: EDGE_PORTS.listen,
            tags: [edgeScheme(settings.edge)],
            meta: EDGE_PROBE[settings.edge.tls.mode],
        });
        for (const { manifest, image } of args.servers) {
            register(`${manifest.name}-registration`, manifest.name, {
                port: PORTS.gateway.container,
                tags: [MCP_TAG, manifest.transport.type],
                meta: { ...metadata(manifest), image },
            });
        }
        const prefix = queryPrefix(names);
        new consul.PreparedQuery(
            `${name}-query`,
            {
                name: prefix,
                service: `${names.service("")}\${match(1)}`,
                onlyPassing: true,
                tags: [MCP_TAG],
                template: { type: "name_prefix_match", regexp: `^${prefix}(.+)$` },
            },
            child,
        );
        this.registerOutputs({});
    }
}

/**
 * How the reporter looks at the edge: through it, at the gateway's health. What certificate a stack was given, and for
 * which name, the reporter cannot judge: there it looks whether somebody listens.
 */
const EDGE_PROBE = {
    none: { protocol: "http", path: "/healthz" },
    own: { protocol: "https", path: "/healthz" },
    files: { protocol: "tcp" },
} as const;

/** What a consumer and the reporter need to know of a server, within Consul's 512 characters a value. */
function metadata({ name, transport, hash, health }: ServerManifest): Record<string, string> {
    return {
        protocol: "mcp",
        transport: transport.type,
        path: serverPath(name),
        // The reporter's to fill in. A key that is not declared could not be ignored either.
        tools: "unknown",
        "manifest-hash": hash,
        ...(health.call && {
            "health-tool": health.call.tool,
            "health-arguments": JSON.stringify(health.call.arguments),
        }),
    };
}
