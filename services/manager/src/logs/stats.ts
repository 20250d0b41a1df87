/** What the pipeline counts. All counters grow from the start of this process. */

export interface ContainerLogStats {
    /** Lines and bytes of them written to the files; bytes as the container wrote them. */
    lines: number;
    bytes: number;
    /** Lines that were longer than 64 KiB and were cut. */
    truncated: number;
    /** Times at which Docker had already discarded lines that had not been read. */
    gaps: number;
    /** Times the stream from Docker broke or could not be opened. */
    failures: number;
}

/** Live counters of a pipeline. */
export interface LogStats {
    /** By container name; a container that is gone has none. */
    readonly containers: ReadonlyMap<string, Readonly<ContainerLogStats>>;
    /** Containers whose log is read at the moment. */
    readonly following: number;
    /** Whether the last write to the disk failed. */
    readonly writeFailing: boolean;
    /** Bytes of all log files at the last sweep. */
    readonly storedBytes: number;
}

/** The same, as the pipeline writes it. */
export class PipelineStats implements LogStats {
    readonly containers = new Map<string, ContainerLogStats>();
    following = 0;
    writeFailing = false;
    storedBytes = 0;

    /** Counters of a container, made when there are none. */
    of(container: string): ContainerLogStats {
        let stats = this.containers.get(container);
        if (stats === undefined) {
            stats = { lines: 0, bytes: 0, truncated: 0, gaps: 0, failures: 0 };
            this.containers.set(container, stats);
        }
        return stats;
    }
}
