/** Follows each call to its end: audit line, metrics, span. */
import type { Audit } from "./audit.ts";
import { isObject, type Json, type Message } from "./message.ts";
import type { Metrics } from "./metrics.ts";
import type { Pins } from "./pins.ts";
import type { Id, Reason } from "./refusal.ts";
import type { Trace } from "./trace.ts";

/** What counts as a call: these reach a server's tools or data. */
const CALLS: ReadonlySet<string> = new Set(["tools/call", "prompts/get", "resources/read"]);

/**
 * How a server answered; `detached`: it let go of the stream, and the answer comes when the client
 * takes that up again; `cancelled`: the client stopped waiting.
 */
export type Answer = "ok" | "tool_error" | "error" | "input_required" | "detached" | "cancelled";

/** Hands a finished call to a collector. */
export type SpanSink = (span: Span) => void;

/** A finished call as a span. */
export interface Span {
    readonly trace: Trace;
    readonly name: string;
    readonly attributes: Readonly<Record<string, string>>;
    /** Milliseconds since the epoch. */
    readonly startedAt: number;
    readonly durationMs: number;
    readonly failed: boolean;
}

/** One call under way. The first of its ends counts. */
export interface Call {
    /** The server answered, or the client stopped waiting. */
    answered(answer: Answer): void;
    /** It never reached the server, or no answer came. */
    failed(reason: Reason): void;
}

interface CallsParts {
    readonly audit: Audit;
    readonly metrics: Metrics;
    readonly pins: Pins;
    readonly onSpan: SpanSink | undefined;
}

/** What is known of a call when it begins; names are those of the server. */
export interface CallStart {
    readonly client: string;
    readonly server: string;
    readonly method: string;
    readonly params: Json | undefined;
    readonly id: Id;
    readonly trace: Trace;
    /** Id that the edge gave the request. */
    readonly correlationId: string | undefined;
}

/** Begins calls. */
export class Calls {
    readonly #parts: CallsParts;

    constructor(parts: CallsParts) {
        this.#parts = parts;
    }

    /** Follows a call from now on; undefined for a message that is none. */
    begin(start: CallStart): Call | undefined {
        if (!CALLS.has(start.method)) return undefined;
        const from = { epoch: Date.now(), clock: performance.now() };
        let over = false;
        const end = (outcome: string, answered: boolean): void => {
            if (over) return;
            over = true;
            this.#end(start, outcome, answered, from);
        };
        return {
            answered: (answer) => end(answer, true),
            failed: (reason) => end(reason, false),
        };
    }

    #end(
        { client, server, method, params, id, trace, correlationId }: CallStart,
        outcome: string,
        answered: boolean,
        from: { readonly epoch: number; readonly clock: number },
    ): void {
        const { audit, metrics, pins, onSpan } = this.#parts;
        const durationMs = performance.now() - from.clock;
        const tool = typeof params?.name === "string" ? params.name : "";
        audit.call({
            client,
            server,
            method,
            tool,
            requestId: id,
            traceId: trace.traceId,
            ...(correlationId !== undefined && { correlationId }),
            durationMs,
            outcome,
            args: method === "resources/read" ? { uri: params?.uri } : params?.arguments,
        });
        // A label must not take whatever a client writes.
        const known = method === "tools/call" ? pins.knows(server, tool) : false;
        const label = method === "tools/call" ? (known ? tool : "unknown") : method;
        metrics.call(
            { client, server, tool: label, outcome },
            answered ? durationMs / 1000 : undefined,
        );
        onSpan?.({
            trace,
            name: known ? `${method} ${tool}` : method,
            attributes: {
                "mcp.method.name": method,
                "mcp.server": server,
                "mcp.client": client,
                "mcp.outcome": outcome,
                ...(known && { "gen_ai.tool.name": tool }),
            },
            startedAt: from.epoch,
            durationMs,
            failed: outcome !== "ok" && outcome !== "input_required",
        });
    }
}

/** How the answer to a request ended it; undefined for any other message. */
export function answerIn(message: Json, { id }: Pick<Message, "id">): Answer | undefined {
    if (message.id !== id || "method" in message) return undefined;
    if ("error" in message) return "error";
    return isObject(message.result) ? answerOf(message.result) : undefined;
}

/** What kind of answer a result is. */
export function answerOf(result: Json): Answer {
    if (result.isError === true) return "tool_error";
    return result.resultType === "input_required" ? "input_required" : "ok";
}
