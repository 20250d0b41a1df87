/** An MCP server for tests that can be any era, and misbehave in any way, from one request to the next. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

interface Message {
    id?: number;
    method?: string;
    params?: Record<string, unknown>;
}

/** What the server does with requests, besides the era's rules. */
export interface Behaviour {
    /** Which revisions it knows; "stateless": initialize without a session. */
    era: "sessionless" | "session" | "stateless";
    tools: number;
    /** Answer after this time. */
    delayMs: number;
    /** Never answer. */
    hang: boolean;
    /** Every answer has this status and body. */
    raw: { status: number; type: string; body: string } | undefined;
    /** Cut the connection. */
    reset: boolean;
    /** As event stream; "open": one that does not end. */
    stream: "no" | "ends" | "open";
    /** JSON-RPC error of tools/list. */
    listError: { code: number; message: string } | undefined;
    /** Text of the error result of every tool; undefined: it works. */
    toolError: string | undefined;
    /** Tools on one page. */
    pageSize: number;
    /** Length of each tool's description; 0: none. */
    description: number;
}

export class FakeMcp {
    readonly is: Behaviour = {
        era: "sessionless",
        tools: 3,
        delayMs: 0,
        hang: false,
        raw: undefined,
        reset: false,
        stream: "no",
        listError: undefined,
        toolError: undefined,
        pageSize: 1000,
        description: 0,
    };
    readonly sessions = new Set<string>();
    readonly calls: string[] = [];
    readonly toolCalls: unknown[] = [];
    /** Most requests under way at once for one path. */
    mostAtOnce = 0;
    closedSessions = 0;
    port = 0;
    readonly #underWay = new Map<string, number>();
    #server: Server | undefined;
    #count = 0;

    static async start(behaviour: Partial<Behaviour> = {}): Promise<FakeMcp> {
        const server = new FakeMcp();
        Object.assign(server.is, behaviour);
        await server.up();
        return server;
    }

    async up(): Promise<void> {
        this.#server = createServer((request, response) => {
            const path = request.url ?? "";
            const now = (this.#underWay.get(path) ?? 0) + 1;
            this.#underWay.set(path, now);
            this.mostAtOnce = Math.max(this.mostAtOnce, now);
            response.on("close", () =>
                this.#underWay.set(path, (this.#underWay.get(path) ?? 1) - 1),
            );
            void this.#answer(request, response);
        });
        this.#server.listen(this.port, "127.0.0.1");
        await once(this.#server, "listening");
        this.port = (this.#server.address() as AddressInfo).port;
    }

    /** Ends it as a crash does: nothing is remembered. */
    async down(): Promise<void> {
        const server = this.#server;
        if (!server?.listening) return;
        server.close();
        server.closeAllConnections();
        this.sessions.clear();
        await once(server, "close");
    }

    async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
        let text = "";
        request.setEncoding("utf8");
        try {
            for await (const part of request) text += String(part);
        } catch {
            return;
        }
        const { is } = this;
        const message = (text === "" ? {} : JSON.parse(text)) as Message;
        this.calls.push(message.method ?? String(request.method));
        if (is.hang) return;
        if (is.reset) return void request.socket.resetAndDestroy();
        if (is.delayMs > 0) await new Promise((resolve) => setTimeout(resolve, is.delayMs));
        if (is.raw) {
            response.writeHead(is.raw.status, { "content-type": is.raw.type });
            return void response.end(is.raw.body);
        }
        const session = String(request.headers["mcp-session-id"] ?? "");
        if (request.method === "DELETE") {
            if (this.sessions.delete(session)) this.closedSessions++;
            return void response.writeHead(200).end();
        }
        if (is.era === "sessionless") this.#modern(request, message, response);
        else this.#legacy(session, request, message, response);
    }

    #modern(request: IncomingMessage, message: Message, response: ServerResponse): void {
        const meta = (message.params?._meta ?? {}) as Record<string, unknown>;
        const fits =
            request.headers["mcp-protocol-version"] === "2026-07-28" &&
            request.headers["mcp-method"] === message.method &&
            meta["io.modelcontextprotocol/protocolVersion"] === "2026-07-28";
        if (!fits) return this.#error(response, 400, message, -32022, "unsupported version");
        this.#serve(message, response);
    }

    #legacy(
        session: string,
        request: IncomingMessage,
        message: Message,
        response: ServerResponse,
    ): void {
        const { era } = this.is;
        const version = request.headers["mcp-protocol-version"];
        if (version === "2026-07-28") {
            return this.#error(response, 400, message, -32000, "Unsupported protocol version");
        }
        if (message.method === "initialize") {
            const headers: Record<string, string> = { "content-type": "application/json" };
            if (era === "session") {
                const id = `session-${++this.#count}`;
                this.sessions.add(id);
                headers["mcp-session-id"] = id;
            }
            response.writeHead(200, headers);
            const result = { protocolVersion: "2025-06-18", capabilities: { tools: {} } };
            return void response.end(JSON.stringify({ jsonrpc: "2.0", id: message.id, result }));
        }
        if (era === "session" && !this.sessions.has(session)) {
            return this.#error(response, 404, message, -32001, "Session not found");
        }
        if (message.id === undefined) return void response.writeHead(202).end();
        this.#serve(message, response);
    }

    #serve(message: Message, response: ServerResponse): void {
        const { is } = this;
        if (message.method === "tools/call") {
            const { _meta: meta, ...call } = message.params ?? {};
            this.toolCalls.push(call);
            assert.equal(meta !== undefined, is.era === "sessionless");
            const text = is.toolError ?? "ok";
            const result = {
                content: [{ type: "text", text }],
                isError: is.toolError !== undefined,
            };
            return this.#send(response, { id: message.id, result });
        }
        if (message.method !== "tools/list") {
            return this.#error(response, 404, message, -32601, "Method not found");
        }
        if (is.listError) {
            return this.#error(response, 200, message, is.listError.code, is.listError.message);
        }
        const from = Number(message.params?.cursor ?? 0);
        const until = Math.min(from + is.pageSize, is.tools);
        const tools = Array.from({ length: until - from }, (_, i) => ({
            name: `tool-${from + i}`,
            ...(is.description > 0 ? { description: "x".repeat(is.description) } : {}),
        }));
        const result = { tools, ...(until < is.tools ? { nextCursor: String(until) } : {}) };
        this.#send(response, { id: message.id, result });
    }

    #send(response: ServerResponse, message: object): void {
        const { stream } = this.is;
        const body = JSON.stringify({ jsonrpc: "2.0", ...message });
        response.writeHead(200, {
            "content-type": stream === "no" ? "application/json" : "text/event-stream",
        });
        if (stream === "no") return void response.end(body);
        response.write(`: hello\n\ndata: {"jsonrpc":"2.0","method":"notifications/x"}\n\n`);
        response.write(`event: message\nid: 1\ndata: ${body}\n\n`);
        if (stream === "ends") response.end();
    }

    #error(
        response: ServerResponse,
        status: number,
        message: Message,
        code: number,
        text: string,
    ): void {
        response.writeHead(status, { "content-type": "application/json" });
        const error = { code, message: text };
        response.end(JSON.stringify({ jsonrpc: "2.0", id: message.id ?? null, error }));
    }
}
