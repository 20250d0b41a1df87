/** The sessions of the 2025 revisions: whose each is, and what the server calls it. */
import { randomUUID } from "node:crypto";

/** One session with one server. */
export interface Session {
    /** What the client knows it by: never the server's own id, which others might guess. */
    readonly id: string;
    readonly client: string;
    readonly server: string;
    /** What the server knows it by. */
    readonly upstreamId: string;
    /** Exchanges under way, streams included. */
    open: number;
    /** `performance.now()` of the last use. */
    usedAt: number;
}

/** Told about a session that ended other than by the client's DELETE. */
export type EvictionListener = (session: Session) => void;

/** All sessions. Those of one client are bounded, the idle make room. */
export class Sessions {
    readonly #byId = new Map<string, Session>();
    readonly #ofClient = new Map<string, Set<Session>>();
    readonly #onEvict: EvictionListener;

    constructor(onEvict: EvictionListener) {
        this.#onEvict = onEvict;
    }

    /** Open sessions by server. */
    count(): Map<string, number> {
        const counts = new Map<string, number>();
        for (const { server } of this.#byId.values()) {
            counts.set(server, (counts.get(server) ?? 0) + 1);
        }
        return counts;
    }

    /** A client's session with a server; somebody else's is as unknown as one that never was. */
    find(id: string, client: string, server: string): Session | undefined {
        const session = this.#byId.get(id);
        return session?.client === client && session.server === server ? session : undefined;
    }

    /** Whether the client may open another one. Closes its longest unused one when that helps. */
    makeRoom(client: string, most: number): boolean {
        const own = this.#ofClient.get(client);
        if (!own || own.size < most) return true;
        const idle = [...own].filter(({ open }) => open === 0);
        const oldest = idle.toSorted((a, b) => a.usedAt - b.usedAt)[0];
        if (!oldest) return false;
        this.#evict(oldest);
        return true;
    }

    open(client: string, server: string, upstreamId: string): Session {
        const usedAt = performance.now();
        const session = { id: randomUUID(), client, server, upstreamId, open: 0, usedAt };
        this.#byId.set(session.id, session);
        const own = this.#ofClient.get(client) ?? new Set();
        this.#ofClient.set(client, own.add(session));
        return session;
    }

    /** Notes the begin of an exchange; the result notes its end. */
    use(session: Session): () => void {
        session.open += 1;
        session.usedAt = performance.now();
        return () => {
            session.open -= 1;
            session.usedAt = performance.now();
        };
    }

    /** Forgets a session. */
    close(session: Session): void {
        this.#byId.delete(session.id);
        const own = this.#ofClient.get(session.client);
        own?.delete(session);
        if (own?.size === 0) this.#ofClient.delete(session.client);
    }

    /** Ends what has been unused for so long. */
    sweep(idleMs: number): void {
        const limit = performance.now() - idleMs;
        for (const session of [...this.#byId.values()]) {
            if (session.open === 0 && session.usedAt < limit) this.#evict(session);
        }
    }

    /** Ends every session for which `gone` holds. */
    drop(gone: (session: Session) => boolean): void {
        for (const session of [...this.#byId.values()]) if (gone(session)) this.#evict(session);
    }

    #evict(session: Session): void {
        this.close(session);
        this.#onEvict(session);
    }
}
