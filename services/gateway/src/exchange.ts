/** What is known of an HTTP exchange while it is served. */
import type { IncomingMessage, ServerResponse } from "node:http";

import type { Call } from "./calls.ts";
import type { Config } from "./config.ts";
import type { Message } from "./message.ts";
import type { Pair } from "./policy.ts";
import type { Refusal } from "./refusal.ts";
import type { Session } from "./sessions.ts";
import type { Trace } from "./trace.ts";

/** One HTTP exchange of an identified client. */
export interface Exchange {
    readonly req: IncomingMessage;
    readonly res: ServerResponse;
    readonly settings: Config["settings"];
    /** Ends with the client, the gateway, or the client's right to it. */
    readonly signal: AbortSignal;
    /** Says that it only ends with its client: a stop does not wait for it. */
    readonly longLived: () => void;
    /** Breaks it off. */
    readonly abort: () => void;
}

/** A message on its way to a server. */
export interface Delivery extends Exchange, Pair {
    readonly session: Session | undefined;
    readonly message: Message;
    readonly call: Call | undefined;
    readonly trace: Trace;
}

/** What a refused message was, for the answer's id. */
export interface RefusedMessage {
    readonly refusal: Refusal;
    readonly id: Message["id"];
}
