/** A server that has everything, in both eras of the protocol on one URL, for tests on loopback. */
import { randomUUID } from "node:crypto";
import http, { type IncomingMessage, type ServerResponse } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";

import {
    NodeStreamableHTTPServerTransport,
    toNodeHandler,
    toWebRequest,
} from "@modelcontextprotocol/node";
import {
    createMcpHandler,
    isLegacyRequest,
    ProtocolError,
    ProtocolErrorCode,
    Server,
    type EventStore,
} from "@modelcontextprotocol/server";

import { PROMPTS, readResource, RESOURCES, TEMPLATE } from "./content.ts";
import { TOOLS } from "./tools.ts";
import { codec, type Notifier } from "./values.ts";

const LOCAL = /^(?:http:\/\/)?(?:localhost|127\.0\.0\.1|\[::1\])(?::\d+)?$/;
/** Items on a page of `tools/list`: fewer than there are, so that there is a second page. */
const PAGE = 20;

/** What a test can change about the fixture. */
export interface EverythingOptions {
    /** Listens here. @default any free port */
    readonly port?: number;
    /** Listens on this address. @default "127.0.0.1" */
    readonly host?: string;
    /** Host names that requests may name besides those of loopback. @default none */
    readonly names?: readonly string[];
}

/** The running fixture. What it saw and what it says can be looked at and changed. */
export class Everything {
    /** Headers of each request to the MCP endpoint. */
    readonly seen: http.IncomingHttpHeaders[] = [];
    /** Overrides of tools' descriptions by name. */
    readonly descriptions = new Map<string, string>();
    /** Open sessions (2025 revisions). */
    readonly sessions = new Map<string, NodeStreamableHTTPServerTransport>();
    readonly #servers = new Set<Server>();
    readonly #http: http.Server;
    readonly #modern = createMcpHandler(() => this.#createServer(), { legacy: "reject" });
    readonly #serveModern = toNodeHandler(this.#modern);

    readonly #names: ReadonlySet<string>;

    private constructor(names: readonly string[]) {
        this.#names = new Set(names);
        this.#http = http.createServer((req, res) => {
            this.#serve(req, res).catch((error: unknown) => {
                process.stderr.write(`everything: ${String(error)}\n`);
                res.destroy();
            });
        });
    }

    static async start({
        port = 0,
        host = "127.0.0.1",
        names = [],
    }: EverythingOptions = {}): Promise<Everything> {
        const everything = new Everything(names);
        everything.#http.listen(port, host);
        await once(everything.#http, "listening");
        return everything;
    }

    get port(): number {
        return (this.#http.address() as AddressInfo).port;
    }

    get origin(): string {
        return `http://127.0.0.1:${this.port}`;
    }

    /** Tells everyone that the tools have changed. */
    toolsChanged(): void {
        this.#notifier.toolsChanged();
    }

    /** Connections that are open now. */
    connections(): Promise<number> {
        return new Promise((resolve, reject) => {
            this.#http.getConnections((error, count) => (error ? reject(error) : resolve(count)));
        });
    }

    async close(): Promise<void> {
        this.#http.close();
        this.#http.closeAllConnections();
        await this.#modern.close();
    }

    async #serve(req: IncomingMessage, res: ServerResponse): Promise<void> {
        const { host = "", origin = "http://localhost" } = req.headers;
        const isMine = LOCAL.test(host) || this.#names.has(host.replace(/:\d+$/, ""));
        if (!isMine || !LOCAL.test(origin)) return void res.writeHead(403).end();
        this.seen.push(req.headers);
        const chunks: Buffer[] = [];
        for await (const chunk of req as AsyncIterable<Buffer>) chunks.push(chunk);
        const text = Buffer.concat(chunks).toString();
        const body: unknown = text === "" ? undefined : JSON.parse(text);
        const id = req.headers["mcp-session-id"];
        if (typeof id === "string" || !(await this.#isModern(req, body))) {
            return this.#serveSession(req, res, body);
        }
        await this.#serveModern(req, res, body);
    }

    async #isModern(req: IncomingMessage, body: unknown): Promise<boolean> {
        return !(await isLegacyRequest(await toWebRequest(req, body), body));
    }

    async #serveSession(req: IncomingMessage, res: ServerResponse, body: unknown): Promise<void> {
        const id = req.headers["mcp-session-id"];
        const known = typeof id === "string" ? this.sessions.get(id) : undefined;
        if (known) return known.handleRequest(req, res, body);
        if (id !== undefined) return void res.writeHead(404).end();
        const transport = new NodeStreamableHTTPServerTransport({
            sessionIdGenerator: randomUUID,
            eventStore: createEventStore(),
            retryInterval: 500,
            onsessioninitialized: (opened) => void this.sessions.set(opened, transport),
            onsessionclosed: (closed) => void this.sessions.delete(closed),
        });
        const server = this.#createServer();
        this.#servers.add(server);
        server.onclose = () => this.#servers.delete(server);
        await server.connect(transport);
        await transport.handleRequest(req, res, body);
    }

    get #notifier(): Notifier {
        return {
            toolsChanged: () => {
                this.#modern.notify.toolsChanged();
                for (const server of this.#servers) void server.sendToolListChanged();
            },
            promptsChanged: () => {
                this.#modern.notify.promptsChanged();
                for (const server of this.#servers) void server.sendPromptListChanged();
            },
        };
    }

    #createServer(): Server {
        const listChanged = true;
        const server = new Server(
            { name: "everything", version: "1.0.0" },
            {
                capabilities: {
                    tools: { listChanged },
                    prompts: { listChanged },
                    resources: { listChanged, subscribe: true },
                    logging: {},
                    completions: {},
                },
                instructions: "Only for tests",
                requestState: { verify: (state, ctx) => codec.verify(state, ctx) },
            },
        );
        this.#serveTools(server);
        serveContent(server);
        return server;
    }

    #serveTools(server: Server): void {
        server.setRequestHandler("tools/list", ({ params }) => {
            const from = Number(params?.cursor ?? 0);
            const page = Object.entries(TOOLS).slice(from, from + PAGE);
            const tools = page.map(([name, { description, inputSchema = { type: "object" } }]) => ({
                name,
                description: this.descriptions.get(name) ?? description,
                inputSchema,
            }));
            const more = from + PAGE < Object.keys(TOOLS).length;
            return { tools, ...(more && { nextCursor: String(from + PAGE) }) } as never;
        });
        server.setRequestHandler("tools/call", async ({ params }, ctx) => {
            const tool = TOOLS[params.name];
            if (!tool) {
                throw new ProtocolError(
                    ProtocolErrorCode.InvalidParams,
                    `Unknown tool: ${params.name}`,
                );
            }
            return (await tool.call(params.arguments ?? {}, ctx, this.#notifier)) as never;
        });
    }
}

