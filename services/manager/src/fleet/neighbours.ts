/** Whether what stands beside the stack answers, asked in the background: Consul, the edge. */
import http from "node:http";
import https from "node:https";

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
    const status = await statusOf(edge, signal);
    return status < 500 ? undefined : `HTTP ${status}`;
};

/** Status of a GET. Nothing is sent that a stranger may not see, so whose certificate it is does not matter here. */
function statusOf(url: URL, signal: AbortSignal): Promise<number> {
    return new Promise((resolve, reject) => {
        const options = { signal, agent: false, rejectUnauthorized: false };
        const asked = url.protocol === "https:" ? https.get(url, options) : http.get(url, options);
        asked.on("error", reject).on("response", (response) => {
            response.destroy();
            resolve(response.statusCode ?? 0);
        });
    });
}

function whyNot(error: unknown): string {
    const { cause } = error as { cause?: unknown };
    return reasonOf(cause ?? error);
}
