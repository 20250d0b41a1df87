/** MCP clients of both eras, and raw HTTP where a client library would be too well behaved. */
import { request, type IncomingHttpHeaders } from "node:http";
import type { TestContext } from "node:test";

import {
    Client as ModernClient,
    StreamableHTTPClientTransport as ModernTransport,
} from "@modelcontextprotocol/client";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import type { ClientCapabilities, Root } from "@modelcontextprotocol/sdk/types.js";
import { ListRootsRequestSchema } from "@modelcontextprotocol/sdk/types.js";

import type { Bridge } from "./bridge.ts";

const INFO = { name: "test", version: "0" };
const HTTP_LIMIT_MS = 20_000;

/** A client of the 2025 revisions (session); with `roots` it offers them as editors do. */
export async function sessionClient(
    t: TestContext,
    bridge: Bridge,
    options: { readonly roots?: Root[]; readonly headers?: Record<string, string> } = {},
): Promise<Client> {
    const { roots, headers } = options;
    const capabilities: ClientCapabilities = roots ? { roots: { listChanged: true } } : {};
    const client = new Client(INFO, { capabilities });
    if (roots) client.setRequestHandler(ListRootsRequestSchema, () => ({ roots }));
    const transport = new StreamableHTTPClientTransport(new URL(bridge.url), {
        requestInit: { headers },
    });
    await client.connect(transport);
    t.after(() => client.close());
    return client;
}

/** A client of revision 2026-07-28 (no session) that refuses to fall back. */
export async function modernClient(
    t: TestContext,
    bridge: Bridge,
    options: { readonly roots?: Root[] } = {},
): Promise<ModernClient> {
    const { roots } = options;
    const client = new ModernClient(INFO, {
        capabilities: roots ? { roots: { listChanged: true } } : {},
        versionNegotiation: { mode: { pin: "2026-07-28" } },
    });
    if (roots) client.setRequestHandler("roots/list", () => ({ roots }));
    await client.connect(new ModernTransport(new URL(bridge.url)));
    t.after(() => client.close());
    return client;
}

/** The text of a tool's answer, from a client of either era. */
export function textOf(result: unknown): string {
    const { content } = result as { content: { text: string }[] };
    return content.map(({ text }) => text).join("");
}

export interface Answer {
    readonly status: number;
    readonly headers: IncomingHttpHeaders;
    readonly body: string;
}

export interface RawOptions {
    readonly method?: string;
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: string | Buffer;
}

/** One HTTP exchange with any headers, `Host` and `Origin` included, which `fetch` would not send. */
export function raw(url: string, options: RawOptions = {}): Promise<Answer> {
    const { method = "GET", headers = {}, body } = options;
    return new Promise((resolve, reject) => {
        // Not a socket timeout: a stream's heartbeats would keep that from ever passing.
        const signal = AbortSignal.timeout(HTTP_LIMIT_MS);
        const req = request(url, { method, headers, agent: false, signal });
        req.on("response", (res) => {
            const parts: Buffer[] = [];
            res.on("data", (part: Buffer) => parts.push(part));
            res.on("error", reject);
            res.on("end", () => {
                const text = Buffer.concat(parts).toString();
                resolve({ status: res.statusCode ?? 0, headers: res.headers, body: text });
            });
        });
        req.on("error", reject);
        req.end(body);
    });
}

/** Headers of an MCP POST. */
export const POST = {
    "Content-Type": "application/json",
    Accept: "application/json, text/event-stream",
};

/** A raw `initialize` request; `sessionId` of its answer is in the header of that name. */
export function rawInitialize(
    bridge: Bridge,
    headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
    const params = { protocolVersion: "2025-06-18", capabilities: {}, clientInfo: INFO };
    const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "initialize", params });
    return raw(bridge.url, { method: "POST", headers: { ...POST, ...headers }, body });
}
