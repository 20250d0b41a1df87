/** The reporter's own service on the agent, with a TTL check that lapses when it stops reporting. */
import { ConsulError, type Consul } from "./consul.ts";
import type { Contact } from "./contact.ts";
import { pause } from "./deadline.ts";
import type { Logger } from "./log.ts";

export interface LivenessOptions {
    readonly consul: Consul;
    readonly contact: Contact;
    readonly log: Logger;
    /** Name and id of the service. */
    readonly service: string;
    readonly address: string;
    /** From one sign of life to the next. */
    readonly beatMs: number;
}

const FIRST_MS = 250;
const RETRY_MS = 1_000;
const TTL = "15s";
const DEREGISTER_AFTER = "10m";
const GOODBYE_MS = 3_000;

export class Liveness {
    readonly #options: LivenessOptions;
    readonly #stopped = new AbortController();
    #registered = false;

    constructor(options: LivenessOptions) {
        this.#options = options;
    }

    /** Registers, and says "alive" as long as it is true, until stopped. */
    async run(): Promise<void> {
        const { signal } = this.#stopped;
        const { beatMs } = this.#options;
        // The first answers are about to come; then the service starts out as passing.
        await pause(Math.min(FIRST_MS, beatMs), signal);
        while (!signal.aborted) {
            const done = await this.#beat();
            await pause(done ? beatMs : Math.min(RETRY_MS, beatMs), signal);
        }
    }

    /** Takes the service off the agent; gives up after three seconds. */
    async goodbye(): Promise<void> {
        this.#stopped.abort();
        const { consul, service, log } = this.#options;
        const path = `/v1/agent/service/deregister/${encodeURIComponent(service)}`;
        try {
            await consul.write(path, {}, AbortSignal.timeout(GOODBYE_MS), "here");
        } catch (error) {
            if (!(error instanceof ConsulError)) throw error;
            log.warn({ reason: error.message }, "could not deregister; the TTL will do it");
        }
    }

    /** Returns whether there is nothing to be done before the next beat. */
    async #beat(): Promise<boolean> {
        const { contact } = this.#options;
        try {
            const alive = contact.problem("own service") === undefined;
            if (!this.#registered) await this.#register(alive);
            // Not alive: nothing is said, and the TTL tells everybody.
            else if (alive) await this.#pass();
            else return false;
            contact.ok("own service");
            return alive;
        } catch (error) {
            if (!(error instanceof ConsulError)) throw error;
            if (this.#stopped.signal.aborted) return true;
            const forgotten = error.trouble === "refused";
            if (forgotten && this.#registered) {
                this.#registered = false;
                return this.#beat();
            }
            contact.trouble("own service", error);
            return false;
        }
    }

    get #checkId(): string {
        return `service:${this.#options.service}`;
    }

    async #register(alive: boolean): Promise<void> {
        const { consul, service, address, log } = this.#options;
        const body = {
            ID: service,
            Name: service,
            Address: address,
            Check: {
                CheckID: this.#checkId,
                Name: "reports health",
                TTL,
                Status: alive ? "passing" : "critical",
                DeregisterCriticalServiceAfter: DEREGISTER_AFTER,
            },
        };
        const path = "/v1/agent/service/register?replace-existing-checks=true";
        await consul.write(path, body, this.#stopped.signal, "here");
        this.#registered = true;
        log.info({ service }, "registered on the agent");
    }

    async #pass(): Promise<void> {
        const { consul } = this.#options;
        const path = `/v1/agent/check/pass/${encodeURIComponent(this.#checkId)}`;
        await consul.write(path, {}, this.#stopped.signal, "here");
    }
}
