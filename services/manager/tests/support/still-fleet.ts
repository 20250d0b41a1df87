/** A fleet that changes only when told to. */
import type { ContainerView, Fleet, ManagerEvent, Snapshot } from "../../src/model.ts";

/** A running server, with changes. */
export function server(name: string, changes: Partial<ContainerView> = {}): ContainerView {
    return {
        name,
        origin: "manifest",
        component: "server",
        manifestFile: `manifests/${name}.yml`,
        manifestHash: undefined,
        id: name,
        image: "sha256:0000",
        state: "running",
        health: "healthy",
        healthOutput: undefined,
        startedAt: "2026-11-27T12:00:00Z",
        restarts: 0,
        oomKills: 0,
        exitCode: undefined,
        port: 13001,
        path: "/mcp",
        egress: [],
        limits: { memoryBytes: 512 * 1024 * 1024, cpus: 1, pids: 100 },
        usage: undefined,
        mcp: undefined,
        ...changes,
    };
}

export class StillFleet implements Fleet {
    snapshot: Snapshot;
    readonly recent: readonly ManagerEvent[] = [];
    readonly #listeners = new Set<(event: ManagerEvent) => void>();

    constructor(containers: readonly ContainerView[], changes: Partial<Snapshot> = {}) {
        this.snapshot = {
            at: new Date().toISOString(),
            daemon: { reachable: true, version: "28.5.2", since: "2026-11-27T12:00:00Z" },
            containers,
            disks: [],
            certificates: [],
            ...changes,
        };
    }

    onEvent(listener: (event: ManagerEvent) => void): () => void {
        this.#listeners.add(listener);
        return () => this.#listeners.delete(listener);
    }

    /** Changes the snapshot, then tells. */
    change(changes: Partial<Snapshot>): void {
        this.snapshot = { ...this.snapshot, ...changes };
        const event = {
            id: 1,
            at: this.snapshot.at,
            type: "start",
            container: undefined,
            detail: undefined,
        };
        for (const listener of this.#listeners) listener(event);
    }
}
