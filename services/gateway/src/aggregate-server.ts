/** The MCP server that a client sees on the endpoint of all servers. */
import {
    CLIENT_CAPABILITIES_META_KEY,
    LOG_LEVEL_META_KEY,
    ProtocolError,
    ProtocolErrorCode,
    Server,
    type ServerContext,
} from "@modelcontextprotocol/server";

import { answerOf, type Calls } from "./calls.ts";
import { serversOf, type ClientConfig, type Config } from "./config.ts";
import { isObject, type Json } from "./message.ts";
import { correlationOf } from "./peer.ts";
import { innerName, innerUri, outerName, renamed, withOuterUris, type Inner } from "./naming.ts";
import type { Pins } from "./pins.ts";
import { refusalOf, visibleTools, type Pair } from "./policy.ts";
import type { Pools } from "./pools.ts";
import { traceFrom, traceparentOf } from "./trace.ts";
import { LISTS, LOG_LEVEL, reasonOf, type ListMethod } from "./upstream.ts";
import { Unavailable, type Upstreams } from "./upstreams.ts";

/** Member of `_meta` that names the servers missing from a list, with the reason. */
const UNAVAILABLE = "sutazai.gateway/unavailable";

export interface AggregateParts {
    readonly config: () => Config;
    /** Why a server is known not to answer. */
    readonly reason: (server: string) => string | undefined;
    readonly upstreams: Upstreams;
    readonly pins: Pins;
    readonly calls: Calls;
    readonly pools: Pools;
    /** A server did not answer: it should be looked at. */
    readonly onSuspicion: (server: string) => void;
}

/** Makes servers, each for one client. */
export class AggregateServer {
    readonly #parts: AggregateParts;

    constructor(parts: AggregateParts) {
        this.#parts = parts;
    }

    /** A server for one session, or for one request. */
    create(client: string): Server {
        const listChanged = true;
        const server = new Server(
            { name: "mcp-gateway", version: "0.1.0" },
            {
                capabilities: {
                    tools: { listChanged },
                    prompts: { listChanged },
                    resources: { listChanged },
                    logging: {},
                    completions: {},
                },
                instructions:
                    "Several servers in one: tools and prompts are called SERVER__NAME, URIs of resources begin with SERVER+.",
            },
        );
        for (const method of Object.keys(LISTS) as ListMethod[]) {
            server.setRequestHandler(method, async (_request, ctx) =>
                // The lists of all servers are one page: a cursor into several is nobody's.
                as(await this.#list(client, method, ctx.mcpReq.signal)),
            );
        }
        server.setRequestHandler("tools/call", async ({ params }, ctx) =>
            as(await this.#named(server, client, "tools/call", params, ctx)),
        );
        server.setRequestHandler("prompts/get", async ({ params }, ctx) =>
            as(await this.#named(server, client, "prompts/get", params, ctx)),
        );
        server.setRequestHandler("resources/read", async ({ params }, ctx) => {
            const { pair, own } = this.#resolve(client, innerUri(params.uri));
            return as(
                await this.#call(server, pair, "resources/read", { ...params, uri: own }, ctx),
            );
        });
        server.setRequestHandler("completion/complete", async ({ params }, ctx) =>
            as(await this.#complete(client, params, ctx)),
        );
        return server;
    }

    async #list(client: string, method: ListMethod, signal: AbortSignal): Promise<Json> {
        const config = this.#parts.config();
        const own = this.#clientOf(client);
        const unavailable: { server: string; reason: string }[] = [];
        const lists = await Promise.all(
            serversOf(config, own).map(async (server) => {
                try {
                    return await this.#listOf({ client: own, server }, method, signal);
                } catch (error) {
                    signal.throwIfAborted();
                    this.#parts.onSuspicion(server.name);
                    unavailable.push({ server: server.name, reason: reasonOf(error) });
                    return [];
                }
            }),
        );
        const meta = unavailable.length > 0 && { _meta: { [UNAVAILABLE]: unavailable } };
        return { [LISTS[method]]: lists.flat(), ...meta };
    }

    async #listOf(pair: Pair, method: ListMethod, signal: AbortSignal): Promise<Json[]> {
        const { reason, upstreams, pins } = this.#parts;
        const { name } = pair.server;
        const known = reason(name);
        // What is known to be dead is not waited for each time.
        if (known !== undefined) throw new Error(known);
        const items = await upstreams.list(pair, method, signal);
        const seen = method === "tools/list" ? visibleTools(pair, items, pins) : items;
        return seen.filter(isObject).map((item) => renamed(name, item));
    }

    async #named(
        server: Server,
        client: string,
        method: "tools/call" | "prompts/get",
        params: Json,
        ctx: ServerContext,
    ): Promise<Json> {
        const found = this.#resolve(client, innerName(String(params.name)));
        const { pair } = found;
        const kind = method === "tools/call" ? "tools/list" : "prompts/list";
        const name = found.shortened
            ? await this.#longName(pair, kind, String(params.name), ctx.mcpReq.signal)
            : found.own;
        return this.#call(server, pair, method, { ...params, name }, ctx);
    }

    /** The name that was shortened to this one; the same if none was. */
    async #longName(
        pair: Pair,
        method: ListMethod,
        outer: string,
        signal: AbortSignal,
    ): Promise<string> {
        const items = await this.#parts.upstreams.list(pair, method, signal);
        const names = items.map(({ name }) => String(name));
        return names.find((name) => outerName(pair.server.name, name) === outer) ?? outer;
    }

