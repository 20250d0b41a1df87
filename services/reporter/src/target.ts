/** Probes one service again and again until it is told to stop. */
import type { LimitFunction } from "p-limit";

import type { Report } from "./catalog.ts";
import { Deadline, pause } from "./deadline.ts";
import { Judge, type Finding, type Timing } from "./judge.ts";
import type { Probe, Success } from "./probe.ts";
import { reasonOf } from "./reasons.ts";

export interface TargetOptions {
    readonly probe: Probe;
    readonly timing: Timing;
    /** Bounds how many probes are being started at once. */
    readonly slots: LimitFunction;
    readonly onReport: (report: Report) => void;
    readonly onTools: (tools: number) => void;
}

/**
 * How long a probe holds its slot. What takes longer is waiting, which costs nothing; if it went on
 * holding the slot, a few servers that hang would keep all others waiting.
 */
const HOLD_MS = 100;

export class Target {
    readonly #options: TargetOptions;
    readonly #stopped = new AbortController();

    constructor(options: TargetOptions) {
        this.#options = options;
    }

    /** Probes until `stop`. */
    async run(): Promise<void> {
        const { timing, slots, onReport, onTools } = this.#options;
        const { signal } = this.#stopped;
        const judge = new Judge(timing);
        let { deadlineMs } = timing;
        while (!signal.aborted) {
            let tookMs = 0;
            let probing: Promise<Finding & { tools?: number }> | undefined;
            await slots(async () => {
                const begun = performance.now();
                probing = this.#once(deadlineMs).finally(() => {
                    tookMs = performance.now() - begun;
                });
                await Promise.race([probing, pause(HOLD_MS, signal)]);
            });
            const finding = await probing;
            if (signal.aborted || !finding) return;
            const ruling = judge.rule(finding, tookMs);
            if (ruling.report) onReport(ruling.report);
            if (finding.tools !== undefined) onTools(finding.tools);
            deadlineMs = ruling.deadlineMs;
            await pause(ruling.pauseMs, signal);
        }
    }

    /** Ends the probing at once, and whatever conversation it was part of. */
    async stop(): Promise<void> {
        this.#stopped.abort();
        await this.#options.probe.close();
    }

    async #once(deadlineMs: number): Promise<Finding & { tools?: number }> {
        const { probe, timing } = this.#options;
        const deadline = new Deadline(deadlineMs, this.#stopped.signal);
        try {
            const success: Success = await probe.run(deadline.signal);
            return { kind: "works", ...success };
        } catch (error) {
            if (!deadline.passed) {
                return { kind: "failed", reason: `${probe.step}: ${reasonOf(error)}` };
            }
            const seconds = timing.deadlineMs / 1000;
            return { kind: "late", reason: `${probe.step}: deadline of ${seconds} s passed` };
        } finally {
            deadline.clear();
        }
    }
}
