/** The ports: the gateway's own, and one for each server that asks for it. */
import type http from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";

import type { Config } from "./config.ts";
import type { Logger } from "./log.ts";

interface ListenersParts {
    readonly host: string;
    readonly createServer: (own?: string) => http.Server;
    readonly log: Logger;
}

/** Opens and closes ports as the configuration asks. */
export class Listeners {
    readonly #parts: ListenersParts;
    readonly #byPort = new Map<number, { readonly own: string; readonly server: http.Server }>();
    #main: http.Server | undefined;
    #configured: Promise<void> = Promise.resolve();

    constructor(parts: ListenersParts) {
        this.#parts = parts;
    }

    /** Listens on the gateway's own port. Rejects when that is taken. */
    async open(port: number): Promise<AddressInfo> {
        this.#main = this.#parts.createServer();
        return listen(this.#main, this.#parts.host, port);
    }

    /**
     * Opens what is new and closes what is gone. A port that is taken is logged, no more.
     *
     * One after the other: closing takes a while, and whoever came in between would be undone.
     */
    configure(config: Config): Promise<void> {
        const done = this.#configured.then(() => this.#follow(config));
        this.#configured = done.catch(() => undefined);
        return done;
    }

    async #follow({ servers }: Config): Promise<void> {
        const { host, createServer, log } = this.#parts;
        for (const [port, { own, server }] of this.#byPort) {
            if (servers.some((one) => one.port === port && one.name === own)) continue;
            this.#byPort.delete(port);
            await close(server);
        }
        for (const { name, port } of servers) {
            if (port === undefined || this.#byPort.has(port)) continue;
            const server = createServer(name);
            try {
                await listen(server, host, port);
                this.#byPort.set(port, { own: name, server });
                log.info({ server: name, port }, "listening for one server");
            } catch (error) {
                log.error({ server: name, port, err: error }, "port cannot be had");
            }
        }
    }

    /** Takes no new connections. */
    stop(): void {
        for (const server of this.#all()) server.close();
    }

    /** Ends all connections. */
    close(): void {
        for (const server of this.#all()) server.closeAllConnections();
    }

    #all(): http.Server[] {
        const own = [...this.#byPort.values()].map(({ server }) => server);
        return this.#main ? [this.#main, ...own] : own;
    }
}

/** Starts to listen. */
export async function listen(
    server: http.Server,
    host: string,
    port: number,
): Promise<AddressInfo> {
    server.listen(port, host);
    await once(server, "listening");
    return server.address() as AddressInfo;
}

async function close(server: http.Server): Promise<void> {
    const closed = once(server, "close");
    server.close();
    server.closeAllConnections();
    await closed;
}
