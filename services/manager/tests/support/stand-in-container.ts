/** A container of the stand-in for Docker, in the words of Docker's API. */
import { randomBytes } from "node:crypto";

export interface StandInContainer {
    readonly id: string;
    readonly name: string;
    /** Null as Docker has it when there are none. */
    readonly labels: Record<string, string> | null;
    readonly config: Record<string, unknown>;
    readonly host: Record<string, unknown>;
    image: string;
    state: string;
    health: "healthy" | "unhealthy" | "starting" | "none";
    restartCount: number;
    oomKilled: boolean;
    exitCode: number;
    startedAt: string;
    /** When it was made, in seconds since 1970. */
    created: number;
    cpuNanoseconds: number;
}

const NEVER = "0001-01-01T00:00:00Z";

/** What `POST /containers/create` makes of a body; it does not run yet. */
export function createdFrom(name: string, body: Record<string, unknown>): StandInContainer {
    const { HostConfig: host = {}, Labels: labels = {}, Image: image = "" } = body;
    return {
        id: randomBytes(32).toString("hex"),
        name,
        labels: labels as Record<string, string> | null,
        config: body,
        host: host as Record<string, unknown>,
        image: String(image),
        state: "created",
        health: body.Healthcheck ? "starting" : "none",
        restartCount: 0,
        oomKilled: false,
        exitCode: 0,
        startedAt: NEVER,
        created: Math.floor(Date.now() / 1000),
        cpuNanoseconds: 0,
    };
}

/** One item of `GET /containers/json`. */
export function listed(container: StandInContainer): object {
    const health = container.health === "starting" ? "health: starting" : container.health;
    const shown = container.health === "none" ? "" : ` (${health})`;
    return {
        Id: container.id,
        Names: [`/${container.name}`],
        Image: container.image,
        ImageID: container.image,
        Created: container.created,
        Labels: container.labels,
        State: container.state,
        Status: container.state === "running" ? `Up 5 seconds${shown}` : "Exited (0)",
    };
}

/** Answer to `GET /containers/{id}/json`. */
export function inspected(container: StandInContainer): object {
    const { Env = [], StopTimeout } = container.config as {
        Env?: string[] | null;
        StopTimeout?: number;
    };
    const running = container.state === "running";
    return {
        Id: container.id,
        Name: `/${container.name}`,
        Image: container.image,
        RestartCount: container.restartCount,
        State: {
            Status: container.state,
            Running: running,
            OOMKilled: container.oomKilled,
            ExitCode: container.exitCode,
            StartedAt: container.startedAt,
            ...(container.health === "none"
                ? {}
                : {
                      Health: {
                          Status: container.health,
                          Log: [{ ExitCode: 0, Output: '{"status":"ok"}' }],
                      },
                  }),
        },
        Config: { ...container.config, Env, StopTimeout, Labels: container.labels },
        HostConfig: container.host,
        NetworkSettings: {
            Networks: { "mcp-closed": { IPAddress: running ? "127.0.0.1" : "" } },
        },
    };
}

/** Answer to `GET /containers/{id}/stats`; every look finds 10 ms more of processor time used. */
export function statsOf(container: StandInContainer): object {
    container.cpuNanoseconds += 10_000_000;
    return {
        read: new Date().toISOString(),
        cpu_stats: { cpu_usage: { total_usage: container.cpuNanoseconds } },
        memory_stats: { usage: 90_000_000, stats: { inactive_file: 20_000_000 } },
        pids_stats: { current: 19 },
    };
}
