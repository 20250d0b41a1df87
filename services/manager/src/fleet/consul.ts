/** Whether Consul answers, asked in the background. */
import { pause } from "../../../reporter/src/deadline.ts";
import { reasonOf } from "../../../reporter/src/reasons.ts";

export interface ConsulState {
    readonly configured: boolean;
    /** Undefined while it is not known, and without Consul. */
    readonly reachable?: boolean;
    readonly reason?: string;
}

const EVERY_MS = 5_000;
const LIMIT_MS = 2_000;

/**
 * Asks for Consul's leader until the signal is aborted: an agent without one cannot tell who is healthy.
 *
 * @param url undefined: there is none
 * @returns what is known at the moment
 */
export function watchConsul(url: URL | undefined, signal: AbortSignal): () => ConsulState {
    let state: ConsulState = { configured: url !== undefined };
    const watch = async (agent: URL): Promise<void> => {
        while (!signal.aborted) {
            state = { configured: true, ...(await leaderOf(agent)) };
            await pause(EVERY_MS, signal);
        }
    };
    if (url) void watch(url);
    return () => state;
}

async function leaderOf(agent: URL): Promise<{ reachable: boolean; reason?: string }> {
    try {
        const response = await fetch(new URL("/v1/status/leader", agent), {
            signal: AbortSignal.timeout(LIMIT_MS),
        });
        const text = (await response.text()).slice(0, 256);
        if (!response.ok) return { reachable: false, reason: `HTTP ${response.status}` };
        if (text.trim() === '""') return { reachable: false, reason: "it has no leader" };
        return { reachable: true };
    } catch (error) {
        const { cause } = error as { cause?: unknown };
        return { reachable: false, reason: reasonOf(cause ?? error) };
    }
}
