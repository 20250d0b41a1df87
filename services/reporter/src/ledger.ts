/**
 * Keeps the checks in the catalog equal to what the probes found. The catalog as last seen is compared
 * with the reports on every news from either side; a difference is written, whoever made it.
 */
import pLimit from "p-limit";

import {
    checkRegistration,
    NOT_REPORTED,
    type CatalogCheck,
    type CatalogService,
    type Place,
    type Report,
} from "./catalog.ts";
import { ConsulError, type Consul } from "./consul.ts";
import type { Contact } from "./contact.ts";
import { pause } from "./deadline.ts";
import type { Logger } from "./log.ts";
import { backoff, type Seen } from "./watch.ts";

export interface LedgerOptions {
    readonly consul: Consul;
    readonly contact: Contact;
    readonly log: Logger;
    readonly place: Place;
    /** Definition for checks that are not there: how often they are looked at and for how long. */
    readonly definition: Readonly<Record<string, unknown>>;
    /** Asks for a view of the checks that is newer than that; called when the last may be too old. */
    readonly askChecks: (since: number) => void;
}

interface Entry {
    service: CatalogService;
    /** A view of the checks asked for before this may not know the check as it is. */
    unsureUntil: number;
    /** What the probes say; undefined before the first verdict. */
    report: Report | undefined;
    /** The check as the catalog has it, as far as is known. */
    check: CatalogCheck | undefined;
}

const WRITES_AT_ONCE = 4;

export class Ledger {
    readonly #options: LedgerOptions;
    readonly #entries = new Map<string, Entry>();
    readonly #writing = new Set<string>();
    readonly #slots = pLimit(WRITES_AT_ONCE);
    readonly #stopped = new AbortController();
    #checksAskedAt = Number.NEGATIVE_INFINITY;
    #checks: ReadonlyMap<string, CatalogCheck> = new Map();
    /** Counts the views of the checks, to notice one that came while a write was under way. */
    #view = 0;
    #failures = 0;

    constructor(options: LedgerOptions) {
        this.#options = options;
    }

    /** The services as the catalog has them now. */
    seeServices(services: readonly CatalogService[]): void {
        const present = new Map(services.map((service) => [service.id, service]));
        for (const id of this.#entries.keys()) if (!present.has(id)) this.#entries.delete(id);
        for (const [id, service] of present) {
            const entry = this.#entries.get(id);
            if (entry) {
                entry.service = service;
            } else {
                this.#entries.set(id, {
                    service,
                    unsureUntil: performance.now(),
                    report: undefined,
                    check: this.#checks.get(id),
                });
            }
            this.#settle(id);
        }
        this.#noteIdle();
    }

    /** The checks as the catalog has them now. */
    seeChecks({ value, askedAt }: Seen<ReadonlyMap<string, CatalogCheck>>): void {
        this.#view++;
        this.#checks = value;
        this.#checksAskedAt = askedAt;
        for (const [id, entry] of this.#entries) {
            entry.check = value.get(id);
            this.#settle(id);
        }
    }

    /** A verdict on a service. */
    report(id: string, report: Report): void {
        const entry = this.#entries.get(id);
        if (!entry) return;
        entry.report = report;
        this.#settle(id);
    }

    /** How many services there are, and how many of them are critical or not reported yet. */
    get counts(): { services: number; critical: number } {
        const entries = [...this.#entries.values()];
        const critical = entries.filter(({ report }) => report?.status !== "passing").length;
        return { services: entries.length, critical };
    }

    /** Writes nothing more. */
    stop(): void {
        this.#stopped.abort();
    }

    /** What has to be written for an entry; undefined when the catalog is right. */
    #wanted({ service, unsureUntil, report, check }: Entry): Report | "ask first" | undefined {
        if (report === undefined && check !== undefined) return undefined;
        const wanted = report ?? NOT_REPORTED;
        const right =
            check?.status === wanted.status &&
            check.output === wanted.output &&
            check.serviceId === service.id;
        if (right) return undefined;
        // Service and check are registered together but seen apart, and a view may be older than the
        // write it arrives after: asking again costs less than a write for nothing.
        return this.#checksAskedAt < unsureUntil ? "ask first" : wanted;
    }

    #settle(id: string): void {
        const entry = this.#entries.get(id);
        if (!entry || this.#writing.has(id) || this.#stopped.signal.aborted) return;
        const wanted = this.#wanted(entry);
        if (wanted === undefined) return;
        if (wanted === "ask first") {
            this.#options.askChecks(entry.unsureUntil);
            return;
        }
        this.#writing.add(id);
        void this.#slots(() => this.#write(id)).finally(() => {
            this.#writing.delete(id);
            // What came meanwhile; a failed write has waited by now.
            this.#settle(id);
            this.#noteIdle();
        });
    }

    async #write(id: string): Promise<void> {
        const entry = this.#entries.get(id);
        const wanted = entry && this.#wanted(entry);
        if (!entry || wanted === undefined || wanted === "ask first") return;
        const { consul, contact, place, definition } = this.#options;
        const { service, check } = entry;
        const body = checkRegistration(place, service, wanted, check, definition);
        const view = this.#view;
        try {
            await consul.write("/v1/catalog/register", body, this.#stopped.signal);
            contact.ok("writes");
            this.#failures = 0;
            entry.unsureUntil = performance.now();
            // A view that came meanwhile may be older or newer than the write: one has to look again.
            if (view === this.#view) entry.check = asWritten(service, wanted, body);
        } catch (error) {
            if (!(error instanceof ConsulError)) throw error;
            await this.#afterFailure(id, error);
        }
    }

    async #afterFailure(id: string, error: ConsulError): Promise<void> {
        const { contact, log } = this.#options;
        const { signal } = this.#stopped;
        if (signal.aborted) return;
        if (error.trouble === "refused") {
            // The service has just gone; the watch will say so.
            log.debug({ service: id, reason: error.message }, "check not accepted");
        } else {
            contact.trouble("writes", error);
        }
        await pause(backoff(this.#failures++), signal);
    }

    /** Nothing left to write: whatever kept a write from succeeding no longer matters. */
    #noteIdle(): void {
        if (this.#writing.size > 0) return;
        if (this.#entries.size > 0) this.#options.contact.ok("writes");
    }
}

/** The check as the next view will show it. */
function asWritten(
    service: CatalogService,
    report: Report,
    { Check }: Readonly<Record<string, unknown>>,
): CatalogCheck {
    const raw = Check as Readonly<Record<string, unknown>>;
    return { id: String(raw.CheckID), serviceId: service.id, ...report, raw };
}
