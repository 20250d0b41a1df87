/** Holds the configuration in force and replaces it when the file changes. */
import { readFileSync, unwatchFile, watchFile } from "node:fs";

import {
    ConfigError,
    parseConfig,
    parseServers,
    type Config,
    type ServerConfig,
} from "./config.ts";
import type { Logger } from "./log.ts";

/** Asking for the file's state works across renames, bind mounts and symbolic links; events do not. */
const POLL_MS = 1_000;

/**
 * Told about each attempt to load the files after the first.
 *
 * @param outcome "invalid" when anything of it was refused
 * @param config what is in force now: what was refused does not keep the rest from being taken up
 */
export type ReloadListener = (outcome: "ok" | "invalid", config: Config) => void;

/** Reads a configuration file once. @throws {ConfigError} also when it cannot be read */
export function loadConfig(path: string): Config {
    let text: string;
    try {
        text = readFileSync(path, "utf8");
    } catch (error) {
        throw new ConfigError(error instanceof Error ? error.message : String(error));
    }
    return parseConfig(text);
}

/**
 * The configuration in force: the file, and the servers of a second one that somebody else writes. Those can neither
 * take a name or a port of the first, nor keep it or each other from being served.
 */
export class ConfigFile {
    readonly #path: string;
    readonly #addedPath: string | undefined;
    readonly #log: Logger;
    readonly #listeners: ReloadListener[] = [];
    #own: Config;
    #added: readonly ServerConfig[] = [];
    #config: Config;
    readonly #check = (): void => this.reload();

    /**
     * @param addedPath a JSON list of more servers, which may not be there yet
     * @throws {ConfigError} when the first reading fails: there is nothing older to go on with
     */
    constructor(path: string, addedPath: string | undefined, log: Logger) {
        this.#path = path;
        this.#addedPath = addedPath;
        this.#log = log;
        this.#own = loadConfig(path);
        this.#readAdded();
        this.#config = this.#merged();
    }

    get current(): Config {
        return this.#config;
    }

    onReload(listener: ReloadListener): void {
        this.#listeners.push(listener);
    }

    watch(): void {
        for (const path of this.#paths) watchFile(path, { interval: POLL_MS }, this.#check);
    }

    unwatch(): void {
        for (const path of this.#paths) unwatchFile(path, this.#check);
    }

    /** Reads both files now. One that is invalid stays as it was, and the other is taken up all the same. */
    reload(): void {
        const parts = [this.#readAdded(), this.#readOwn()];
        this.#config = this.#merged();
        const outcome = parts.every((whole) => whole) ? "ok" : "invalid";
        for (const listener of this.#listeners) listener(outcome, this.#config);
    }

    get #paths(): string[] {
        return [this.#path, ...(this.#addedPath === undefined ? [] : [this.#addedPath])];
    }

    /** @returns whether it could be taken up */
    #readOwn(): boolean {
        try {
            this.#own = loadConfig(this.#path);
            const { servers, clients } = this.#own;
            this.#log.info(
                { servers: servers.length, clients: clients.length },
                "configuration loaded",
            );
            return true;
        } catch (error) {
            if (!(error instanceof ConfigError)) throw error;
            this.#log.error({ reason: error.message }, "configuration refused; the old one stays");
            return false;
        }
    }

    /** @returns whether all of what there is could be taken up */
    #readAdded(): boolean {
        if (this.#addedPath === undefined) return true;
        try {
            const { servers, refused } = parseServers(readFileSync(this.#addedPath, "utf8"));
            this.#added = servers;
            for (const reason of refused) this.#log.error({ reason }, "added server refused");
            return refused.length === 0;
        } catch (error) {
            if ((error as NodeJS.ErrnoException).code === "ENOENT") {
                this.#added = [];
                return true;
            }
            const reason = error instanceof Error ? error.message : String(error);
            this.#log.error({ reason }, "added servers refused; the old ones stay");
            return false;
        }
    }

    #merged(): Config {
        const servers = [...this.#own.servers];
        const names = new Set(servers.map(({ name }) => name));
        const ports = new Set(servers.map(({ port }) => port));
        ports.delete(undefined);
        for (const added of this.#added) {
            const { name, port } = added;
            if (names.has(name) || ports.has(port)) {
                this.#log.error({ server: name, port }, "added server's name or port is taken");
                continue;
            }
            names.add(name);
            if (port !== undefined) ports.add(port);
            servers.push(added);
        }
        return { ...this.#own, servers };
    }
}
