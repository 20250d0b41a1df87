/** Whether what stands beside the stack answers, asked in the background: Consul, the edge. */
import { pause } from "../../../reporter/src/deadline.ts";
import { reasonOf } from "../../../reporter/src/reasons.ts";

export interface NeighbourState {
    readonly configured: boolean;
    /** Undefined while it is not known, and without such a neighbour. */
    readonly reachable?: boolean;
    readonly reason?: string;
}

/** Asks once; gives what is wrong, undefined when nothing is. What it throws is a reason too. */
export type Check = (url: URL, signal: AbortSignal) => Promise<string | undefined>;

const EVERY_MS = 5_000;
const LIMIT_MS = 2_000;

/**
 * Asks again and again until the signal is aborted.
 *
 * @param url undefined: there is none
 * @returns what is known at the moment
 */
export function watchNeighbour(
    url: URL | undefined,
    check: Check,
    signal: AbortSignal,
): () => NeighbourState {
    let state: NeighbourState = { configured: url !== undefined };
    const watch = async (where: URL): Promise<void> => {
        while (!signal.aborted) {
            const reason = await check(where, AbortSignal.timeout(LIMIT_MS)).catch(whyNot);
            state =
                reason === undefined
                    ? { configured: true, reachable: true }
                    : { configured: true, reachable: false, reason };
            await pause(EVERY_MS, signal);
        }
    };
    if (url) void watch(url);
    return () => state;
}

/** Asks for Consul's leader: an agent without one cannot tell who is healthy. */
export const consulProblem: Check = async (agent, signal) => {
    const response = await fetch(new URL("/v1/status/leader", agent), { signal });
    const text = (await response.text()).slice(0, 256);
    if (!response.ok) return `HTTP ${response.status}`;
    return text.trim() === '""' ? "it has no leader" : undefined;
};

/** Any answer of the edge's own will do, a refusal too; a 5xx tells of what it cannot reach. */
export const edgeProblem: Check = async (edge, signal) => {
    const response = await fetch(edge, { signal, redirect: "manual" });
    await response.body?.cancel();
    return response.status < 500 ? undefined : `HTTP ${response.status}`;
};

function whyNot(error: unknown): string {
    const { cause } = error as { cause?: unknown };
    return reasonOf(cause ?? error);
}
