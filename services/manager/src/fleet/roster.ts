/** The containers as they are known, with what is counted over their restarts. */
import type { ContainerView } from "../model.ts";
import type { Totals } from "./usage.ts";
import type { Endpoint, Inspected } from "./view.ts";

/** One container, by its name: a new one of the same name goes on with the counts. */
export interface Entry {
    inspected: Inspected;
    /** What the list said when it was inspected; another text is a reason to inspect again. */
    listed: string;
    inspectedAtMs: number;
    /** Restarts and out-of-memory kills before this manager saw it first. */
    readonly restartsBefore: number;
    /** Start events since. */
    starts: number;
    oomKills: number;
    totals: Totals | undefined;
    usage: ContainerView["usage"];
    mcp: ContainerView["mcp"];
}

/** What inspections tell changes rarely without an event; this makes up for those that do. */
const INSPECT_AGAIN_MS = 30_000;

export class Roster {
    readonly #entries = new Map<string, Entry>();

    get(name: string): Entry | undefined {
        return this.#entries.get(name);
    }

    /** Names of what runs. */
    get running(): string[] {
        return [...this.#entries.values()]
            .filter(({ inspected }) => inspected.shown.state === "running")
            .map(({ inspected }) => inspected.shown.name);
    }

    /** Whether the container has to be inspected again. */
    isStale(name: string, listed: string): boolean {
        const entry = this.#entries.get(name);
        if (entry?.listed !== listed) return true;
        return performance.now() - entry.inspectedAtMs > INSPECT_AGAIN_MS;
    }

    /** Marks a container so that it is inspected at the next sample. */
    doubt(name: string): void {
        const entry = this.#entries.get(name);
        if (entry) entry.listed = "";
    }

    /** Takes up an inspection. */
    put(inspected: Inspected, listed: string): void {
        const seen = { inspected, listed, inspectedAtMs: performance.now() };
        const entry = this.#entries.get(inspected.shown.name);
        if (entry) {
            const sameRun = runOf(entry.inspected) === runOf(inspected);
            Object.assign(entry, seen, sameRun ? {} : { usage: undefined, totals: undefined });
            if (inspected.shown.state !== "running") entry.mcp = undefined;
            return;
        }
        this.#entries.set(inspected.shown.name, {
            ...seen,
            restartsBefore: inspected.restartCount,
            starts: 0,
            oomKills: inspected.oomKilled ? 1 : 0,
            totals: undefined,
            usage: undefined,
            mcp: undefined,
        });
    }

    /** Forgets all but these. */
    keep(names: ReadonlySet<string>): void {
        for (const name of this.#entries.keys()) {
            if (!names.has(name)) this.#entries.delete(name);
        }
    }

    /** Views of all, sorted by name. */
    views(): ContainerView[] {
        return [...this.#entries.values()].sort(byName).map(viewOf);
    }

    /** Servers that run, with what tells one run of a container from the next. */
    servers(): Map<string, { readonly run: string; readonly endpoint: Endpoint }> {
        const found = [...this.#entries.values()].flatMap(({ inspected }) =>
            inspected.endpoint
                ? [
                      [
                          inspected.shown.name,
                          { run: runOf(inspected), endpoint: inspected.endpoint },
                      ] as const,
                  ]
                : [],
        );
        return new Map(found);
    }
}

function byName({ inspected: { shown: a } }: Entry, { inspected: { shown: b } }: Entry): number {
    return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}

function runOf({ shown: { id, startedAt } }: Inspected): string {
    return `${id} ${startedAt ?? ""}`;
}

function viewOf(entry: Entry): ContainerView {
    const { restartCount, shown } = entry.inspected;
    return {
        ...shown,
        // Events that were missed show in Docker's own count, which a restart by hand sets back to zero.
        restarts: Math.max(entry.restartsBefore + entry.starts, restartCount),
        oomKills: entry.oomKills,
        usage: entry.usage,
        mcp: entry.mcp,
    };
}
