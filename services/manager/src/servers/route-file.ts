/** Tells the gateway which servers were made through the API; those of the program it knows from its configuration. */
import { renameSync, writeFileSync } from "node:fs";
import type { Logger } from "pino";

import { gatewayServer, type GatewayStack } from "../../../../config/gateway.ts";
import { parseManifest } from "../../../../config/manifest.ts";

export class RouteFile {
    readonly #path: string;
    readonly #stack: GatewayStack;
    readonly #log: Logger;
    /** What the file says; undefined until it is written. */
    #written: string | undefined;

    constructor(path: string, stack: GatewayStack, log: Logger) {
        this.#path = path;
        this.#stack = stack;
        this.#log = log;
    }

    /** Writes the servers of these manifests, unless the file says so already. What fails is tried again next time. */
    write(manifests: readonly string[]): void {
        const servers = manifests.flatMap((text) => {
            const { manifest } = parseManifest("manifest", text);
            return manifest === undefined ? [] : [gatewayServer(this.#stack, manifest)];
        });
        const text = JSON.stringify(servers);
        if (text === this.#written) return;
        try {
            // Never half a file under this name.
            writeFileSync(`${this.#path}.new`, text);
            renameSync(`${this.#path}.new`, this.#path);
            this.#written = text;
            this.#log.info({ servers: servers.map(({ name }) => name) }, "routes written");
        } catch (error) {
            this.#log.error({ err: error }, "routes cannot be written; trying again");
        }
    }
}
