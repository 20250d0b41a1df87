import { Client, SdkHttpError, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";

import { messageOf } from "../errors";

import type { Client as McpClient } from "./clients";
import type { ConnectTarget, Entry } from "./types";

/** What came back when one entry of a client's file was tried. */
export interface Checked {
    readonly server: string;
    readonly url: string;
    readonly state: "ok" | "failed";
    /** Names of the tools, in the server's order. */
    readonly tools: readonly string[];
    /** Why it failed; empty when it did not. */
    readonly detail: string;
}

/** How long one question may take, in milliseconds. */
const TIMEOUT = 10_000;

/**
 * The token a client would send for an entry of its file: the value of the variable the entry refers to, or the one
 * written in it. Undefined for an entry without one, also where the endpoint asks for it: the client would not send it.
 */
export function tokenOfEntry(
    client: McpClient,
    entry: Entry,
    { tokenEnv }: ConnectTarget,
    valueOf: (variable: string) => string,
): string | undefined {
    if (tokenEnv === undefined) return undefined;
    const reference = client.reference?.(tokenEnv);
    const said = JSON.stringify(entry);
    if (reference !== undefined) return said.includes(reference) ? valueOf(tokenEnv) : undefined;
    return /"Bearer ([^"]+)"/.exec(said)?.[1];
}

/**
 * Connects to an endpoint as a client does, in either era of the protocol, and asks for its tools. Failures are in
 * the answer: nobody there, the token refused, not an MCP endpoint.
 *
 * @param through what to ask with, where the endpoint's certificate is not one that the system knows
 */
export async function checkEndpoint(
    server: string,
    url: string,
    token: string | undefined,
    through: typeof fetch = fetch,
): Promise<Checked> {
    const client = new Client(
        { name: "mcp-cli", version: "0.1.0" },
        { versionNegotiation: { mode: "auto" } },
    );
    const headers = token === undefined ? undefined : { Authorization: `Bearer ${token}` };
    const transport = new StreamableHTTPClientTransport(new URL(url), {
        requestInit: { headers },
        fetch: through,
    });
    try {
        await client.connect(transport, { timeout: TIMEOUT });
        const { tools } = await client.listTools(undefined, { timeout: TIMEOUT });
        return { server, url, state: "ok", tools: tools.map(({ name }) => name), detail: "" };
    } catch (error) {
        return { server, url, state: "failed", tools: [], detail: reason(error) };
    } finally {
        await client.close();
    }
}

/** One line for what went wrong; the SDK wraps what the network said. */
function reason(error: unknown): string {
    if (error instanceof SdkHttpError && (error.status === 401 || error.status === 403))
        return `the token was refused (HTTP ${String(error.status)})`;
    for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
        const { code } = cause as { code?: unknown };
        if (typeof code === "string" && /^E[A-Z]+$/.test(code)) return code;
    }
    return messageOf(error).split("\n")[0] ?? "no answer";
}
