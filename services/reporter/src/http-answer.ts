/** Probe of a plain HTTP service: one GET that has to be answered well. */
import { Agent } from "node:http";
import { Agent as SecureAgent } from "node:https";

import { drain, send } from "./http.ts";

/**
 * Asks once, on a connection of its own: what is kept alive says less about whether a new client gets in.
 *
 * @param ca PEM that an https server is verified against
 * @throws Error for any answer but 2xx
 */
export async function getOk(url: URL, signal: AbortSignal, ca?: string): Promise<void> {
    const agent = url.protocol === "https:" ? new SecureAgent({ ca }) : new Agent();
    try {
        const response = await send({ url, method: "GET", headers: {}, agent, signal });
        drain(response);
        const { statusCode = 0 } = response;
        if (statusCode < 200 || statusCode > 299) throw new Error(`HTTP ${statusCode}`);
    } finally {
        agent.destroy();
    }
}
