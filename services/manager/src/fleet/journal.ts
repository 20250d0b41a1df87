/** What happened: numbers events, keeps the newest, tells listeners. */
import type { ManagerEvent } from "../model.ts";

/** Events kept for those who come or come back later. */
const KEPT = 200;

type Listener = (event: ManagerEvent) => void;

export class Journal {
    #events: readonly ManagerEvent[] = [];
    #lastId = 0;
    readonly #listeners = new Set<Listener>();

    /** The newest events, oldest first. */
    get recent(): readonly ManagerEvent[] {
        return this.#events;
    }

    /** Writes an event down. */
    note(type: string, container?: string, detail?: string): void {
        const event = { id: ++this.#lastId, at: new Date().toISOString(), type, container, detail };
        this.#events = [...this.#events.slice(1 - KEPT), event];
        for (const listener of this.#listeners) listener(event);
    }

    /** Calls `listener` at every event until the returned function is called. */
    listen(listener: Listener): () => void {
        this.#listeners.add(listener);
        return () => void this.#listeners.delete(listener);
    }
}
