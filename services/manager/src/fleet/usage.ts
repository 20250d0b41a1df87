/** From Docker's running totals to what a container uses at the moment. */
import type { ContainerStats } from "dockerode";

import type { ContainerView } from "../model.ts";

/** Totals of one container at one time, to compare the next ones with. */
export interface Totals {
    readonly cpuNanoseconds: number;
    readonly atMs: number;
}

/**
 * Usage since the totals before; without them, or after a restart, which begins at zero again, it is not known yet.
 *
 * @returns the totals for next time as well
 */
export function usageOf(
    stats: ContainerStats,
    before: Totals | undefined,
): { usage: ContainerView["usage"]; totals: Totals } {
    const totals = {
        cpuNanoseconds: stats.cpu_stats.cpu_usage.total_usage,
        atMs: Date.parse(stats.read),
    };
    const passedMs = before ? totals.atMs - before.atMs : 0;
    const used = before ? totals.cpuNanoseconds - before.cpuNanoseconds : -1;
    if (!(passedMs > 0) || used < 0) return { usage: undefined, totals };
    return {
        usage: {
            memoryBytes: memoryOf(stats.memory_stats),
            cpus: used / 1e6 / passedMs,
            pids: stats.pids_stats?.current ?? 0,
            at: new Date(totals.atMs).toISOString(),
        },
        totals,
    };
}

/** Memory without the page cache the kernel can take back, as `docker stats` shows it. */
function memoryOf(memory: Partial<ContainerStats["memory_stats"]>): number {
    const { inactive_file: v2, total_inactive_file: v1 } = memory.stats ?? {};
    return Math.max(0, (memory.usage ?? 0) - (v1 ?? v2 ?? 0));
}
