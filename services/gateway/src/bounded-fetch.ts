/** `fetch` for the gateway's own connections: bounded answers, no redirects. */
import { LISTEN } from "./message.ts";

/** An answer to one request has an end; a stream that listens has none. */
function isBounded(init: RequestInit | undefined): boolean {
    return init?.method === "POST" && new Headers(init.headers).get("mcp-method") !== LISTEN;
}

/**
 * @param limit bytes that the answer to one POST may have; beyond it the answer breaks off
 */
export function boundedFetch(limit: number): typeof fetch {
    return async (input, init) => {
        // A server says where it is in the configuration; it does not send the gateway elsewhere.
        const response = await fetch(input, { ...init, redirect: "error" });
        if (!response.body || !isBounded(init)) return response;
        let length = 0;
        const bound = new TransformStream<Uint8Array, Uint8Array>({
            transform(part, controller) {
                length += part.length;
                if (length <= limit) controller.enqueue(part);
                else controller.error(new Error(`the answer is over the limit of ${limit} bytes`));
            },
        });
        const { status, statusText, headers } = response;
        return new Response(response.body.pipeThrough(bound), { status, statusText, headers });
    };
}
