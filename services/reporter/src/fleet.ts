/** One target per service of the node: started, replaced and stopped as the catalog changes. */
import pLimit from "p-limit";

import type { CatalogService, Report } from "./catalog.ts";
import type { Timing } from "./judge.ts";
import type { Logger } from "./log.ts";
import { probeFor, probeKey } from "./probe.ts";
import type { McpIdentity } from "./settings.ts";
import { Target } from "./target.ts";

export interface FleetOptions {
    readonly timing: Timing;
    readonly tlsCa: string | undefined;
    readonly mcpIdentity: McpIdentity | undefined;
    readonly log: Logger;
    readonly onReport: (id: string, report: Report) => void;
    readonly onTools: (id: string, tools: number) => void;
}

/** Probes started within one hold time; more than this at once only get in each other's way. */
const STARTS_AT_ONCE = 32;

export class Fleet {
    readonly #options: FleetOptions;
    readonly #targets = new Map<string, { key: string; target: Target; last?: string }>();
    readonly #slots = pLimit(STARTS_AT_ONCE);

    constructor(options: FleetOptions) {
        this.#options = options;
    }

    /** Makes the targets those of these services. */
    follow(services: readonly CatalogService[]): void {
        const present = new Set(services.map(({ id }) => id));
        for (const id of this.#targets.keys()) {
            if (present.has(id)) continue;
            this.#end(id);
            this.#options.log.info({ service: id }, "service is gone");
        }
        for (const service of services) {
            const key = probeKey(service);
            if (this.#targets.get(service.id)?.key === key) continue;
            const known = this.#targets.has(service.id);
            this.#end(service.id);
            this.#begin(service, key);
            const { address, port, meta } = service;
            this.#options.log.info(
                { service: service.id, address, port, protocol: meta.protocol ?? "tcp" },
                known ? "service changed" : "service found",
            );
        }
    }

    /** Ends all probing and closes what is open. */
    async stop(): Promise<void> {
        const targets = [...this.#targets.values()];
        this.#targets.clear();
        await Promise.allSettled(targets.map(({ target }) => target.stop()));
    }

    #begin(service: CatalogService, key: string): void {
        const { timing, tlsCa, mcpIdentity, onTools } = this.#options;
        const { id } = service;
        const target = new Target({
            probe: probeFor(service, { tlsCa, mcpIdentity }),
            timing,
            slots: this.#slots,
            onReport: (report) => this.#report(id, target, report),
            onTools: (tools) => onTools(id, tools),
        });
        this.#targets.set(id, { key, target });
        void target.run();
    }

    #end(id: string): void {
        void this.#targets.get(id)?.target.stop();
        this.#targets.delete(id);
    }

    #report(id: string, target: Target, report: Report): void {
        const entry = this.#targets.get(id);
        if (entry?.target !== target) return;
        const { log, onReport } = this.#options;
        const line = `${report.status}: ${report.output}`;
        if (entry.last !== line) {
            entry.last = line;
            const level = report.status === "passing" ? "info" : "warn";
            log[level]({ service: id, output: report.output }, report.status);
        }
        onReport(id, report);
    }
}
