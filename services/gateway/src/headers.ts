/** Which headers cross the gateway. Everything that is not named here stays on its side. */
import type { IncomingHttpHeaders } from "node:http";

/** From client to server. Nothing that identifies, authorises or routes on the way. */
const TO_SERVER = [
    "accept",
    "content-type",
    "last-event-id",
    "mcp-method",
    "mcp-name",
    "mcp-protocol-version",
    "tracestate",
];
/** Arguments that a tool's schema mirrors into headers (2026-07-28). */
const PARAMETER = /^mcp-param-[a-z0-9_-]{1,100}$/;
/** From server to client. */
const TO_CLIENT = ["allow", "cache-control", "mcp-protocol-version", "retry-after"];

type Headers = Record<string, string>;

/**
 * The headers that a server gets.
 *
 * @param own the gateway's own: session, trace, authorization
 */
export function headersToServer(given: IncomingHttpHeaders, own: Readonly<Headers>): Headers {
    const headers: Headers = {};
    for (const [name, value] of Object.entries(given)) {
        if (typeof value !== "string") continue;
        if (TO_SERVER.includes(name) || PARAMETER.test(name)) headers[name] = value;
    }
    return { ...headers, ...own };
}

/** The headers that a client gets, apart from content type and session. */
export function headersToClient(given: IncomingHttpHeaders): Headers {
    const headers: Headers = { "X-Content-Type-Options": "nosniff" };
    for (const name of TO_CLIENT) {
        const value = given[name];
        if (typeof value === "string") headers[name] = value;
    }
    return headers;
}
