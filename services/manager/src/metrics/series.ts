/** Metrics that are a view of some state: every scrape sets all series anew, so that what is gone has none. */
import { Counter, Gauge, type Registry } from "prom-client";

export type Labels = Readonly<Record<string, string>>;

/** One series; without `value` it is left out: what is not known is not zero. */
export interface Series {
    readonly labels: Labels;
    readonly value: number | undefined;
}

export interface ViewOptions {
    readonly name: string;
    readonly help: string;
    readonly labels: readonly string[];
    /** The series of this moment; must not wait. */
    readonly series: () => Iterable<Series>;
}

/** Registers a gauge whose series are read at every scrape. */
export function gauge(registry: Registry, { name, help, labels, series }: ViewOptions): void {
    new Gauge({
        name,
        help,
        labelNames: [...labels],
        registers: [registry],
        collect() {
            this.reset();
            for (const { labels, value } of known(series())) this.set(labels, value);
        },
    });
}

/** As `gauge`, for what only grows, and is counted elsewhere. */
export function counter(registry: Registry, { name, help, labels, series }: ViewOptions): void {
    new Counter({
        name,
        help,
        labelNames: [...labels],
        registers: [registry],
        collect() {
            this.reset();
            for (const { labels, value } of known(series())) this.inc(labels, value);
        },
    });
}

function* known(series: Iterable<Series>): Iterable<{ labels: Labels; value: number }> {
    for (const { labels, value } of series) {
        if (value !== undefined && Number.isFinite(value)) yield { labels, value };
    }
}
