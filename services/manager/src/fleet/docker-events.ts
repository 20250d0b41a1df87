/** Docker's stream of container events, joined again whenever it breaks, without a gap and without doubles. */
import { createInterface } from "node:readline";

import { backoff } from "../../../reporter/src/watch.ts";
import { pause } from "../../../reporter/src/deadline.ts";
import type { Daemon } from "../daemon/daemon.ts";

/** One event of a container. */
export interface DockerEvent {
    /** `start`, `die`, `oom`, `health_status: healthy` … */
    readonly action: string;
    readonly container: string;
    readonly id: string;
    readonly attributes: Readonly<Record<string, string>>;
}

/** Actions that say something about a container's state; health checks alone make two others each. */
const ACTIONS = ["create", "start", "die", "oom", "destroy", "restart", "pause", "unpause"];

interface RawEvent {
    readonly Action: string;
    readonly timeNano: number;
    readonly Actor: { readonly ID: string; readonly Attributes: Record<string, string> };
}

/**
 * Follows the events until the signal is aborted.
 *
 * @param onEvent told every event once
 * @param onEnd told whenever the stream ends: the daemon may be gone
 */
export async function followEvents(
    daemon: Daemon,
    signal: AbortSignal,
    onEvent: (event: DockerEvent) => void,
    onEnd: () => void,
): Promise<void> {
    let lastNano = Date.now() * 1e6;
    let failures = 0;
    while (!signal.aborted) {
        try {
            const stream = await daemon.streams.getEvents({
                // Docker keeps the newest 256 events: what happened in between is told again.
                since: Math.floor(lastNano / 1e9),
                filters: { type: ["container"], event: [...ACTIONS, "health_status"] },
                abortSignal: signal,
            });
            failures = 0;
            for await (const line of createInterface({ input: stream })) {
                const event = eventIn(line);
                if (!event || event.timeNano <= lastNano) continue;
                lastNano = event.timeNano;
                const { Action: action, Actor: actor } = event;
                const { name = "" } = actor.Attributes;
                onEvent({ action, container: name, id: actor.ID, attributes: actor.Attributes });
            }
        } catch {
            // Why it broke is what the next sample finds out.
        }
        if (signal.aborted) return;
        onEnd();
        await pause(backoff(failures++), signal);
    }
}

function eventIn(line: string): RawEvent | undefined {
    try {
        const event = JSON.parse(line) as Partial<RawEvent>;
        return event.Action !== undefined && event.Actor !== undefined
            ? (event as RawEvent)
            : undefined;
    } catch {
        // Cut off by the end of the connection; it comes again.
        return undefined;
    }
}
