import type { ServerManifest } from "../../config/manifest";
import { hostPort } from "../../config/names";
import type { StackContext } from "../../components/stack-context";

/** A server's address on the host's loopback and what came back from it. */
export interface CheckedEndpoint {
    readonly server: string;
    /** Undefined when its port lies outside the published range. */
    readonly url: string | undefined;
    readonly state: "healthy" | "unhealthy" | "unpublished";
    readonly tools: number | undefined;
    readonly detail: string;
    readonly milliseconds: number;
}

/** Where a server is published on the host; undefined when it is not. */
export function publishedUrl(
    { settings }: StackContext,
    manifest: ServerManifest,
): string | undefined {
    const range = settings.publishServers;
    if (!range || manifest.port < range.from || manifest.port > range.to) return undefined;
    const port = String(hostPort(manifest.port, settings.portOffset));
    return `http://${settings.bindAddress}:${port}${manifest.transport.path}`;
}

/** The sessionless revision: one request, no `initialize`. */
const PROTOCOL = "2026-07-28";

/** How long one question may take, in milliseconds. */
const TIMEOUT = 10_000;

/** One request of an MCP client; gives the response and the message in it. */
async function ask(
    url: string,
    body: Readonly<Record<string, unknown>>,
    headers: Readonly<Record<string, string>>,
): Promise<{ response: Response; message: Message }> {
    const response = await fetch(url, {
        method: "POST",
        headers: {
            "content-type": "application/json",
            accept: "application/json, text/event-stream",
            ...headers,
        },
        body: JSON.stringify({ jsonrpc: "2.0", ...body }),
        signal: AbortSignal.timeout(TIMEOUT),
    });
    const text = await response.text();
    // Streamable HTTP answers with JSON or with one event that carries it.
    const data = text.startsWith("{") ? text : (/^data: (.*)$/m.exec(text)?.[1] ?? "{}");
    let message: Message = {};
    try {
        message = JSON.parse(data) as Message;
    } catch {
        // Not an MCP answer: what is missing from it says so below.
    }
    return { response, message };
}

interface Message {
    readonly result?: { readonly tools?: readonly unknown[]; readonly protocolVersion?: string };
    readonly error?: { readonly message?: string };
}

/**
 * Asks a server for its tools as a client does: without session first (MCP 2026-07-28), and with the handshake of the
 * revisions before it when the server does not know that.
 */
export async function askForTools(url: string): Promise<number> {
    const list = { id: 1, method: "tools/list" };
    const headers = { "mcp-protocol-version": PROTOCOL, "mcp-method": "tools/list" };
    const first = await ask(url, { ...list, params: META }, headers);
    const tools = first.message.result?.tools ?? (await toolsOfSession(url, list, first));
    return tools.length;
}

async function toolsOfSession(
    url: string,
    list: Readonly<Record<string, unknown>>,
    first: { readonly response: Response; readonly message: Message },
): Promise<readonly unknown[]> {
    const opened = await ask(
        url,
        {
            id: 0,
            method: "initialize",
            params: {
                protocolVersion: "2025-11-25",
                capabilities: {},
                clientInfo: { name: "mcp-cli", version: "0.1.0" },
            },
        },
        {},
    );
    const version = opened.message.result?.protocolVersion;
    if (version === undefined) {
        throw new Error(first.message.error?.message ?? `HTTP ${String(first.response.status)}`);
    }
    const session = opened.response.headers.get("mcp-session-id");
    const headers = {
        "mcp-protocol-version": version,
        ...(session === null ? {} : { "mcp-session-id": session }),
    };
    await ask(url, { method: "notifications/initialized" }, headers);
    const { message, response } = await ask(url, list, headers);
    if (session !== null) await fetch(url, { method: "DELETE", headers }).catch(() => undefined);
    if (message.result?.tools) return message.result.tools;
    throw new Error(message.error?.message ?? `HTTP ${String(response.status)}`);
}

const META = {
    _meta: {
        "io.modelcontextprotocol/protocolVersion": PROTOCOL,
        "io.modelcontextprotocol/clientInfo": { name: "mcp-cli", version: "0.1.0" },
        "io.modelcontextprotocol/clientCapabilities": {},
    },
};

/** Checks every server by a real `tools/list`, retrying for `patienceMs` those that do not answer yet. */
export async function checkEndpoints(
    context: StackContext,
    manifests: readonly ServerManifest[],
    patienceMs: number,
): Promise<CheckedEndpoint[]> {
    return Promise.all(manifests.map((manifest) => checkOne(context, manifest, patienceMs)));
}

async function checkOne(
    context: StackContext,
    manifest: ServerManifest,
    patienceMs: number,
): Promise<CheckedEndpoint> {
    const url = publishedUrl(context, manifest);
    const server = manifest.name;
    if (url === undefined) {
        const detail = `port ${String(manifest.port)} is outside publishServers`;
        return { server, url, state: "unpublished", tools: undefined, detail, milliseconds: 0 };
    }
    const deadline = Date.now() + patienceMs;
    for (;;) {
        const begun = Date.now();
        try {
            const tools = await askForTools(url);
            return {
                server,
                url,
                state: "healthy",
                tools,
                detail: "",
                milliseconds: Date.now() - begun,
            };
        } catch (error) {
            if (Date.now() >= deadline) {
                const cause = (error as { cause?: { code?: string } }).cause?.code;
                const detail = cause ?? (error instanceof Error ? error.message : String(error));
                return {
                    server,
                    url,
                    state: "unhealthy",
                    tools: undefined,
                    detail,
                    milliseconds: Date.now() - begun,
                };
            }
            await new Promise((resolve) => setTimeout(resolve, 500));
        }
    }
}
