/** The one source of state: asks the daemon in the background, listens to its events, probes the servers. */
import type Docker from "dockerode";
import type { ContainerInfo, DockerVersion } from "dockerode";
import type { Logger } from "pino";
import pLimit from "p-limit";

import { pause } from "../../../reporter/src/deadline.ts";
import type { Daemon } from "../daemon/daemon.ts";
import { DaemonError, troubleOf } from "../daemon/errors.ts";
import type { ContainerView, Fleet, ManagerEvent, Snapshot } from "../model.ts";
import { readDisks } from "./disks.ts";
import { followEvents, type DockerEvent } from "./docker-events.ts";
import { Journal } from "./journal.ts";
import { isSecretsCarrier } from "./labels.ts";
import { manifestsIn, nameOf } from "./listed.ts";
import { Prober } from "./prober.ts";
import { Roster } from "./roster.ts";
import { usageOf } from "./usage.ts";
import { inspectedOf } from "./view.ts";

export interface SamplerOptions {
    readonly daemon: Daemon;
    /** Time between two samples, in milliseconds; events bring them forward. */
    readonly sampleMs: number;
    /** Time between two questions to a server, in milliseconds. */
    readonly probeMs: number;
    /** Names of disks and a path on each. */
    readonly disks: Readonly<Record<string, string>>;
    /** Told after each sample which manifests there are of servers made through the API. */
    readonly onManifests: (texts: readonly string[]) => void;
    readonly log: Logger;
}

/**
 * Limit of a call of the sampler, in milliseconds. With the longest time between two samples it has to stay under the
 * 5 s after which a frozen daemon must be known.
 */
const CALL_MS = 2_500;
/** Less, as the list comes after it before a frozen daemon is known. */
const INSPECT_MS = 2_000;
const UNKNOWN_VERSION = "unknown";
const USAGE_MS = 5_000;
const DISKS_MS = 30_000;
const PROBE_DEADLINE_MS = 6_000;
/** Usage is asked one by one in so many lanes: counting a container's pages costs the daemon more than a list. */
const USAGE_LANES = 4;
/** Events come in bursts; one sample is enough for all of a burst. */
const BURST_MS = 50;

/** dockerode's own types leave the options out. */
type Versioned = Docker & { version(options: object): Promise<DockerVersion> };

export class Sampler implements Fleet {
    readonly #options: SamplerOptions;
    readonly #journal = new Journal();
    readonly #roster = new Roster();
    readonly #stopped = new AbortController();
    readonly #prober: Prober;
    #daemonState: Snapshot["daemon"];
    #disks: Snapshot["disks"] = [];
    #sampledAt = new Date().toISOString();
    #cached: Snapshot | undefined;
    /** Containers whose inspection failed last time. */
    readonly #unread = new Set<string>();
    #wake = new AbortController();
    #sampling: Promise<void> = Promise.resolve();

