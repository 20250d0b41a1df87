/** How Consul and the reporter get on: one log line per change, one verdict for /healthz and the TTL. */
import type { ConsulError } from "./consul.ts";
import type { Logger } from "./log.ts";

/** What the reporter does with Consul; each fails and recovers by itself. */
export type Channel = "services" | "checks" | "writes" | "own service";

interface Standing {
    /** When it last worked. */
    okAt: number;
    /** What is wrong since. */
    error: ConsulError | undefined;
    /** Since when it has been refused, without anything else in between. */
    deniedAt: number | undefined;
}

/** The times that decide what counts, in milliseconds. */
export interface Patience {
    /** What Consul said longer ago proves nothing. */
    readonly freshMs: number;
    /** A Consul that starts knows no token at first: only a refusal that lasts is meant. */
    readonly denialMs: number;
}

type Mood = "new" | "ok" | "unreachable" | "denied";

const READS: readonly Channel[] = ["services", "checks"];
const REMEDY = "run ./mcp up";

export class Contact {
    readonly #channels = new Map<Channel, Standing>();
    readonly #log: Logger;
    readonly #patience: Patience;
    #mood: Mood = "new";

    constructor(log: Logger, patience: Patience) {
        this.#log = log;
        this.#patience = patience;
    }

    /** A request of that kind worked, or nothing of that kind is left to do. */
    ok(channel: Channel): void {
        this.#channels.set(channel, {
            okAt: performance.now(),
            error: undefined,
            deniedAt: undefined,
        });
        this.#say();
    }

    /** A request of that kind failed. */
    trouble(channel: Channel, error: ConsulError): void {
        const before = this.#channels.get(channel);
        const okAt = before?.okAt ?? Number.NEGATIVE_INFINITY;
        const denied = error.trouble === "denied" && (READS.includes(channel) || this.#judges());
        const deniedAt = denied ? (before?.deniedAt ?? performance.now()) : undefined;
        this.#channels.set(channel, { okAt, error, deniedAt });
        this.#say();
    }

    /**
     * Why nobody should rely on the reporter now; undefined when all is well.
     *
     * @param except what not to judge by
     */
    problem(except?: Channel): string | undefined {
        const now = performance.now();
        const denied = this.#refused(except);
        if (denied) return refusal(denied);
        for (const channel of READS) {
            const standing = this.#channels.get(channel);
            const why = standing?.error ? `: ${standing.error.message}` : "";
            if (!standing || standing.okAt === Number.NEGATIVE_INFINITY) {
                return `Consul has not answered yet${why}`;
            }
            const age = now - standing.okAt;
            if (age > this.#patience.freshMs)
                return `no answer from Consul for ${Math.round(age / 1000)} s${why}`;
        }
        const writes = this.#channels.get("writes");
        if (writes?.error) return `cannot write to Consul: ${writes.error.message}`;
        return undefined;
    }

    /** What Consul has refused for long enough to be meant. */
    #refused(except?: Channel): ConsulError | undefined {
        const until = performance.now() - this.#patience.denialMs;
        for (const [channel, { error, deniedAt }] of this.#channels) {
            const meant = deniedAt !== undefined && deniedAt <= until;
            if (channel !== except && meant) return error;
        }
        return undefined;
    }

    /** Whether what Consul says of the token counts: not while it has no leader or not all its data. */
    #judges(): boolean {
        return READS.every((read) => !this.#channels.get(read)?.error);
    }

    #say(): void {
        const errors = [...this.#channels.values()].flatMap(({ error }) => error ?? []);
        const denied = this.#refused();
        const worst = errors.find(({ trouble }) => trouble !== "denied");
        // A refusal that may yet pass changes nothing.
        if (!denied && !worst && errors.length > 0) return;
        const mood = denied ? "denied" : worst ? "unreachable" : "ok";
        if (mood === this.#mood) return;
        const before = this.#mood;
        this.#mood = mood;
        if (denied) {
            this.#log.error({ reason: denied.message }, refusal(denied));
        } else if (worst) {
            this.#log.warn({ reason: worst.message }, "Consul does not answer; probing goes on");
        } else {
            this.#log.info(before === "new" ? "Consul answers" : "Consul answers again");
        }
    }
}

function refusal({ message }: ConsulError): string {
    return `Consul refuses the token of REPORTER_CONSUL_TOKEN_FILE; ${REMEDY} (${message})`;
}
