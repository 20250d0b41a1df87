/** Health check of a container. Times are in seconds. */
export interface HealthCheck {
    /** Docker form: `CMD` or `CMD-SHELL` first. */
    readonly test: readonly string[];
    readonly intervalSeconds: number;
    readonly timeoutSeconds: number;
    readonly startPeriodSeconds: number;
    /** Interval while starting; needs a daemon of API 1.44 or newer, so only for inner containers. */
    readonly startIntervalSeconds?: number;
    readonly retries: number;
}

/** A published port; `ip` is the address it is published on. */
export interface PublishedPort {
    readonly internal: number;
    readonly external: number;
    readonly ip: string;
}
