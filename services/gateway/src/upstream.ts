/** The gateway's own MCP connection to a server, in the era that the server speaks. */
import {
    Client,
    SdkError,
    SdkErrorCode,
    StreamableHTTPClientTransport,
    type RequestOptions,
    type ServerCapabilities,
} from "@modelcontextprotocol/client";
import { z } from "zod";

import { boundedFetch } from "./bounded-fetch.ts";
import type { ServerConfig } from "./config.ts";
import type { Json } from "./message.ts";

/** Longest wait for a handshake or a page of a list: what does not answer by then counts as dead. */
const SHORT_MS = 5_000;
/** A server whose pages never end is cut off. */
const MOST_PAGES = 100;

/** The least that servers are asked to log on the endpoint of all servers. */
export const LOG_LEVEL = "info";

/** What lists there are, by method, with the member of the result that holds the items. */
export const LISTS = {
    "tools/list": "tools",
    "prompts/list": "prompts",
    "resources/list": "resources",
    "resources/templates/list": "resourceTemplates",
} as const;
export type ListMethod = keyof typeof LISTS;

/** What can be told to have changed. */
export const LIST_KINDS = ["tools", "prompts", "resources"] as const;
export type ListKind = (typeof LIST_KINDS)[number];

/** What a server tells by itself. */
export interface Told {
    /** A list has changed. Without it the server is not asked to tell. */
    readonly changed?: (kind: ListKind) => void;
    /** A log line. */
    readonly logged?: (params: Json) => void;
}

const anything = z.looseObject({});

/** One connection. */
export class Upstream {
    readonly #client: Client;
    #closed = false;

    private constructor(client: Client) {
        this.#client = client;
        client.onclose = () => (this.#closed = true);
    }

    /**
     * Connects: in revision 2026-07-28 when the server has it, else with a session.
     *
     * @param headers sent with every request
     * @param maxReplyBytes bound of one answer
     */
    static async connect(
        server: ServerConfig,
        headers: Readonly<Record<string, string>>,
        maxReplyBytes: number,
        told: Told,
    ): Promise<Upstream> {
        const { changed, logged } = told;
        const on = (kind: ListKind): object => ({
            autoRefresh: false,
            onChanged: () => changed?.(kind),
        });
        const client = new Client(
            { name: "mcp-gateway", version: "0.1.0" },
            {
                // None: on behalf of many clients the gateway can answer no question to one of them.
                capabilities: {},
                versionNegotiation: { mode: "auto", probe: { timeoutMs: SHORT_MS } },
                inputRequired: { autoFulfill: false },
                // Whether an answer fits the tool's schema is for the client to judge.
                jsonSchemaValidator: { getValidator: () => acceptAll },
                ...(changed && {
                    listChanged: {
                        tools: on("tools"),
                        prompts: on("prompts"),
                        resources: on("resources"),
                    } as never,
                }),
            },
        );
        if (logged) {
            client.setNotificationHandler("notifications/message", ({ params }) =>
                logged({ ...params }),
            );
        }
        const transport = new StreamableHTTPClientTransport(new URL(server.path, server.url), {
            requestInit: { headers: { ...headers } },
            fetch: boundedFetch(maxReplyBytes),
        });
        try {
            await client.connect(transport, { timeout: SHORT_MS });
            const leveled =
                client.getProtocolEra() === "legacy" && client.getServerCapabilities()?.logging;
            if (logged && leveled) await client.setLoggingLevel(LOG_LEVEL, { timeout: SHORT_MS });
        } catch (error) {
            await client.close().catch(() => undefined);
            throw error;
        }
        return new Upstream(client);
    }

    get closed(): boolean {
        return this.#closed;
    }

    get capabilities(): ServerCapabilities {
        return this.#client.getServerCapabilities() ?? {};
    }

    get instructions(): string | undefined {
        return this.#client.getInstructions();
    }

    /** Sends a request and returns the result as the server wrote it. */
    async request(method: string, params: Json, options: RequestOptions): Promise<Json> {
        const { signal } = options;
        try {
            return await this.#client.request({ method, params: { ...params } }, anything, options);
        } catch (error) {
            signal?.throwIfAborted();
            throw error;
        }
    }

    /** A whole list, all its pages. Empty when the server has no such thing. */
    async list(method: ListMethod, signal?: AbortSignal): Promise<Json[]> {
        const key = LISTS[method];
        const capability = key === "resourceTemplates" ? "resources" : key;
        if (!this.capabilities[capability]) return [];
        const items: Json[] = [];
        let cursor: unknown;
        for (let page = 0; page < MOST_PAGES; page += 1) {
            const params = cursor === undefined ? {} : { cursor };
            const result = await this.request(method, params, { timeout: SHORT_MS, signal });
            if (Array.isArray(result[key])) items.push(...(result[key] as Json[]));
            cursor = result.nextCursor;
            if (typeof cursor !== "string" || cursor === "") return items;
        }
        throw new Error(`${method} has more than ${MOST_PAGES} pages`);
    }

    async close(): Promise<void> {
        this.#closed = true;
        await this.#client.close().catch(() => undefined);
    }
}

function acceptAll(input: unknown): never {
    return { valid: true, data: input, errorMessage: undefined } as never;
}

/** Why a connection failed or broke, in a few words. */
export function reasonOf(error: unknown): string {
    if (error instanceof SdkError && error.code === SdkErrorCode.RequestTimeout) {
        return "no answer in time";
    }
    let deepest: unknown = error;
    while (deepest instanceof Error && deepest.cause instanceof Error) deepest = deepest.cause;
    return deepest instanceof Error ? deepest.message.slice(0, 200) : "unknown";
}
