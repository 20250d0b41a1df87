/** From single findings to a verdict: a blip is not an outage, and an outage is not a matter of minutes. */
import type { Report } from "./catalog.ts";

/** What one probe found. */
export type Finding =
    | { readonly kind: "works"; readonly output: string }
    | { readonly kind: "failed"; readonly reason: string }
    | { readonly kind: "late"; readonly reason: string };

/** Every time that decides how soon the truth is told. */
export interface Timing {
    /** From one probe of a service to the next, start to start. */
    readonly intervalMs: number;
    /** Limit of one probe. */
    readonly deadlineMs: number;
    /** From the first failure to the second try. */
    readonly confirmMs: number;
    /** A failure that took longer is no blip and counts at once: a second one would come too late. */
    readonly quickMs: number;
}

/** What follows from a finding. */
export interface Ruling {
    /** Undefined while a first failure waits for the second. */
    readonly report: Report | undefined;
    /** When to probe again, counted from now. */
    readonly pauseMs: number;
    /** How long that probe may take. */
    readonly deadlineMs: number;
}

/**
 * Judges one service's findings in a row. A quick failure counts at the second in succession, one that
 * used up its deadline at once; a single success ends an outage. With the interval, everything is
 * known within interval + deadline of its beginning.
 */
export class Judge {
    readonly #timing: Timing;
    #last: Report | undefined;
    #doubted = false;

    constructor(timing: Timing) {
        this.#timing = timing;
    }

    /**
     * Rules on a finding.
     *
     * @param tookMs how long the probe took
     */
    rule(finding: Finding, tookMs: number): Ruling {
        const { intervalMs, deadlineMs, confirmMs, quickMs } = this.#timing;
        if (finding.kind === "works") {
            this.#doubted = false;
            return this.#settled({ status: "passing", output: finding.output }, tookMs);
        }
        const blip = finding.kind === "failed" && tookMs <= quickMs;
        if (blip && !this.#doubted && this.#last?.status !== "critical") {
            this.#doubted = true;
            // The second try has what the first has left, so that both together keep the deadline.
            const rest = deadlineMs - tookMs - confirmMs;
            return {
                report: undefined,
                pauseMs: Math.min(confirmMs, intervalMs),
                deadlineMs: Math.max(rest, deadlineMs / 2),
            };
        }
        this.#doubted = false;
        const report: Report = { status: "critical", output: finding.reason };
        // A reason that differs in numbers only (a time, a request's id) is not worth a write.
        const same =
            this.#last?.status === "critical" &&
            stable(this.#last.output) === stable(report.output);
        return this.#settled(same && this.#last ? this.#last : report, tookMs);
    }

    #settled(report: Report, tookMs: number): Ruling {
        this.#last = report;
        const { intervalMs, deadlineMs } = this.#timing;
        // Jitter only ever shortens: the interval is a promise.
        const interval = intervalMs * (0.85 + 0.15 * Math.random());
        return { report, pauseMs: Math.max(interval - tookMs, 0), deadlineMs };
    }
}

function stable(text: string): string {
    // The status of an HTTP answer is not such a number.
    return text.replace(/(?<!HTTP )\b(?=[0-9a-f-]*\d)[0-9a-f][0-9a-f-]*\b/gi, "#");
}
