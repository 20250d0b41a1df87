/** An answer that is no, and how it is written. */
import type { IncomingMessage, ServerResponse } from "node:http";

/** Why something was refused: one of a few words, for metrics and audit. */
export type Reason =
    | "host"
    | "origin"
    | "not_found"
    | "method"
    | "unauthorized"
    | "forbidden"
    | "guessing"
    | "malformed"
    | "too_large"
    | "rate"
    | "concurrency"
    | "session"
    | "sessions"
    | "denied"
    | "held"
    | "upstream"
    | "upstream_timeout"
    | "stopping"
    | "defect";

/** An answer instead of the one asked for. */
export interface Refusal {
    readonly status: number;
    readonly reason: Reason;
    readonly message: string;
    /** JSON-RPC error code. @default -32000 */
    readonly code?: number;
    readonly headers?: Readonly<Record<string, string>>;
}

/** A JSON-RPC id, or null where it is not known. */
export type Id = string | number | null;

/** JSON-RPC error codes. */
export const CODE = {
    parse: -32_700,
    invalidRequest: -32_600,
    invalidParams: -32_602,
    refused: -32_000,
    sessionNotFound: -32_001,
    headerMismatch: -32_020,
} as const;

/** Answers with a JSON-RPC error. Does nothing when an answer is under way already. */
export function refuse(
    req: IncomingMessage,
    res: ServerResponse,
    { status, message, code = CODE.refused, headers }: Refusal,
    id: Id = null,
): void {
    if (res.headersSent) {
        res.destroy();
        return;
    }
    // A body that nobody will read must not be sent to the end.
    const unread: Record<string, string> = req.complete ? {} : { Connection: "close" };
    sendJson(
        res,
        status,
        { jsonrpc: "2.0", id, error: { code, message } },
        { ...headers, ...unread },
    );
}

/** Answers with JSON that no cache keeps. */
export function sendJson(
    res: ServerResponse,
    status: number,
    body: unknown,
    headers: Readonly<Record<string, string>> = {},
): void {
    res.writeHead(status, {
        "Content-Type": "application/json",
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        ...headers,
    }).end(JSON.stringify(body));
}
