import type { Step } from "../cli/engine/types";

import type { Phases } from "./floor";

export type Measure = "up" | "preview" | "change" | "down";

/** Seconds of every run, side by side. */
export interface Sample {
    readonly stack: number[];
    readonly floor: number[];
}

/** What one number of servers took. */
export interface Result {
    readonly servers: number;
    readonly samples: Readonly<Record<Measure, Sample>>;
    /** What the engine did in each bring-up. */
    readonly steps: readonly (readonly Step[])[];
    /** When each part of the floor's bring-ups was done. */
    readonly phases: readonly Phases[];
}

/** What is timed, and how many times the floor it may take; the aim for previews counts for three servers. */
export const MEASURES: Readonly<Record<Measure, { title: string; aim?: number }>> = {
    up: { title: "zero to healthy", aim: 1.5 },
    preview: { title: "no-op preview", aim: 2 },
    change: { title: "one server changed" },
    down: { title: "destroy" },
};

/** The middle value. */
export function median(values: readonly number[]): number {
    const sorted = [...values].sort((left, right) => left - right);
    const middle = Math.floor(sorted.length / 2);
    const [low, high] = [sorted[middle - 1] ?? NaN, sorted[middle] ?? NaN];
    return sorted.length % 2 === 0 ? (low + high) / 2 : high;
}

/** A Markdown table of medians, and where the time of the last bring-up went. */
export function report(results: readonly Result[]): string {
    const rows = results.flatMap(({ servers, samples }) =>
        (Object.keys(MEASURES) as Measure[]).map((measure) => {
            const { title, aim } = MEASURES[measure];
            const { stack, floor } = samples[measure];
            const ratio = median(stack) / median(floor);
            const counts = aim !== undefined && (measure !== "preview" || servers === 3);
            const verdict = counts ? `${ratio <= aim ? "met" : "missed"} (${String(aim)})` : "";
            return `| ${String(servers)} | ${title} | ${shown(stack)} | ${shown(floor)} | ${ratio.toFixed(2)} | ${verdict} |`;
        }),
    );
    return [
        "| servers | what | stack | floor | ratio | aim |",
        "|---|---|---|---|---|---|",
        ...rows,
        "",
        ...results.flatMap(profile),
        "",
    ].join("\n");
}

function shown(values: readonly number[]): string {
    const [low, high] = [Math.min(...values), Math.max(...values)];
    return `${median(values).toFixed(1)} s (${low.toFixed(1)}-${high.toFixed(1)})`;
}

/** The longest steps of the engine and the floor's phases, of the last bring-up. */
function profile({ servers, steps, phases }: Result): string[] {
    const slowest = [...(steps.at(-1) ?? [])]
        .filter((step) => step.operation === "create" && step.type.startsWith("docker:"))
        .sort((left, right) => (right.seconds ?? 0) - (left.seconds ?? 0))
        .slice(0, 12)
        .map((step) => `${step.name} ${(step.seconds ?? 0).toFixed(1)}`);
    const floor = Object.entries(phases.at(-1) ?? {}).map(
        ([phase, seconds]) => `${phase} ${seconds.toFixed(1)}`,
    );
    return [
        `${String(servers)} servers, last bring-up, seconds:`,
        `- stack, longest steps: ${slowest.join(", ")}`,
        `- floor, done after: ${floor.join(", ")}`,
    ];
}
