import * as path from "node:path";

import * as pulumi from "@pulumi/pulumi";

import { planAddresses } from "./addresses";
import { loadClients, type ClientFile } from "./clients";
import { HOST_SOCKET } from "./defaults";
import { readEdgeFiles, type EdgeFiles } from "./edge-files";
import { redirecting } from "./environment";
import { readMachineFacts, type MachineFacts } from "./machine";
import { loadManifests, type ServerManifest } from "./manifest";
import { namesFor } from "./names";
import { loadSettings, type StackSettings } from "./settings";
import type { AddressPlan } from "./addresses";
import type { Names } from "./names";

/** Everything the program reads from outside, checked, before it creates anything. */
export interface ProgramInput {
    readonly context: {
        readonly settings: StackSettings;
        readonly names: Names;
        readonly addresses: AddressPlan;
    };
    readonly machine: MachineFacts;
    readonly manifests: readonly ServerManifest[];
    readonly clients: readonly ClientFile[];
    /** Certificate and key that the stack was given for its edge. */
    readonly edgeFiles: EdgeFiles | undefined;
    /** Address of the host's daemon, always literal: the environment must not choose the daemon. */
    readonly hostDaemon: string;
    /** Tokens for an external Consul; a managed one makes its own. */
    readonly consulTokens:
        | {
              /** For the node, its services and the prepared query. */
              readonly registrar: pulumi.Output<string>;
              /** For checks on those services, and the reporter's own registration. */
              readonly reporter: pulumi.Output<string>;
          }
        | undefined;
    /** Values of a manifest's secrets by name; `known` are the stack's own. */
    readonly secrets: (
        manifest: ServerManifest,
        known: Readonly<Record<string, pulumi.Input<string> | undefined>>,
    ) => Record<string, pulumi.Input<string>>;
}

/**
 * Reads settings, machine facts and manifests of the current stack.
 * @throws pulumi.RunError with every problem found, one a line
 */
export function loadProgram(projectDir: string): ProgramInput {
    const redirected = redirecting(process.env);
    if (redirected.length > 0) {
        throw new pulumi.RunError(
            `${redirected.join(", ")}: set in the environment, which would redirect a provider to another ` +
                `daemon or Consul; unset ${redirected.join(" ")}, or use ./mcp, which does`,
        );
    }
    try {
        const config = new pulumi.Config();
        const machine = readMachineFacts(projectDir);
        const settings = loadSettings(config, pulumi.getStack(), machine);
        const manifests = loadManifests(path.resolve(projectDir, settings.manifestsDir));
        const clients = loadClients(
            path.resolve(projectDir, settings.clientsDir),
            manifests.map(({ name }) => name),
            settings.gateway.oauth !== undefined,
        );
        requireSecrets(config, manifests, settings);
        const consulToken = config.getSecret("consulToken");
        return {
            context: {
                settings,
                names: namesFor(settings.namePrefix),
                addresses: planAddresses(settings),
            },
            machine,
            manifests,
            clients,
            edgeFiles: readEdgeFiles(projectDir, settings.edge.tls),
            hostDaemon: `unix://${HOST_SOCKET}`,
            consulTokens: consulToken && {
                registrar: consulToken,
                reporter: config.getSecret("consulReporterToken") ?? consulToken,
            },
            secrets: (manifest, known) => secretsOf(config, manifest, known),
        };
    } catch (error) {
        if (error instanceof pulumi.RunError) throw error;
        throw new pulumi.RunError(error instanceof Error ? error.message : String(error));
    }
}

/** Before anything is made: every secret that a manifest takes from the config is there. */
function requireSecrets(
    config: pulumi.Config,
    manifests: readonly ServerManifest[],
    { postgres, consul }: StackSettings,
): void {
    const missing = manifests.flatMap(({ file, secrets }) =>
        secrets
            .map(({ from }) => ({ from, key: secretKey(from) }))
            .filter(({ from, key }) => {
                const own = from === "postgres.dsn" && postgres.mode === "managed";
                return !own && config.getSecret(key) === undefined;
            })
            .map(({ from, key }) => notSet(file, from, key)),
    );
    if (consul.mode === "external" && config.getSecret("consulToken") === undefined) {
        missing.push(notSet("consulMode external", "consulToken", "consulToken"));
    }
    if (missing.length > 0) throw new pulumi.RunError(missing.join("\n"));
}

/** With an external database its connection string is a secret of the stack. */
function secretKey(from: string): string {
    return from === "postgres.dsn" ? "postgresUrl" : from.replace(/^config\./, "");
}

function notSet(file: string, from: string, key: string): string {
    return `${file}: secret "${from}" is not set; set it with: pulumi config set --secret ${key}`;
}

function secretsOf(
    config: pulumi.Config,
    manifest: ServerManifest,
    known: Readonly<Record<string, pulumi.Input<string> | undefined>>,
): Record<string, pulumi.Input<string>> {
    const valueOf = (from: string): pulumi.Input<string> => {
        const own = known[from];
        if (own !== undefined) return own;
        const key = secretKey(from);
        const value = config.getSecret(key);
        if (value) return value;
        throw new pulumi.RunError(notSet(manifest.file, from, key));
    };
    return Object.fromEntries(manifest.secrets.map(({ name, from }) => [name, valueOf(from)]));
}
