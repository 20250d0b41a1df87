import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import * as path from "node:path";

import { parse } from "yaml";

import { planAddresses } from "../config/addresses";
import { loadClients, type ClientFile } from "../config/clients";
import { ConfigError } from "../config/errors";
import { readMachineFacts } from "../config/machine";
import { loadManifests, ManifestError, type ServerManifest } from "../config/manifest";
import { namesFor } from "../config/names";
import { loadSettings } from "../config/settings";
import type { StackContext } from "../components/stack-context";

import { CliError } from "./errors";

/** Name in Pulumi.yaml; the namespace of the config keys. */
export const PROJECT_NAME = "sutazai-mcp";

/** Stack that a command works on when none is named. */
export const DEFAULT_STACK = "dev";

/** One stack of the project in this folder: where its files are and what its settings say. */
export class Project {
    constructor(
        /** Folder of Pulumi.yaml. */
        readonly dir: string,
        readonly stack: string,
    ) {
        if (!/^[A-Za-z0-9_.-]{1,100}$/.test(stack)) {
            throw new CliError(
                `--stack ${JSON.stringify(stack)}: a stack name has letters, digits, ".", "_" and "-"`,
                "choose another name, such as --stack dev",
            );
        }
    }

    /** Folder of everything this machine makes and git ignores. */
    get cacheDir(): string {
        const dir = path.join(this.dir, ".mcp");
        mkdirSync(dir, { recursive: true, mode: 0o700 });
        return dir;
    }

    get settingsFile(): string {
        return path.join(this.dir, `Pulumi.${this.stack}.yaml`);
    }

    /** Record of what a throw-away bring-up made. */
    get ledgerFile(): string {
        const dir = path.join(this.cacheDir, "rehearse");
        mkdirSync(dir, { recursive: true, mode: 0o700 });
        return path.join(dir, `${this.stack}.json`);
    }

    /** True when this stack is a throw-away bring-up, made without an engine. */
    get rehearsed(): boolean {
        return existsSync(this.ledgerFile);
    }

    /** The `config` of the settings file as it stands; empty when there is no file. */
    private settingsData(): [string, unknown][] {
        if (!existsSync(this.settingsFile)) return [];
        try {
            const data = parse(readFileSync(this.settingsFile, "utf8")) as {
                config?: Record<string, unknown>;
            } | null;
            return Object.entries(data?.config ?? {});
        } catch (error) {
            throw new CliError(
                `${path.basename(this.settingsFile)}: not valid YAML: ${String(error).split("\n")[0] ?? ""}`,
                "mend the line it names",
            );
        }
    }

    /** The stack's config as raw strings by full key; secrets that only the engine can open are left out. */
    config(): Record<string, string> {
        return Object.fromEntries(
            this.settingsData()
                .filter(([, value]) => !isEncrypted(value))
                .map(([key, value]) => [
                    key,
                    typeof value === "string" ? value : JSON.stringify(value),
                ]),
        );
    }

    /** Names of config keys whose values are encrypted. */
    encryptedKeys(): string[] {
        return this.settingsData()
            .filter(([, value]) => isEncrypted(value))
            .map(([key]) => key);
    }

    /** Settings, names and addresses of the stack, checked. */
    context(): StackContext {
        const config = this.config();
        const source = { get: (key: string) => config[`${PROJECT_NAME}:${key}`] };
        try {
            const settings = loadSettings(source, this.stack, readMachineFacts(this.dir));
            return {
                settings,
                names: namesFor(settings.namePrefix),
                addresses: planAddresses(settings),
            };
        } catch (error) {
            if (error instanceof ConfigError) throw new CliError(error.message);
            throw error;
        }
    }

    /** The stack's manifests, checked. */
    manifests(): ServerManifest[] {
        const { settings } = this.context();
        try {
            return loadManifests(path.resolve(this.dir, settings.manifestsDir));
        } catch (error) {
            if (error instanceof ManifestError) throw new CliError(error.message);
            throw error;
        }
    }

    /** The stack's clients, checked. */
    clients(): ClientFile[] {
        const { clientsDir, gateway } = this.context().settings;
        const dir = path.resolve(this.dir, clientsDir);
        const servers = this.manifests().map(({ name }) => name);
        try {
            return loadClients(dir, servers, gateway.oauth !== undefined);
        } catch (error) {
            if (error instanceof ManifestError) throw new CliError(error.message);
            throw error;
        }
    }

    /** The client of a name; an unknown name is an error that lists the known ones. */
    client(name: string): ClientFile {
        const clients = this.clients();
        const found = clients.find((client) => client.name === name);
        if (found) return found;
        const known = clients.map((client) => client.name).join(", ");
        throw new CliError(
            `${name}: no client of that name`,
            `use one of: ${known || "(none)"}; or add clients/${name}.yml`,
        );
    }

    /** The manifest of a server; an unknown name is an error that lists the known ones. */
    manifest(server: string): ServerManifest {
        const manifests = this.manifests();
        const found = manifests.find((manifest) => manifest.name === server);
        if (found) return found;
        const known = manifests.map((manifest) => manifest.name).join(", ");
        throw new CliError(
            `${server}: no manifest of that name`,
            `use one of: ${known || "(none)"}; or add manifests/${server}.yml`,
        );
    }

    /** File with the passphrase of the local backend's secrets; made at first use, for its owner only. */
    passphraseFile(): string {
        const file = path.join(this.cacheDir, "passphrase");
        if (!existsSync(file)) {
            writeFileSync(file, `${randomBytes(32).toString("base64url")}\n`, {
                mode: 0o600,
                flag: "wx",
            });
        }
        return file;
    }

    /** Folder of the local backend: the one PULUMI_BACKEND_URL names, else our own. */
    stateDir(): string {
        const url = process.env.PULUMI_BACKEND_URL;
        if (url?.startsWith("file:///") === true) return url.slice("file://".length);
        const dir = path.join(this.cacheDir, "state");
        mkdirSync(dir, { recursive: true, mode: 0o700 });
        return dir;
    }
}

/** A value that the engine has encrypted. */
function isEncrypted(value: unknown): boolean {
    return value !== null && typeof value === "object" && "secure" in value;
}
