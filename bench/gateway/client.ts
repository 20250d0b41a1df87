/** The bench's MCP client: as little as can be between the clock and the wire. */
import type { ChildProcessByStdio } from "node:child_process";
import { Agent, request } from "node:http";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";

export const SESSIONS = "2025-11-25";
export const MODERN = "2026-07-28";
export type Revision = typeof SESSIONS | typeof MODERN;

const INFO = { name: "bench", version: "0" };
const LIMIT_MS = 30_000;
const LONGEST_ERROR = 300;

/** One client of whatever is measured. */
export interface EchoClient {
    /** Gets ready to call. */
    open(): Promise<void>;
    /** One call of the echo tool; rejects unless the value comes back. */
    call(value: string): Promise<void>;
    close(): void;
}

/** Where a client calls, and what it says there. */
export interface HttpTarget {
    readonly url: string;
    /** Name of the echo tool there. */
    readonly tool: string;
    readonly revision: Revision;
    readonly token?: string;
}

/** A client with one connection of its own, kept alive, and one session if the revision has them. */
export class HttpEcho implements EchoClient {
    readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });
    readonly #headers: Record<string, string>;
    #lastId = 0;

    constructor(private readonly target: HttpTarget) {
        this.#headers = {
            "content-type": "application/json",
            accept: "application/json, text/event-stream",
            ...(target.token !== undefined && { authorization: `Bearer ${target.token}` }),
        };
    }

    async open(): Promise<void> {
        const { revision, tool } = this.target;
        if (revision === SESSIONS) {
            const params = { protocolVersion: revision, capabilities: {}, clientInfo: INFO };
            const { session } = await this.#post({ id: 0, method: "initialize", params });
            this.#headers["mcp-protocol-version"] = revision;
            if (session !== undefined) this.#headers["mcp-session-id"] = session;
            await this.#post({ method: "notifications/initialized" });
        } else {
            this.#headers["mcp-protocol-version"] = revision;
            this.#headers["mcp-method"] = "tools/call";
            this.#headers["mcp-name"] = tool;
        }
    }

    async call(value: string): Promise<void> {
        const { tool, revision } = this.target;
        const id = (this.#lastId += 1);
        const params = {
            name: tool,
            arguments: { value },
            ...(revision === MODERN && {
                _meta: {
                    "io.modelcontextprotocol/protocolVersion": revision,
                    "io.modelcontextprotocol/clientInfo": INFO,
                    "io.modelcontextprotocol/clientCapabilities": {},
                },
            }),
        };
        const { text } = await this.#post({ id, method: "tools/call", params });
        expectEcho(text, value);
    }

    close(): void {
        this.#agent.destroy();
    }

    #post(message: object): Promise<{ text: string; session: string | undefined }> {
        const body = JSON.stringify({ jsonrpc: "2.0", ...message });
        return new Promise((resolve, reject) => {
            const sent = request(this.target.url, {
                method: "POST",
                agent: this.#agent,
                headers: { ...this.#headers, "content-length": Buffer.byteLength(body) },
                timeout: LIMIT_MS,
            });
            sent.on("timeout", () => sent.destroy(new Error("no answer in time")));
            sent.on("error", reject);
            sent.on("response", (answer) => {
                const parts: Buffer[] = [];
                answer.on("data", (part: Buffer) => parts.push(part));
                answer.on("error", reject);
                answer.on("end", () => {
                    const text = Buffer.concat(parts).toString();
                    const { statusCode = 0, headers } = answer;
                    const session = headers["mcp-session-id"];
                    if (statusCode >= 300) {
                        const shown = text.slice(0, LONGEST_ERROR);
                        reject(
                            new Error(`${this.target.url}: HTTP ${String(statusCode)} ${shown}`),
                        );
                    } else resolve({ text, session: session as string | undefined });
                });
            });
            sent.end(body);
        });
    }
}

/** A stdio server's two pipes; all clients of the floor share it, as they share it behind a bridge. */
export class StdioEcho implements EchoClient {
    readonly #waiting = new Map<number, (line: string) => void>();
    #lastId = 0;

    constructor(private readonly child: ChildProcessByStdio<Writable, Readable, null>) {
        createInterface({ input: child.stdout }).on("line", (line) => {
            const { id } = JSON.parse(line) as { id?: number };
            if (id === undefined) return;
            this.#waiting.get(id)?.(line);
            this.#waiting.delete(id);
        });
    }

    async open(): Promise<void> {
        if (this.#lastId > 0) return;
        const params = { protocolVersion: SESSIONS, capabilities: {}, clientInfo: INFO };
        await this.#ask("initialize", params);
        this.#write({ method: "notifications/initialized" });
    }

    async call(value: string): Promise<void> {
        const text = await this.#ask("tools/call", { name: "echo", arguments: { value } });
        expectEcho(text, value);
    }

    close(): void {
        // The pipes belong to the process, and end with it.
    }

    #ask(method: string, params: object): Promise<string> {
        const id = (this.#lastId += 1);
        return new Promise((resolve) => {
            this.#waiting.set(id, resolve);
            this.#write({ id, method, params });
        });
    }

    #write(message: object): void {
        this.child.stdin.write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`);
    }
}

function expectEcho(text: string, value: string): void {
    // The tool's text is JSON inside JSON, so quotes come escaped.
    if (!text.includes(value) || text.includes('"isError":true')) {
        throw new Error(`not the echo of ${value}: ${text.slice(0, LONGEST_ERROR)}`);
    }
}
