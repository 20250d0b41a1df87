import * as pulumi from "@pulumi/pulumi";

import { PATHS, PORTS } from "../config/defaults";
import { serverPath } from "../config/gateway";
import type { ServerManifest } from "../config/manifest";
import { serverContainer, serverLabels } from "../config/server-container";

import type { EgressCompanion } from "./egress-companion";
import { managedContainer } from "./managed-container";
import { ServerSecrets } from "./server-secrets";
import type { StackContext } from "./stack-context";

export const MCP_SERVER_TYPE = "mcp:inner:Server";

export interface McpServerArgs {
    readonly context: StackContext;
    readonly manifest: ServerManifest;
    /** Image by content id or digest. */
    readonly image: pulumi.Input<string>;
    /** Inner network of servers. */
    readonly network: pulumi.Input<string>;
    /** The server's way out; exactly those that declare egress have one. */
    readonly companion?: EgressCompanion | undefined;
    /** Inner volumes that manifests can name. */
    readonly volumes: Readonly<Record<string, pulumi.Input<string>>>;
    /** Values of the manifest's secrets by name. */
    readonly secrets: Readonly<Record<string, pulumi.Input<string>>>;
}

/**
 * One MCP server on the inner daemon, made from its manifest, within the bar for inner containers: 1001:1001, no
 * capabilities, no new privileges, read-only root, memory without swap, CPU and process limits, init, health check.
 */
export class McpServer extends pulumi.ComponentResource {
    /** Where clients inside the host's networks reach it: at the gateway. */
    public readonly url: pulumi.Output<string>;

    constructor(name: string, args: McpServerArgs, opts?: pulumi.ComponentResourceOptions) {
        super(MCP_SERVER_TYPE, name, { manifest: args.manifest }, opts);
        const { context, manifest, companion } = args;
        const child = { parent: this };
        const container = serverContainer(context, manifest);
        const secrets =
            manifest.secrets.length === 0
                ? undefined
                : new ServerSecrets(
                      `${name}-secrets`,
                      {
                          server: manifest.name,
                          image: args.image,
                          labels: serverLabels(context.settings.stack, manifest.name),
                          files: manifest.secrets.map((secret) => ({
                              name: secret.name,
                              content: known(args.secrets, secret.name, manifest),
                          })),
                      },
                      child,
                  );
        managedContainer(
            `${name}-container`,
            {
                ...container,
                image: args.image,
                networks: [
                    { name: args.network },
                    ...(companion ? [{ name: companion.link }] : []),
                ],
                volumes: [
                    ...container.volumes.map(({ source, ...mount }) => ({
                        ...mount,
                        volumeName: known(args.volumes, source, manifest),
                    })),
                    ...(secrets
                        ? [
                              {
                                  volumeName: secrets.volumeName,
                                  containerPath: PATHS.secrets,
                                  readOnly: true,
                              },
                          ]
                        : []),
                ],
            },
            // New secrets are a new carrier, and a server reads its secrets when it starts.
            {
                ...child,
                replaceWith: secrets ? [secrets.carrier] : [],
                dependsOn: companion ? [companion.container] : [],
            },
        );
        this.url = pulumi.output(
            `http://${context.addresses.main.orchestrator}:${String(PORTS.gateway.container)}${serverPath(manifest.name)}`,
        );
        this.registerOutputs({ url: this.url });
    }
}

function known<T>(values: Readonly<Record<string, T>>, key: string, manifest: ServerManifest): T {
    const value = values[key];
    if (value === undefined) {
        throw new pulumi.RunError(
            `${manifest.file}: "${key}" is not known to this stack; known: ${Object.keys(values).sort().join(", ")}`,
        );
    }
    return value;
}
