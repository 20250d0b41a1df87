/** Hands finished calls to an OpenTelemetry collector; loaded only when there is one. */
import { SpanKind, SpanStatusCode, TraceFlags, type HrTime } from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BatchSpanProcessor, type ReadableSpan } from "@opentelemetry/sdk-trace";

import type { Span, SpanSink } from "./calls.ts";

/** Where spans go, and how the last of them get out. */
export interface Tracing {
    readonly onSpan: SpanSink;
    /** Sends what is left. Resolves also when the collector does not take it. */
    readonly stop: () => Promise<void>;
}

const NAME = "mcp-gateway";
const EXPORT_TIMEOUT_MS = 5_000;

/** @param endpoint base URL of an OTLP/HTTP collector; spans go to its `/v1/traces` */
export function startTracing(endpoint: string): Tracing {
    const resource = resourceFromAttributes({ "service.name": NAME });
    const exporter = new OTLPTraceExporter({
        url: `${endpoint}/v1/traces`,
        timeoutMillis: EXPORT_TIMEOUT_MS,
    });
    const processor = new BatchSpanProcessor({ exporter });
    return {
        onSpan: (span) => processor.onEnd(readable(span, resource)),
        stop: () => processor.shutdown().catch(() => undefined),
    };
}

/** The call is over when it becomes a span, with ids that its server has seen: no tracer makes it. */
function readable(span: Span, resource: ReadableSpan["resource"]): ReadableSpan {
    const { traceId, spanId, parentId, sampled } = span.trace;
    const traceFlags = sampled ? TraceFlags.SAMPLED : TraceFlags.NONE;
    const parent = { traceId, traceFlags, isRemote: true };
    return {
        name: span.name,
        kind: SpanKind.SERVER,
        spanContext: () => ({ traceId, spanId, traceFlags }),
        ...(parentId !== undefined && { parentSpanContext: { ...parent, spanId: parentId } }),
        startTime: hrTime(span.startedAt),
        endTime: hrTime(span.startedAt + span.durationMs),
        duration: hrTime(span.durationMs),
        status: { code: span.failed ? SpanStatusCode.ERROR : SpanStatusCode.UNSET },
        attributes: span.attributes,
        links: [],
        events: [],
        ended: true,
        resource,
        instrumentationScope: { name: NAME },
        droppedAttributesCount: 0,
        droppedEventsCount: 0,
        droppedLinksCount: 0,
    };
}

function hrTime(ms: number): HrTime {
    const seconds = Math.floor(ms / 1000);
    return [seconds, Math.round((ms - seconds * 1000) * 1e6)];
}
