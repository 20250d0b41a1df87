/**
 * Asks one MCP server for its tools as a client does: without session (2026-07-28), or in a session where
 * the server knows only the revisions before that. A session is kept from probe to probe.
 *
 * Not the official client: at 100 servers it cost three times the processor and twice the memory of this.
 */
import { Agent, type IncomingMessage } from "node:http";

import { drain, send } from "./http.ts";
import { AnswerError, readResult, type Budget } from "./mcp-answer.ts";

type Params = Readonly<Record<string, unknown>>;
type Headers = Readonly<Record<string, string>>;

/** What a server has to say. */
export interface McpAnswer {
    /** As the server gives them, unchecked. */
    readonly tools: readonly unknown[];
    /** Revision of the protocol that it answered in. */
    readonly protocol: string;
}

/** A conversation with a server, in one of the two eras. */
interface Manner {
    readonly protocol: string;
    readonly headers: Headers;
    readonly meta: Params | undefined;
    /** A session's id; without one there is nothing to close. */
    readonly session?: string;
    readonly since: number;
}

const SESSIONLESS = "2026-07-28";
const NEWEST_WITH_SESSION = "2025-11-25";
/** A session is renewed after this: a server has to be able to open one, too. */
const SESSION_LIFE_MS = 60_000;
const CLOSE_LIMIT_MS = 1_000;
/** More pages than this are a server that never ends its list. */
const MOST_PAGES = 50;
/** More than this is no list of tools that a model could be given; what is read of it has to fit into memory. */
const MOST_TOOLS = 1_000;
const MOST_LIST_BYTES = 1024 * 1024;

/** Who asks, and how. */
export interface ConversationOptions {
    /** Name the asking program goes by. */
    readonly client: string;
    /** Host header, for a server that is reached by another address than those it answers to. @default the URL's */
    readonly host?: string;
    /** Bearer token. @default none is sent */
    readonly token?: string;
}

export class McpConversation {
    readonly #url: URL;
    readonly #client: Params;
    /** Headers of every request. */
    readonly #fixed: Headers;
    readonly #agent = new Agent({ keepAlive: true });
    #manner: Manner | undefined;
    #lastId = 0;

