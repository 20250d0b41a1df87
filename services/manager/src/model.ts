/**
 * What the parts of the manager hand to each other, and what the API shows of it. Times are ISO 8601 in UTC, sizes are
 * bytes, shares of a core are 0 to the number of cores. `undefined` means "not known", never "zero".
 */

/** Who made a container, and so who may change it; `foreign` is nobody of the stack. */
export type Origin = "manifest" | "api" | "system" | "foreign";

/** Docker's health, which for a server is a real `tools/list`; `none` for a container without a check. */
export type Health = "healthy" | "unhealthy" | "starting" | "none";

/** One container of the inner daemon, as sampled last. */
export interface ContainerView {
    readonly name: string;
    /** `manifest`: Pulumi's, read-only here. `api`: made through this API. `system`: the manager, the gateway. `foreign`: an orphan, see `POST /cleanup`. */
    readonly origin: Origin;
    /** Value of the label `mcp.component`: `server`, `manager`, `gateway` … */
    readonly component: string;
    /** File to edit for what Pulumi manages, like `manifests/files-mcp.yml`. */
    readonly manifestFile: string | undefined;
    readonly manifestHash: string | undefined;
    readonly id: string;
    /** Content id of the image, `sha256:…`. */
    readonly image: string;
    /** Docker's state: `running`, `exited`, `restarting` … */
    readonly state: string;
    readonly health: Health;
    /** Output of the last failed or passed health check, cut at 4 KiB. */
    readonly healthOutput: string | undefined;
    readonly startedAt: string | undefined;
    /** Restarts by Docker's policy plus those this manager saw since it began (start events of the same name). */
    readonly restarts: number;
    readonly oomKills: number;
    readonly exitCode: number | undefined;
    /** Port on the orchestrator's address in `sutazai-main`. */
    readonly port: number | undefined;
    readonly path: string | undefined;
    readonly egress: readonly string[];
    readonly limits: { readonly memoryBytes: number; readonly cpus: number; readonly pids: number };
    readonly usage:
        | {
              readonly memoryBytes: number;
              readonly cpus: number;
              readonly pids: number;
              readonly at: string;
          }
        | undefined;
    /** Answer to a real `tools/list` asked by the manager. */
    readonly mcp:
        | {
              readonly up: boolean;
              readonly tools: readonly ToolView[];
              readonly milliseconds: number;
              readonly reason: string | undefined;
              readonly at: string;
          }
        | undefined;
}

export interface ToolView {
    readonly name: string;
    readonly description: string | undefined;
}

/** Everything the manager knows at one moment; a new object at every change. */
export interface Snapshot {
    readonly at: string;
    readonly daemon:
        | { readonly reachable: true; readonly version: string; readonly since: string }
        | { readonly reachable: false; readonly reason: string; readonly since: string };
    /** Sorted by name. */
    readonly containers: readonly ContainerView[];
    /** Disk of the inner daemon's data volume, and of the log volume. */
    readonly disks: readonly {
        readonly name: string;
        readonly usedBytes: number;
        readonly totalBytes: number;
    }[];
    readonly certificates: readonly { readonly name: string; readonly expiresAt: string }[];
}

/** Something that happened, for `GET /events` and the dashboard. */
export interface ManagerEvent {
    /** Grows by one with every event since the start of this manager. */
    readonly id: number;
    readonly at: string;
    /** `start`, `die`, `oom`, `health`, `mcp-up`, `mcp-down`, `created`, `removed`, `restart-asked`, `daemon-lost`, `daemon-back` … */
    readonly type: string;
    readonly container: string | undefined;
    readonly detail: string | undefined;
}

/** The one source of state. Sampled in the background; reading it never asks the daemon. */
export interface Fleet {
    readonly snapshot: Snapshot;
    /** Calls `listener` at every event until the returned function is called. */
    onEvent(listener: (event: ManagerEvent) => void): () => void;
    /** The newest events, oldest first, at most 200. */
    readonly recent: readonly ManagerEvent[];
}

/** One line of a container's output in the central logs: a line of `<logs>/<server>.jsonl`. */
export interface LogRecord {
    readonly time: string;
    readonly container: string;
    readonly stream: "stdout" | "stderr";
    readonly line: string;
    /** Set when the line was longer than 64 KiB and was cut. */
    readonly truncated?: true;
}
