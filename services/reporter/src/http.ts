/** One HTTP exchange with node's own client: bounded, abortable, on kept connections. */
import { request as plain, type Agent, type IncomingMessage } from "node:http";
import { request as secure } from "node:https";

/** What to send and with what. */
export interface Ask {
    readonly url: URL;
    readonly method: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly body?: string;
    readonly agent: Agent;
    /** Ends the exchange, the reading of the answer included. */
    readonly signal: AbortSignal;
}

/** An answer that goes on beyond what is read. */
export class TooLarge extends Error {}

/** How many kept connections in a row may turn out to be dead. */
const STALE_LIMIT = 3;
/** How long an answer that nobody reads any more may go on. */
const LINGER_MS = 250;

/**
 * Sends one request and gives the answer's head; the body is the caller's to read. The other side may
 * close a kept connection just as it is used again: that says nothing about its health, so the
 * request goes out once more. It has to be one that may arrive twice.
 */
export async function send(ask: Ask): Promise<IncomingMessage> {
    for (let stale = 0; ; stale++) {
        const outcome = await attempt(ask);
        if ("response" in outcome) return outcome.response;
        if (!outcome.reused || stale === STALE_LIMIT || ask.signal.aborted) throw outcome.error;
    }
}

type Attempt =
    | { readonly response: IncomingMessage }
    /** `reused`: it may be the kept connection that was dead. */
    | { readonly error: Error; readonly reused: boolean };

function attempt({ url, method, headers, body, agent, signal }: Ask): Promise<Attempt> {
    return new Promise((resolve) => {
        const request = (url.protocol === "https:" ? secure : plain)(url, {
            method,
            headers:
                body === undefined
                    ? headers
                    : { ...headers, "content-length": String(Buffer.byteLength(body)) },
            agent,
            signal,
        });
        request.on("response", (response) => resolve({ response }));
        request.on("error", (error: NodeJS.ErrnoException) => {
            const broken = error.code === "ECONNRESET" || error.code === "EPIPE";
            resolve({ error, reused: request.reusedSocket && broken });
        });
        request.end(body);
    });
}

/**
 * The whole body as text.
 *
 * @throws TooLarge as soon as it has more than `limit` bytes
 */
export async function readText(response: IncomingMessage, limit: number): Promise<string> {
    const parts: Buffer[] = [];
    let size = 0;
    for await (const part of response as AsyncIterable<Buffer>) {
        size += part.length;
        // Leaving the loop destroys the response and with it the connection.
        if (size > limit) throw new TooLarge(`answer larger than ${limit / 1024 / 1024} MiB`);
        parts.push(part);
    }
    return Buffer.concat(parts).toString("utf8");
}

/** Lets the rest of an answer pass unread; one that does not end soon loses its connection. */
export function drain(response: IncomingMessage): void {
    response.on("error", () => undefined);
    const cut = setTimeout(() => response.destroy(), LINGER_MS);
    response.on("close", () => clearTimeout(cut));
    response.resume();
}