    constructor(url: URL, { client, host, token }: ConversationOptions) {
        this.#url = url;
        this.#client = { name: client, version: "0.1.0" };
        this.#fixed = {
            ...(host === undefined ? {} : { host }),
            ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        };
    }

    /**
     * Lists the tools, in the manner that worked last time first. One that has stopped working is not
     * a failure yet: a restarted server has forgotten its sessions.
     */
    async listTools(signal: AbortSignal): Promise<McpAnswer> {
        const known = this.#manner;
        const refusals: { error: AnswerError; opened: boolean }[] = [];
        for (const greet of this.#ways(known, signal)) {
            let manner: Manner | undefined;
            try {
                manner = await greet();
                const tools = await this.#allTools(manner, signal);
                void this.#keep(manner);
                return { tools, protocol: manner.protocol };
            } catch (error) {
                if (!(error instanceof AnswerError)) throw error;
                const opened = manner && manner !== known && manner.meta === undefined;
                refusals.push({ error, opened: opened === true });
            }
        }
        if (this.#manner?.session) void this.#keep(undefined);
        // One of the eras always gets "no such session" or "no such method": that is not the reason.
        const telling =
            refusals.find(({ opened }) => opened) ??
            refusals.find(({ error }) => error.serverSide) ??
            (known ? refusals[0] : refusals.at(-1));
        throw telling?.error ?? new AnswerError("no answer", true);
    }

    /**
     * Calls a tool in the manner that `listTools` has found.
     *
     * @returns the text of an error result; undefined when the tool worked
     */
    async callTool(name: string, args: Params, signal: AbortSignal): Promise<string | undefined> {
        const manner = this.#manner;
        if (!manner) throw new Error("tools/call before tools/list");
        const params = { name, arguments: args };
        const result = await this.#ask(manner, "tools/call", params, signal, { name });
        if (result.isError !== true) return undefined;
        const content = Array.isArray(result.content) ? (result.content as unknown[]) : [];
        const texts = content.map((part) => (part as { text?: unknown } | null)?.text);
        return reasonIn(texts.filter((text) => typeof text === "string").join(" "));
    }

    /** Closes the session, if there is one, and all connections. */
    async close(): Promise<void> {
        await this.#keep(undefined);
        this.#agent.destroy();
    }

    /** What to try, in this order. */
    #ways(known: Manner | undefined, signal: AbortSignal): (() => Manner | Promise<Manner>)[] {
        const open = (): Promise<Manner> => this.#openSession(signal);
        const sessionless = (): Manner => this.#sessionless();
        if (!known) return [sessionless, open];
        const again = (): Manner => known;
        if (known.meta !== undefined) return [again, open];
        const old = known.session && performance.now() - known.since > SESSION_LIFE_MS;
        return old ? [open, sessionless] : [again, open, sessionless];
    }

    async #openSession(signal: AbortSignal): Promise<Manner> {
        const id = ++this.#lastId;
        const params = {
            protocolVersion: NEWEST_WITH_SESSION,
            capabilities: {},
            clientInfo: this.#client,
        };
        const response = await this.#post({ id, method: "initialize", params }, {}, signal);
        const session = response.headers["mcp-session-id"];
        const { protocolVersion } = await readResult(response, id);
        if (typeof protocolVersion !== "string" || !/^[\w.-]{1,32}$/.test(protocolVersion)) {
            throw new AnswerError("initialize: no protocol version in the answer", true);
        }
        const headers = {
            "mcp-protocol-version": protocolVersion,
            ...(typeof session === "string" ? { "mcp-session-id": session } : {}),
        };
        const manner = {
            protocol: protocolVersion,
            headers,
            meta: undefined,
            ...(typeof session === "string" ? { session } : {}),
            since: performance.now(),
        };
        // Known from here on, so that it is closed again whatever comes.
        void this.#keep(manner);
        drain(await this.#post({ method: "notifications/initialized" }, headers, signal));
        return manner;
    }

    async #allTools(manner: Manner, signal: AbortSignal): Promise<unknown[]> {
        const found: unknown[] = [];
        const budget = { whole: MOST_LIST_BYTES, left: MOST_LIST_BYTES };
        let cursor: unknown;
        for (let page = 0; page < MOST_PAGES; page++) {
            const params = cursor === undefined ? {} : { cursor };
            const result = await this.#ask(manner, "tools/list", params, signal, { budget });
            if (!Array.isArray(result.tools)) {
                throw new AnswerError("tools/list: no list of tools in the answer", true);
            }
            if (found.length + result.tools.length > MOST_TOOLS) {
                throw new AnswerError(`more than ${MOST_TOOLS} tools`, true);
            }
            for (const tool of result.tools as unknown[]) found.push(tool);
            cursor = result.nextCursor;
            if (typeof cursor !== "string" || cursor === "") return found;
        }
        throw new AnswerError(`more than ${MOST_PAGES} pages`, true);
    }

    async #ask(
        { headers, meta }: Manner,
        method: string,
        params: Params,
        signal: AbortSignal,
        { name, budget }: { readonly name?: string; readonly budget?: Budget },
    ): Promise<Params> {
        const id = ++this.#lastId;
        const own =
            meta === undefined
                ? {}
                : { "mcp-method": method, ...(name === undefined ? {} : { "mcp-name": name }) };
        const body = {
            id,
            method,
            params: meta === undefined ? params : { ...params, _meta: meta },
        };
        const response = await this.#post(body, { ...headers, ...own }, signal);
        return readResult(response, id, budget);
    }

    #post(message: Params, headers: Headers, signal: AbortSignal): Promise<IncomingMessage> {
        return send({
            url: this.#url,
            method: "POST",
            headers: {
                ...this.#fixed,
                "content-type": "application/json",
                accept: "application/json, text/event-stream",
                ...headers,
            },
            body: JSON.stringify({ jsonrpc: "2.0", ...message }),
            agent: this.#agent,
            signal,
        });
    }

    /** Takes up a manner; the session of the one before is closed, which nobody has to wait for. */
    async #keep(manner: Manner | undefined): Promise<void> {
        const before = this.#manner;
        this.#manner = manner;
        if (!before?.session || before === manner) return;
        const headers = { ...this.#fixed, ...before.headers };
        const signal = AbortSignal.timeout(CLOSE_LIMIT_MS);
        const ask = { url: this.#url, method: "DELETE", headers, agent: this.#agent, signal };
        await send(ask).then(drain, () => undefined);
    }

    #sessionless(): Manner {
        const meta = {
            "io.modelcontextprotocol/protocolVersion": SESSIONLESS,
            "io.modelcontextprotocol/clientInfo": this.#client,
            "io.modelcontextprotocol/clientCapabilities": {},
        };
        const headers = { "mcp-protocol-version": SESSIONLESS };
        return { protocol: SESSIONLESS, headers, meta, since: performance.now() };
    }
}

/** Many tools pack the reason of a failure into JSON. */
function reasonIn(text: string): string {
    try {
        const { error } = JSON.parse(text) as { error?: unknown };
        if (typeof error === "string") return error;
    } catch {
        // Plain words.
    }
    return text || "no reason given";
}
