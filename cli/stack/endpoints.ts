import { SYSTEM_CLIENT } from "../../config/defaults";
import { isServed } from "../../config/gateway";
import type { ServerManifest } from "../../config/manifest";
import { hostPort } from "../../config/names";
import type { StackContext } from "../../components/stack-context";
import type { Project } from "../project";

import { clientToken } from "./client-tokens";
import { edgeFetch, edgeServerUrl, edgeUrl } from "./edge";

/** A server's address on the host's loopback and what came back from it. */
export interface CheckedEndpoint {
    readonly server: string;
    readonly url: string;
    readonly state: "healthy" | "unhealthy";
    readonly tools: number | undefined;
    readonly detail: string;
    readonly milliseconds: number;
}

/** A server's port of its own on loopback; undefined where that is not published. */
function ownUrl(context: StackContext, { port }: ServerManifest): string | undefined {
    const { bindAddress, portOffset } = context.settings;
    if (!isServed(context, port)) return undefined;
    return `http://${bindAddress}:${String(hostPort(port, portOffset))}/mcp`;
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
    through: typeof fetch,
): Promise<{ response: Response; message: Message }> {
    const response = await through(url, {
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
 *
 * @param through what to ask with, where the server's certificate is not one that the system knows
 */
export async function askForTools(
    url: string,
    token: string,
    through: typeof fetch = fetch,
): Promise<number> {
    const list = { id: 1, method: "tools/list" };
    const identity = { authorization: `Bearer ${token}` };
    const modern = { "mcp-protocol-version": PROTOCOL, "mcp-method": "tools/list" };
    const first = await ask(url, { ...list, params: META }, { ...identity, ...modern }, through);
    const tools =
        first.message.result?.tools ?? (await toolsOfSession(url, list, identity, first, through));
    return tools.length;
}

async function toolsOfSession(
    url: string,
    list: Readonly<Record<string, unknown>>,
    identity: Readonly<Record<string, string>>,
    first: { readonly response: Response; readonly message: Message },
    through: typeof fetch,
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
        identity,
        through,
    );
    const version = opened.message.result?.protocolVersion;
    if (version === undefined) {
        throw new Error(first.message.error?.message ?? `HTTP ${String(first.response.status)}`);
    }
    const session = opened.response.headers.get("mcp-session-id");
    const headers = {
        ...identity,
        "mcp-protocol-version": version,
        ...(session === null ? {} : { "mcp-session-id": session }),
    };
    await ask(url, { method: "notifications/initialized" }, headers, through);
    const { message, response } = await ask(url, list, headers, through);
    if (session !== null) {
        await through(url, { method: "DELETE", headers }).catch(() => undefined);
    }
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

/**
 * Checks every server by a real `tools/list`, on its own port or through the edge where that is not published, retrying
 * for `patienceMs` those that do not answer yet.
 */
export async function checkEndpoints(
    project: Project,
    manifests: readonly ServerManifest[],
    patienceMs: number,
): Promise<CheckedEndpoint[]> {
    const context = project.context();
    const token = clientToken(project, SYSTEM_CLIENT);
    // Each server says why it could not be asked; without a server nobody does.
    token.catch(() => undefined);
    const through = edgeFetch(project);
    through.catch(() => undefined);
    return Promise.all(
        manifests.map((manifest) => {
            const own = ownUrl(context, manifest);
            const url = own ?? edgeServerUrl(context, manifest.name);
            const how = own === undefined ? through : fetch;
            return checkOne(manifest.name, url, token, patienceMs, how);
        }),
    );
}

/** Asks for the tools of all servers through the edge, retrying for `patienceMs`. */
export async function checkEdge(project: Project, patienceMs: number): Promise<CheckedEndpoint> {
    const token = clientToken(project, SYSTEM_CLIENT);
    const through = edgeFetch(project);
    // Whatever cannot be read is the reason in the answer.
    for (const read of [token, through]) read.catch(() => undefined);
    return checkOne("edge", edgeUrl(project.context()), token, patienceMs, through);
}

/** The edge in one line for people. */
export function edgeLine({ settings }: StackContext, edge: CheckedEndpoint): string {
    const found =
        edge.state === "healthy"
            ? `answers with ${String(edge.tools)} tools of all servers`
            : `does not answer (${edge.detail})`;
    return `edge: ${edge.url} (${settings.edge.program}) ${found}`;
}

/** Checks one endpoint until it answers, or `patienceMs` are over. */
async function checkOne(
    server: string,
    url: string,
    token: Promise<string>,
    patienceMs: number,
    through: typeof fetch | Promise<typeof fetch>,
): Promise<CheckedEndpoint> {
    const deadline = Date.now() + patienceMs;
    for (;;) {
        const begun = Date.now();
        try {
            const tools = await askForTools(url, await token, await through);
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
