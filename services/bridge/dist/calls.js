/** Follows the requests sent to the child and how each ended. */
                                                                   

/**
 * How a tool call ended: `ok`; `tool_error` = the tool itself reported an error; `error` = the child
 * answered with a protocol error; `timeout` and `cancelled` = nobody waits for the answer any more;
 * `lost` = the child ended first.
 */
export const OUTCOMES = ["ok", "tool_error", "error", "timeout", "cancelled", "lost"]         ;
                                                

/** Told about each tool call once, when it has ended. */
                                                                       

                
                           
                               
 

/** Sees every message that crosses to or from the child, and nothing else. */
export class CallTracker {
             #calls = new Map                       ();
             #timeoutMs        ;
             #onToolCall              ;

    constructor(timeoutMs        , onToolCall              ) {
        this.#timeoutMs = timeoutMs;
        this.#onToolCall = onToolCall;
    }

    /** Requests that the child has not answered yet. */
    get pending()         {
        return this.#calls.size;
    }

    /** Whether this id belongs to a request that still waits for its answer. */
    has(id                 )          {
        return this.#calls.has(id);
    }

    sent(message                )       {
        if (!("method" in message)) return;
        if ("id" in message) {
            const tool = message.method === "tools/call";
            this.#calls.set(message.id, { tool, startedAt: performance.now() });
        } else if (message.method === "notifications/cancelled") {
            const id = message.params?.requestId;
            if (typeof id === "string" || typeof id === "number") this.#end(id, "cancelled");
        }
    }

    received(message                )       {
        if ("method" in message || message.id === undefined) return;
        if ("error" in message) this.#end(message.id, "error");
        else this.#end(message.id, message.result.isError === true ? "tool_error" : "ok");
    }

    /** The child is gone: whatever is still open will never be answered. */
    lost()       {
        for (const id of [...this.#calls.keys()]) this.#end(id, "lost");
    }

    #end(id                 , outcome         )       {
        const call = this.#calls.get(id);
        if (!call) return;
        this.#calls.delete(id);
        if (!call.tool) return;
        const elapsedMs = performance.now() - call.startedAt;
        // The SDK cancels in both cases; only the clock tells them apart.
        const timedOut = outcome === "cancelled" && elapsedMs >= this.#timeoutMs - 50;
        this.#onToolCall(timedOut ? "timeout" : outcome, elapsedMs / 1000);
    }
}