    async #call(
        server: Server,
        pair: Pair,
        method: string,
        params: Json,
        ctx: ServerContext,
    ): Promise<Json> {
        const { calls, pins, upstreams } = this.#parts;
        const { mcpReq, http } = ctx;
        const trace = traceFrom(http?.req?.headers.get("traceparent"), mcpReq._meta?.traceparent);
        const names = { client: pair.client.name, server: pair.server.name };
        const correlationId = correlationOf(http?.req?.headers.get("x-correlation-id"));
        const start = { ...names, method, params, id: mcpReq.id, trace, correlationId };
        const call = calls.begin(start);
        if (method === "tools/call") {
            const refusal = refusalOf(pair, String(params.name), pins);
            if (refusal) {
                call?.failed(refusal.reason);
                throw new ProtocolError(
                    refusal.code ?? ProtocolErrorCode.InvalidParams,
                    refusal.message,
                );
            }
        }
        try {
            const sent = {
                ...params,
                ...inputOf(ctx),
                _meta: metaFor(server, ctx, traceparentOf(trace)),
            };
            const result = await upstreams.request(pair, method, sent, {
                signal: mcpReq.signal,
                ...progressTo(ctx),
            });
            call?.answered(answerOf(result));
            return withOuterUris(pair.server.name, result);
        } catch (error) {
            if (mcpReq.signal.aborted) call?.answered("cancelled");
            else if (error instanceof Unavailable) {
                call?.failed("upstream");
                this.#parts.onSuspicion(pair.server.name);
            } else call?.answered("error");
            throw error;
        }
    }

    async #complete(client: string, params: Json, ctx: ServerContext): Promise<Json> {
        const ref = isObject(params.ref) ? params.ref : {};
        const byUri = typeof ref.uri === "string";
        const inner = byUri ? innerUri(String(ref.uri)) : innerName(String(ref.name));
        const { pair, own } = this.#resolve(client, inner);
        const sent = { ...params, ref: { ...ref, [byUri ? "uri" : "name"]: own } };
        const { signal } = ctx.mcpReq;
        return this.#parts.upstreams.request(pair, "completion/complete", sent, { signal });
    }

    #resolve(client: string, inner: Inner | undefined): Inner & { readonly pair: Pair } {
        const own = this.#clientOf(client);
        const server = serversOf(this.#parts.config(), own).find(
            ({ name }) => name === inner?.server,
        );
        if (!inner || !server) {
            const message = "No server of that name: names begin with SERVER__, URIs with SERVER+";
            throw new ProtocolError(ProtocolErrorCode.InvalidParams, message);
        }
        return { ...inner, pair: { client: own, server } };
    }

    /** The client as it is configured now, not when the session began. */
    #clientOf(client: string): ClientConfig {
        const found = this.#parts.config().clients.find(({ name }) => name === client);
        if (!found) throw new ProtocolError(ProtocolErrorCode.InvalidRequest, "No such client");
        return found;
    }
}

/** Answers to what a server had asked for, with the state it wants back (2026-07-28). */
function inputOf({ mcpReq }: ServerContext): Json {
    const requestState = mcpReq.requestState();
    return {
        ...(mcpReq.inputResponses && { inputResponses: mcpReq.inputResponses }),
        ...(requestState !== undefined && { requestState }),
    };
}

/**
 * The client's own capabilities go along, so that a server of 2026-07-28 may ask it for input. Not
 * `roots`: with them a client moves the folders that a filesystem server may touch.
 */
function metaFor(server: Server, { mcpReq }: ServerContext, traceparent: string): Json {
    const envelope: Json = { ...mcpReq.envelope };
    const declared = envelope[CLIENT_CAPABILITIES_META_KEY] ?? server.getClientCapabilities() ?? {};
    const capabilities = { ...(declared as Json), roots: undefined };
    return {
        ...mcpReq._meta,
        traceparent,
        [CLIENT_CAPABILITIES_META_KEY]: capabilities,
        // Only a session has a stream for log lines, and filters them by its own level.
        ...(!mcpReq.envelope && { [LOG_LEVEL_META_KEY]: LOG_LEVEL }),
    };
}

function progressTo({ mcpReq }: ServerContext): object {
    const progressToken = mcpReq._meta?.progressToken;
    if (progressToken === undefined) return {};
    const onprogress = (progress: object): void => {
        const params = { ...progress, progressToken };
        mcpReq.notify({ method: "notifications/progress", params }).catch(() => undefined);
    };
    return { onprogress };
}

/** Results are passed on as the servers wrote them; the SDK's types know only its own. */
function as(result: Json): never {
    return result as never;
}