function serveContent(server: Server): void {
    server.setRequestHandler("prompts/list", () => ({
        prompts: Object.entries(PROMPTS).map(([name, prompt]) => ({
            name,
            description: prompt.description,
            arguments: (prompt.arguments ?? []).map((one) => ({ name: one, required: true })),
        })),
    }));
    server.setRequestHandler("prompts/get", ({ params }, ctx) => {
        const prompt = PROMPTS[params.name];
        if (!prompt) throw new ProtocolError(ProtocolErrorCode.InvalidParams, "Unknown prompt");
        return prompt.get(params.arguments ?? {}, ctx) as never;
    });
    server.setRequestHandler("resources/list", () => ({
        resources: Object.entries(RESOURCES).map(([uri, { name, mimeType }]) => ({
            uri,
            name,
            mimeType,
        })),
    }));
    server.setRequestHandler("resources/templates/list", () => ({ resourceTemplates: [TEMPLATE] }));
    server.setRequestHandler("resources/read", ({ params }) => readResource(params.uri) as never);
    server.setRequestHandler("resources/subscribe", () => ({}));
    server.setRequestHandler("resources/unsubscribe", () => ({}));
    server.setRequestHandler("completion/complete", () => ({
        completion: { values: ["one", "two"], total: 2, hasMore: false },
    }));
}

/** Keeps a session's events, so that a client can come back for what it missed. */
function createEventStore(): EventStore {
    const events: { id: string; stream: string; message: unknown }[] = [];
    return {
        storeEvent: (stream, message) => {
            const id = `${stream}/${events.length}`;
            events.push({ id, stream, message });
            return Promise.resolve(id);
        },
        replayEventsAfter: async (last, { send }) => {
            const from = events.findIndex(({ id }) => id === last);
            const stream = events[from]?.stream ?? "";
            for (const event of events.slice(from + 1)) {
                const empty = Object.keys(event.message as object).length === 0;
                if (event.stream === stream && !empty) await send(event.id, event.message as never);
            }
            return stream;
        },
    };
}
