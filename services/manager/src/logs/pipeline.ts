/** Keeps a follower on the log of every container of the fleet, and the files within their limits. */
import type Docker from "dockerode";
import type { Logger } from "pino";

import type { ContainerView, Fleet } from "../model.ts";
import { isLogName } from "./files.ts";
import { followContainer, type Outcome } from "./follower.ts";
import type { LogLimits } from "./limits.ts";
import { sweep } from "./retention.ts";
import { PipelineStats, type LogStats } from "./stats.ts";

export interface LogPipelineOptions {
    readonly docker: Pick<Docker, "getContainer">;
    readonly fleet: Fleet;
    /** Folder of the log files; made when it is missing. */
    readonly dir: string;
    readonly limits: LogLimits;
    readonly log: Logger;
}

interface Following {
    readonly id: string;
    /** What of the container this follower read: it is not read again before it has started anew. */
    readonly startedAt: string | undefined;
    readonly begun: number;
    readonly stop: AbortController;
    done: Promise<void>;
    outcome: Outcome | undefined;
    leaving: NodeJS.Timeout | undefined;
}

/** The fleet is looked at this often even without an event, and a stream that ended by itself is opened again. */
const RECONCILE_MS = 1_000;
const SWEEP_MS = 60_000;
/** How long the log of a container that is gone is waited for: what it wrote last is on its way. */
const LEAVE_MS = 10_000;

export class LogPipeline {
    /** Live counters. */
    readonly stats: LogStats;
    readonly #options: LogPipelineOptions;
    readonly #following = new Map<string, Following>();
    readonly #stats = new PipelineStats();
    readonly #refused = new Set<string>();
    /** Containers whose last write failed. */
    readonly #failing = new Set<string>();
    readonly #timers: NodeJS.Timeout[] = [];
    #unsubscribe: (() => void) | undefined;
    #sweeping: Promise<void> = Promise.resolve();
    #sweepWanted = false;

    constructor(options: LogPipelineOptions) {
        this.#options = options;
        this.stats = this.#stats;
    }

    /** Begins to follow; returns at once. To be called once. */
    start(): void {
        const { fleet } = this.#options;
        this.#unsubscribe = fleet.onEvent(() => this.#reconcile());
        this.#timers.push(
            setInterval(() => this.#reconcile(), RECONCILE_MS),
            setInterval(() => this.#sweep(), SWEEP_MS),
        );
        this.#sweep();
        this.#reconcile();
    }

    /** Resolves when everything read so far is in the files and these are closed. */
    async stop(): Promise<void> {
        this.#unsubscribe?.();
        this.#timers.forEach(clearInterval);
        for (const { stop, leaving } of this.#following.values()) {
            clearTimeout(leaving);
            stop.abort();
        }
        await Promise.all([...this.#following.values()].map(({ done }) => done));
        await this.#sweeping;
    }

    #reconcile(): void {
        const { daemon, containers } = this.#options.fleet.snapshot;
        const present = new Set<string>();
        for (const container of containers) {
            // One that was never started, like a carrier of secrets, has no log.
            if (container.state === "created" || !this.#isUsable(container.name)) continue;
            present.add(container.name);
            this.#follow(container);
        }
        // Without the daemon the list says nothing about who is gone.
        if (!daemon.reachable) return;
        for (const [name, following] of this.#following) {
            if (present.has(name)) continue;
            if (following.outcome === undefined) this.#leave(following);
            else {
                this.#following.delete(name);
                this.#stats.containers.delete(name);
            }
        }
    }

    #follow(container: ContainerView): void {
        const { id, name, startedAt, state } = container;
        const last = this.#following.get(name);
        if (last !== undefined) {
            if (last.outcome === undefined) {
                if (last.id !== id) this.#leave(last);
                return;
            }
            const same = last.id === id && last.startedAt === startedAt;
            const endedEarly =
                last.outcome === "ended" &&
                state === "running" &&
                performance.now() - last.begun > RECONCILE_MS;
            if (same && !endedEarly) return;
        }
        this.#begin(id, name, startedAt);
    }

    #begin(id: string, name: string, startedAt: string | undefined): void {
        const { docker, dir, limits, log } = this.#options;
        const stats = this.#stats.of(name);
        this.#stats.following++;
        const stop = new AbortController();
        const following: Following = {
            id,
            startedAt,
            begun: performance.now(),
            stop,
            done: Promise.resolve(),
            outcome: undefined,
            leaving: undefined,
        };
        const onRotated = () => this.#sweep();
        const onDisk = (failure: Error | undefined) => this.#onDisk(name, failure);
        following.done = followContainer(
            { docker, id, name, dir, limits, stats, log, onRotated, onDisk },
            stop.signal,
        ).then((outcome) => {
            clearTimeout(following.leaving);
            following.outcome = outcome;
            this.#stats.following--;
            this.#onDisk(name, undefined);
        });
        this.#following.set(name, following);
    }

    /** One file has one writer: whoever comes next waits until the last one has read all, or this long. */
    #leave(following: Following): void {
        following.leaving ??= setTimeout(() => following.stop.abort(), LEAVE_MS);
    }

    #isUsable(name: string): boolean {
        if (isLogName(name)) return true;
        if (!this.#refused.has(name)) {
            this.#refused.add(name);
            this.#options.log.warn(
                { container: name },
                "log is not kept: the name cannot be a file name; rename the container",
            );
        }
        return false;
    }

    /** Told once for all containers: a full disk fails every one of them, again and again. */
    #onDisk(name: string, failure: Error | undefined): void {
        const { log } = this.#options;
        if (failure) this.#failing.add(name);
        else this.#failing.delete(name);
        const failing = this.#failing.size > 0;
        if (failing === this.#stats.writeFailing) return;
        this.#stats.writeFailing = failing;
        if (failure) {
            const remedy =
                "logs wait in Docker; make room or see to the volume, it goes on by itself";
            log.error({ reason: failure.message, remedy }, "logs cannot be written");
            this.#sweep();
        } else log.info("logs are written again");
    }

    /** At most one sweep at a time, and one more after it for what came meanwhile. */
    #sweep(): void {
        if (this.#sweepWanted) return;
        this.#sweepWanted = true;
        const { dir, limits, log } = this.#options;
        this.#sweeping = this.#sweeping.then(async () => {
            this.#sweepWanted = false;
            try {
                this.#stats.storedBytes = await sweep(dir, limits, (name) =>
                    this.#following.has(name),
                );
            } catch (error) {
                log.warn({ reason: (error as Error).message }, "old logs cannot be removed");
            }
        });
    }
}
