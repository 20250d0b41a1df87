/** Whose request it is, as far as addresses tell. */
import type { IncomingMessage } from "node:http";
import { isIP } from "node:net";

/** Where a request comes from. */
export interface Peer {
    /** The client's address: the connection's, or what a trusted proxy says of it. */
    readonly address: string;
    /** It came through a trusted proxy, whose connections carry requests of many clients. */
    readonly proxied: boolean;
}

const LONGEST_ID = 128;

/**
 * Who sent a request. Anybody can write X-Forwarded-For; what a trusted proxy has put at its end is the address that
 * the proxy itself was connected from.
 */
export function peerOf(
    { socket, headers }: Pick<IncomingMessage, "socket" | "headers">,
    trusted: ReadonlySet<string>,
): Peer {
    const connected = plain(socket.remoteAddress ?? "");
    if (!trusted.has(connected)) return { address: connected, proxied: false };
    const forwarded = headers["x-forwarded-for"];
    const last = (typeof forwarded === "string" ? forwarded : "").split(",").at(-1)?.trim() ?? "";
    return { address: isIP(last) === 0 ? connected : plain(last), proxied: true };
}

/** The id that joins a request's lines in the logs on its way; undefined when it has none, or one that is none. */
export function correlationOf(value: unknown): string | undefined {
    if (typeof value !== "string" || value.length > LONGEST_ID) return undefined;
    return /^[\x21-\x7E]+$/.test(value) ? value : undefined;
}

/** An IPv4 address without the form that a socket for both families gives it. */
function plain(address: string): string {
    return address.replace(/^::ffff:(?=[0-9.]+$)/i, "");
}
