/** Tells the gateway which servers were made through the API; those of the program it knows from its configuration. */
import { renameSync, writeFileSync } from "node:fs";
import type { Logger } from "pino";

import { gatewayServer, type GatewayStack } from "../../../../config/gateway.ts";
import { parseManifest } from "../../../../config/manifest.ts";

export class RouteFile {
    readonly #path: string;
    readonly #stack: GatewayStack;
    readonly #log: Logger;
    /** Manifests the file was written from; undefined until it is. */
    #written: string | undefined;

    constructor(path: string, stack: GatewayStack, log: Logger) {
        this.#path = path;
        this.#stack = stack;
        this.#log = log;
    }

    /** Writes the servers of these manifests, unless that is done. What fails is tried again next time. */
    write(manifests: readonly string[]): void {
        // After every sample: nothing is read while nothing changes.
        const from = JSON.stringify(manifests);
        if (from === this.#written) return;
        const servers = manifests.flatMap((text) => {
            const { manifest } = parseManifest("manifest", text);
            return manifest === undefined ? [] : [gatewayServer(this.#stack, manifest)];
        });
        try {
            // Never half a file under this name.
            writeFileSync(`${this.#path}.new`, JSON.stringify(servers));
            renameSync(`${this.#path}.new`, this.#path);
            this.#written = from;
            this.#log.info({ servers: servers.map(({ name }) => name) }, "routes written");
        } catch (error) {
            this.#log.error({ err: error }, "routes cannot be written; trying again");
        }
    }
}
