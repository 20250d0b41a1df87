/** Writes a server's number of tools into its registration, never over anybody else's change. */
import { TOOLS_KEY, toolsTransaction, type CatalogService, type Place } from "./catalog.ts";
import { ConsulError, type Consul } from "./consul.ts";
import type { Logger } from "./log.ts";

export class ToolCounts {
    readonly #consul: Consul;
    readonly #place: Place;
    readonly #log: Logger;
    readonly #writing = new Set<string>();
    readonly #stopped = new AbortController();
    #services: ReadonlyMap<string, CatalogService> = new Map();

    constructor(consul: Consul, place: Place, log: Logger) {
        this.#consul = consul;
        this.#place = place;
        this.#log = log;
    }

    /** The services as the catalog has them now. */
    seeServices(services: readonly CatalogService[]): void {
        this.#services = new Map(services.map((service) => [service.id, service]));
    }

    /**
     * Takes note of a probe's count. A write that fails or loses the race is not repeated here: the
     * next probe comes soon and knows better.
     */
    async note(id: string, tools: number): Promise<void> {
        const service = this.#services.get(id);
        if (!service || service.meta[TOOLS_KEY] === String(tools) || this.#writing.has(id)) return;
        this.#writing.add(id);
        try {
            const body = toolsTransaction(this.#place, service, tools);
            await this.#consul.write("/v1/txn", body, this.#stopped.signal);
            this.#log.info({ service: id, tools }, "number of tools noted");
        } catch (error) {
            if (!(error instanceof ConsulError)) throw error;
            // Said elsewhere where it matters: the checks go through the same Consul and token.
            this.#log.debug({ service: id, reason: error.message }, "number of tools not noted");
        } finally {
            this.#writing.delete(id);
        }
    }

    stop(): void {
        this.#stopped.abort();
    }
}
