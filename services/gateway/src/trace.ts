/** W3C trace context: taken from the client, or begun here, and handed on to the server. */
import { randomBytes } from "node:crypto";

/** Where a call stands in a trace. */
export interface Trace {
    readonly traceId: string;
    /** This gateway's span. */
    readonly spanId: string;
    /** The client's span. */
    readonly parentId: string | undefined;
    readonly sampled: boolean;
}

const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?$/;

/**
 * Continues the trace of a `traceparent`, or begins one.
 *
 * @param candidates from the header and from `_meta`; the first that is valid counts
 */
export function traceFrom(...candidates: readonly unknown[]): Trace {
    const spanId = randomBytes(8).toString("hex");
    for (const candidate of candidates) {
        if (typeof candidate !== "string") continue;
        const [, version, traceId, parentId, flags] = TRACEPARENT.exec(candidate) ?? [];
        if (!traceId || !parentId || !flags || version === "ff") continue;
        if (/^0+$/.test(traceId) || /^0+$/.test(parentId)) continue;
        const sampled = (Number.parseInt(flags, 16) & 1) === 1;
        return { traceId, spanId, parentId, sampled };
    }
    const traceId = randomBytes(16).toString("hex");
    return { traceId, spanId, parentId: undefined, sampled: true };
}

/** The `traceparent` for the server. */
export function traceparentOf({ traceId, spanId, sampled }: Trace): string {
    return `00-${traceId}-${spanId}-${sampled ? "01" : "00"}`;
}
