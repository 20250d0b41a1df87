/** Holds the configuration in force and replaces it when the file changes. */
import { readFileSync, unwatchFile, watchFile } from "node:fs";

import { ConfigError, parseConfig, type Config } from "./config.ts";
import type { Logger } from "./log.ts";

/** Asking for the file's state works across renames, bind mounts and symbolic links; events do not. */
const POLL_MS = 1_000;

/** Told about each attempt to load the file after the first. */
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

/** The configuration in force. */
export class ConfigFile {
    readonly #path: string;
    readonly #log: Logger;
    readonly #listeners: ReloadListener[] = [];
    #config: Config;
    readonly #check = (): void => this.reload();

    /** @throws {ConfigError} when the first reading fails: there is nothing older to go on with */
    constructor(path: string, log: Logger) {
        this.#path = path;
        this.#log = log;
        this.#config = loadConfig(path);
    }

    get current(): Config {
        return this.#config;
    }

    onReload(listener: ReloadListener): void {
        this.#listeners.push(listener);
    }

    watch(): void {
        watchFile(this.#path, { interval: POLL_MS }, this.#check);
    }

    unwatch(): void {
        unwatchFile(this.#path, this.#check);
    }

    /** Reads the file now. One that is invalid changes nothing but the log and the metrics. */
    reload(): void {
        let outcome: "ok" | "invalid" = "ok";
        try {
            this.#config = loadConfig(this.#path);
            const { servers, clients } = this.#config;
            this.#log.info(
                { servers: servers.length, clients: clients.length },
                "configuration loaded",
            );
        } catch (error) {
            if (!(error instanceof ConfigError)) throw error;
            outcome = "invalid";
            this.#log.error({ reason: error.message }, "configuration refused; the old one stays");
        }
        for (const listener of this.#listeners) listener(outcome, this.#config);
    }
}