    constructor(options: SamplerOptions) {
        this.#options = options;
        const since = this.#sampledAt;
        this.#daemonState = { reachable: false, reason: "not asked yet", since };
        this.#prober = new Prober({
            intervalMs: options.probeMs,
            deadlineMs: PROBE_DEADLINE_MS,
            onAnswer: (name, answer) => this.#answered(name, answer),
        });
    }

    get snapshot(): Snapshot {
        this.#cached ??= {
            at: this.#sampledAt,
            daemon: this.#daemonState,
            containers: this.#roster.views(),
            disks: this.#disks,
            certificates: this.#options.daemon.expiries,
        };
        return this.#cached;
    }

    get recent(): readonly ManagerEvent[] {
        return this.#journal.recent;
    }

    onEvent(listener: (event: ManagerEvent) => void): () => void {
        return this.#journal.listen(listener);
    }

    /** Writes down something the manager itself did. */
    note(type: string, container: string, detail?: string): void {
        this.#journal.note(type, container, detail);
    }

    /** Begins to work in the background, until `stop`. */
    start(): void {
        const { daemon } = this.#options;
        const { signal } = this.#stopped;
        void this.#sampleLoop();
        void this.#loop(() => this.#readUsage(), USAGE_MS);
        void this.#loop(() => this.#readDisks(), DISKS_MS);
        const onEvent = (event: DockerEvent): void => this.#happened(event);
        void followEvents(daemon, signal, onEvent, () => this.#wake.abort());
    }

    stop(): void {
        this.#stopped.abort();
        this.#prober.stop();
    }

    /** Samples now; what is asked for while a sample is under way waits for one of its own. Never throws. */
    refresh(): Promise<void> {
        this.#sampling = this.#sampling.then(() => this.#sample());
        return this.#sampling;
    }

    async #sampleLoop(): Promise<void> {
        const { signal } = this.#stopped;
        while (!signal.aborted) {
            this.#wake = new AbortController();
            await this.refresh();
            await pause(this.#options.sampleMs, AbortSignal.any([signal, this.#wake.signal]));
            if (this.#wake.signal.aborted) await pause(BURST_MS, signal);
        }
    }

    async #loop(work: () => Promise<void>, everyMs: number): Promise<void> {
        const { signal } = this.#stopped;
        while (!signal.aborted) {
            await work();
            await pause(everyMs, signal);
        }
    }

    async #sample(): Promise<void> {
        const { daemon, log } = this.#options;
        if (this.#stopped.signal.aborted) return;
        if (daemon.refreshCertificate()) log.info("client certificate taken up");
        try {
            const found = await daemon.call(
                (docker, abort) => docker.listContainers({ all: true, ...abort }),
                CALL_MS,
                "samples",
            );
            await this.#takeUp(found);
        } catch (error) {
            if (!(error instanceof DaemonError)) log.error({ err: error }, "a sample failed");
            // Our own queue says nothing about the daemon.
            else if (error.trouble !== "busy") this.#lost(error.message);
        }
        this.#cached = undefined;
    }

    /** The list alone decides whether the daemon is there: nothing that fails from here on says so. */
    async #takeUp(found: readonly ContainerInfo[]): Promise<void> {
        const listed = found.filter(({ Labels }) => !isSecretsCarrier(Labels));
        await Promise.all(listed.map((info) => this.#inspect(info)));
        const names = new Set(listed.map(nameOf));
        this.#roster.keep(names);
        for (const name of this.#unread) if (!names.has(name)) this.#unread.delete(name);
        this.#prober.watch(this.#roster.servers());
        this.#options.onManifests(manifestsIn(listed));
        const state = this.#daemonState;
        if (!state.reachable || state.version === UNKNOWN_VERSION) await this.#back();
        this.#sampledAt = new Date().toISOString();
    }

    /** Inspects a container again if that is due; what is known of one stays when that fails. */
    async #inspect(info: ContainerInfo): Promise<void> {
        const { daemon, log } = this.#options;
        const name = nameOf(info);
        // "Up 5 minutes (healthy)" without what only counts the time.
        const health = /\((healthy|unhealthy|health: starting)\)/.exec(info.Status)?.[1];
        const listed = [info.Id, info.State, health].join(" ");
        if (!this.#roster.isStale(name, listed)) return;
        try {
            const found = await daemon.call(
                (docker, abort) => docker.getContainer(info.Id).inspect(abort),
                INSPECT_MS,
                "samples",
            );
            this.#roster.put(inspectedOf(found), listed);
            this.#unread.delete(name);
        } catch (error) {
            const trouble = troubleOf(error);
            // Gone since the list was made; the next one is without it.
            if (trouble === "not-found") return;
            // This one container, or the whole daemon: the next list tells, and comes at once.
            if (trouble === "timeout") this.#wake.abort();
            if (this.#unread.has(name)) return;
            this.#unread.add(name);
            log.warn({ container: name, err: error }, "a container cannot be inspected");
        }
    }

    async #back(): Promise<void> {
        const { daemon, log } = this.#options;
        const version = await daemon
            .call((docker, abort) => (docker as Versioned).version(abort), CALL_MS, "samples")
            .then(
                ({ Version }) => Version,
                () => UNKNOWN_VERSION,
            );
        const { reachable, since } = this.#daemonState;
        if (reachable) {
            this.#daemonState = { reachable, version, since };
            return;
        }
        this.#daemonState = { reachable: true, version, since: new Date().toISOString() };
        this.#journal.note("daemon-back", undefined, `Docker ${version}`);
        log.info({ version }, "the daemon answers");
    }

    #lost(reason: string): void {
        const { daemon } = this.snapshot;
        const first = daemon.reachable || this.#journal.recent.length === 0;
        const since = first ? new Date().toISOString() : daemon.since;
        this.#daemonState = { reachable: false, reason, since };
        if (!first) return;
        this.#journal.note("daemon-lost", undefined, reason);
        this.#options.log.warn({ reason }, "the daemon does not answer; trying again");
    }

    #happened({ action, container, attributes }: DockerEvent): void {
        const entry = this.#roster.get(container);
        this.#roster.doubt(container);
        const health = /^health_status: (.+)$/.exec(action)?.[1];
        if (action === "start" && entry?.inspected.shown.startedAt !== undefined) entry.starts++;
        if (action === "oom" && entry) entry.oomKills++;
        if (health) this.#journal.note("health", container, health);
        else if (action === "create") this.#journal.note("created", container);
        else if (action === "destroy") this.#journal.note("removed", container);
        else if (action === "die") {
            this.#journal.note("die", container, `exit code ${attributes.exitCode ?? "unknown"}`);
        } else this.#journal.note(action, container);
        this.#wake.abort();
    }

    #answered(name: string, answer: NonNullable<ContainerView["mcp"]>): void {
        const entry = this.#roster.get(name);
        if (!entry) return;
        const before = entry.mcp?.up;
        entry.mcp = answer;
        this.#cached = undefined;
        if (answer.up && before !== true) {
            this.#journal.note("mcp-up", name, counted(answer.tools.length, "tool"));
        }
        if (!answer.up && before === true) this.#journal.note("mcp-down", name, answer.reason);
    }

    async #readUsage(): Promise<void> {
        if (!this.#daemonState.reachable) return;
        const lanes = pLimit(USAGE_LANES);
        await Promise.all(this.#roster.running.map((name) => lanes(() => this.#readUsageOf(name))));
        this.#cached = undefined;
    }

    async #readUsageOf(name: string): Promise<void> {
        const entry = this.#roster.get(name);
        if (!entry) return;
        try {
            const stats = await this.#options.daemon.call(
                (docker, abort) =>
                    docker
                        .getContainer(entry.inspected.shown.id)
                        .stats({ stream: false, "one-shot": true, ...abort }),
                CALL_MS,
                "samples",
            );
            Object.assign(entry, usageOf(stats, entry.totals));
        } catch {
            // Whether the daemon is there is what the samples find out; what is old has its time beside it.
        }
    }

    async #readDisks(): Promise<void> {
        this.#disks = await readDisks(this.#options.disks);
        this.#cached = undefined;
    }
}

function counted(count: number, noun: string): string {
    return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
