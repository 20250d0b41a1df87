/** What the routes work with. */
import type { Daemon } from "../daemon/daemon.ts";
import type { Fleet } from "../model.ts";
import type { LogReader } from "../logs/index.ts";
import type { Lifecycle } from "../servers/lifecycle.ts";
import type { StreamTimes } from "./streams.ts";
import type { NeighbourState } from "../fleet/neighbours.ts";

export interface ApiContext {
    readonly fleet: Fleet;
    readonly daemon: Daemon;
    readonly lifecycle: Lifecycle;
    readonly logs: Pick<LogReader, "names" | "tail" | "follow">;
    /** What is known of Consul at the moment. */
    readonly consul: () => NeighbourState;
    /** What is known of the edge at the moment. */
    readonly edge: () => NeighbourState;
    /** Name of the stack. */
    readonly stack: string;
    readonly version: string;
    readonly startedAt: Date;
    /** Aborts when the manager stops: ends every stream. */
    readonly stopping: AbortSignal;
    /** Of answers that stay open. */
    readonly streamTimes: StreamTimes;
}
