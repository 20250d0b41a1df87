/** MCP clients of both eras, and raw HTTP where a client library would be too well behaved. */
import { request, type Agent, type IncomingHttpHeaders } from "node:http";
import type { TestContext } from "node:test";

import {
    Client as ModernClient,
    StreamableHTTPClientTransport as ModernTransport,
} from "@modelcontextprotocol/client";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import {
    CreateMessageRequestSchema,
    ElicitRequestSchema,
} from "@modelcontextprotocol/sdk/types.js";

const INFO = { name: "test", version: "0" };
const HTTP_LIMIT_MS = 30_000;

function bearer(token?: string): Record<string, string> {
    return token === undefined ? {} : { Authorization: `Bearer ${token}` };
}

/** A client of the 2025 revisions (session). It answers sampling and elicitation. */
export async function sessionClient(t: TestContext, url: string, token?: string): Promise<Client> {
    const client = new Client(INFO, { capabilities: { sampling: {}, elicitation: {} } });
    client.setRequestHandler(CreateMessageRequestSchema, () => ({
        model: "test",
        role: "assistant",
        content: { type: "text", text: "sampled" },
    }));
    client.setRequestHandler(ElicitRequestSchema, () => ({
        action: "accept",
        content: { name: "Alice", response: "elicited" },
    }));
    const transport = new StreamableHTTPClientTransport(new URL(url), {
        requestInit: { headers: bearer(token) },
    });
    await client.connect(transport);
    t.after(() => client.close());
    return client;
}

/** A client of revision 2026-07-28 (no session) that refuses to fall back. */
export async function modernClient(
    t: TestContext,
    url: string,
    token?: string,
): Promise<ModernClient> {
    const client = new ModernClient(INFO, {
        capabilities: { elicitation: {} },
        versionNegotiation: { mode: { pin: "2026-07-28" } },
    });
    client.setRequestHandler("elicitation/create", () => ({
        action: "accept",
        content: { name: "Alice" },
    }));
    const requestInit = { headers: bearer(token) };
    await client.connect(new ModernTransport(new URL(url), { requestInit }));
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
    /** The body as JSON, or its only event's data. */
    readonly json: {
        readonly id?: unknown;
        readonly result?: Record<string, unknown>;
        readonly error?: { readonly code: number; readonly message: string };
    };
}

export interface RawOptions {
    readonly method?: string;
    readonly token?: string;
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: string | Buffer;
    readonly agent?: Agent;
}

/** One HTTP exchange with any headers, `Host` and `Origin` included, which `fetch` would not send. */
export function raw(url: string, options: RawOptions = {}): Promise<Answer> {
    const { method = "GET", headers = {}, body, token, agent } = options;
    return new Promise((resolve, reject) => {
        const signal = AbortSignal.timeout(HTTP_LIMIT_MS);
        const all = { ...bearer(token), ...headers };
        const req = request(url, { method, headers: all, agent: agent ?? false, signal });
        req.on("response", (res) => {
            const parts: Buffer[] = [];
            res.on("data", (part: Buffer) => parts.push(part));
            res.on("error", reject);
            res.on("end", () => {
                const text = Buffer.concat(parts).toString();
                const { statusCode: status = 0, headers: given } = res;
                resolve({ status, headers: given, body: text, json: jsonOf(text) });
            });
        });
        req.on("error", reject);
        req.end(body);
    });
}

function jsonOf(text: string): Answer["json"] {
    const [, data] = /^data: (\{.*\})$/m.exec(text) ?? [];
    try {
        return JSON.parse(data ?? text) as Answer["json"];
    } catch {
        return {};
    }
}

/** Headers of an MCP POST. */
export const POST = {
    "Content-Type": "application/json",
    Accept: "application/json, text/event-stream",
};

let lastId = 0;

/** Posts a message of revision 2026-07-28. */
export function post(
    url: string,
    method: string,
    params: Record<string, unknown> = {},
    options: RawOptions = {},
): Promise<Answer> {
    lastId += 1;
    const _meta = {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": INFO,
        "io.modelcontextprotocol/clientCapabilities": {},
        ...(params._meta as object | undefined),
    };
    const name = params.name ?? params.uri;
    const headers = {
        ...POST,
        "MCP-Protocol-Version": "2026-07-28",
        "Mcp-Method": method,
        ...(typeof name === "string" && { "Mcp-Name": name }),
        ...options.headers,
    };
    const message = { jsonrpc: "2.0", id: lastId, method, params: { ...params, _meta } };
    return raw(url, { method: "POST", body: JSON.stringify(message), ...options, headers });
}

/** Posts `initialize` of 2025-11-25; the session is in the answer's headers. */
export function initialize(url: string, options: RawOptions = {}): Promise<Answer> {
    const params = { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: INFO };
    const body = JSON.stringify({ jsonrpc: "2.0", id: 0, method: "initialize", params });
    return raw(url, { method: "POST", body, ...options, headers: { ...POST, ...options.headers } });
}
