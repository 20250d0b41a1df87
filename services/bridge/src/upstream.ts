/** The one MCP connection to the child, shared by every client of the bridge. */
import { Client, SdkError, SdkErrorCode } from "@modelcontextprotocol/client";
import { Server, type ServerCapabilities } from "@modelcontextprotocol/server";
import { acquireListenSubscriptions, getUpstreamBridge, proxyServer } from "mcp-proxy";
import type { SSEServer } from "mcp-proxy";

import type { ChildTransport } from "./child.ts";

/** What `proxyServer` serves; anything else the child offers would be advertised in vain. */
const SERVED = ["tools", "resources", "prompts", "completions", "logging"] as const;

/** The child as the bridge's clients see it. */
export class Upstream {
    readonly name: string;
    readonly version: string;
    readonly protocolVersion: string | undefined;
    readonly #client: Client;
    readonly #callTimeoutMs: number;
    readonly #capabilities: ServerCapabilities;

    private constructor(client: Client, callTimeoutMs: number) {
        const { name = "unknown", version = "unknown" } = client.getServerVersion() ?? {};
        this.name = name;
        this.version = version;
        this.protocolVersion = client.getNegotiatedProtocolVersion();
        this.#client = client;
        this.#callTimeoutMs = callTimeoutMs;
        const offered = client.getServerCapabilities() ?? {};
        this.#capabilities = Object.fromEntries(
            SERVED.filter((key) => offered[key]).map((key) => [key, offered[key]]),
        );
    }

    /** Starts the child and completes the `initialize` handshake with it. */
    static async connect(
        transport: ChildTransport,
        limits: { readonly startTimeoutMs: number; readonly callTimeoutMs: number },
    ): Promise<Upstream> {
        const client = new Client(
            { name: "mcp-bridge", version: "0.1.0" },
            {
                // None: above all no roots, by which a client could move the allowed directories of
                // a filesystem server. With nothing declared the child has nothing to ask for.
                capabilities: {},
                // Whether an answer fits the tool's schema is for the client to judge.
                jsonSchemaValidator: {
                    getValidator: () => (input) => ({
                        valid: true,
                        data: input as never,
                        errorMessage: undefined,
                    }),
                },
            },
        );
        await client.connect(transport, { timeout: limits.startTimeoutMs });
        return new Upstream(client, limits.callTimeoutMs);
    }

    /** A server instance for one session (2025 revisions) or one request (2026-07-28). */
    async createServer(): Promise<Server> {
        const server = new Server(
            { name: this.name, version: this.version },
            { capabilities: this.#capabilities, instructions: this.#client.getInstructions() },
        );
        await proxyServer({
            client: this.#client,
            server,
            serverCapabilities: this.#capabilities,
            requestTimeout: this.#callTimeoutMs,
        });
        return server;
    }

    /** Subscribes to resources for a 2026-07-28 listen stream; returns what ends that again. */
    subscribe(uris: string[]): Promise<() => void> {
        return acquireListenSubscriptions({
            client: this.#client,
            requestTimeout: this.#callTimeoutMs,
            uris,
        });
    }

    /** Hands the child's change notifications to the 2026-07-28 listen streams. */
    announceTo({ notify }: SSEServer): void {
        getUpstreamBridge({ client: this.#client, requestTimeout: this.#callTimeoutMs }).subscribe({
            promptsListChanged: () => notify.promptsChanged(),
            resourcesListChanged: () => notify.resourcesChanged(),
            resourceUpdated: ({ uri }) => notify.resourceUpdated(uri),
            toolsListChanged: () => notify.toolsChanged(),
        });
    }

    /**
     * Asks the child for its tools, never a cache, and counts them. A child without tools is asked
     * for a `ping`.
     */
    async countTools(timeoutMs: number): Promise<number> {
        // The signal bounds the sum over all pages; `timeout` would allow that much for each.
        const signal = AbortSignal.timeout(timeoutMs);
        const options = { timeout: timeoutMs, signal };
        try {
            if (!this.#capabilities.tools) {
                await this.#client.ping(options);
                return 0;
            }
            const { tools } = await this.#client.listTools(undefined, {
                ...options,
                cacheMode: "bypass",
            });
            return tools.length;
        } catch (error) {
            const late = error instanceof SdkError && error.code === SdkErrorCode.RequestTimeout;
            if (!late && !signal.aborted) throw error;
            throw new Error(`no answer within ${timeoutMs} ms`, { cause: error });
        }
    }

    /** Ends the connection and with it the child. */
    async close(): Promise<void> {
        await getUpstreamBridge({ client: this.#client }).close();
        await this.#client.close();
    }
}
