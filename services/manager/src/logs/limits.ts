/** How much the central logs keep. */
import type { Interval } from "rotating-file-stream";

export interface LogLimits {
    /** A file is rotated when it is larger than this many bytes. Default 20 MiB. */
    readonly fileBytes: number;
    /** A file is rotated at the boundary of this interval, in UTC. Default `1d`. */
    readonly interval: Interval;
    /** Files kept a container, the one that is written to included. Default 5. */
    readonly files: number;
    /** Most bytes of all files; the oldest rotated ones go first. Default 1 GiB. */
    readonly totalBytes: number;
}

export const DEFAULT_LIMITS: LogLimits = {
    fileBytes: 20 * 1024 * 1024,
    interval: "1d",
    files: 5,
    totalBytes: 1024 * 1024 * 1024,
};
