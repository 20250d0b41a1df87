/**
 * A Consul for tests, with its real semantics where they matter: blocking queries, an index that moves
 * only when something changes, compare-and-set, checks that go with their service, ACL refusals.
 */
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

import type { FakeCheck, FakeService, Registration } from "./fake-catalog.ts";

interface AgentService {
    body: Record<string, unknown>;
    status: string;
    passes: number;
}

export const NODE = "mcp-servers";

export class FakeConsul {
    index = 10;
    nodeThere = true;
    readonly services = new Map<string, FakeService>();
    readonly checks = new Map<string, FakeCheck>();
    readonly agent = new Map<string, AgentService>();
    /** Every request, as "PUT /v1/txn". */
    readonly requests: string[] = [];
    /** Bodies of accepted check writes. */
    readonly checkWrites: FakeCheck[] = [];
    /** Tokens that may do everything; undefined: no ACLs. */
    tokens: Set<string> | undefined;
    /** Paths that match are refused with 403. */
    forbidden: RegExp | undefined;
    /** Read results are cut off by ACLs, as Consul does without an error. */
    filtered = false;
    /** Answers nothing. */
    hanging = false;
    /** Has just started: only a consistent read is refused instead of answered with the past. */
    replaying = false;
    /** Overrides the index header. */
    indexHeader: string | undefined;
    /** Called before a write takes effect. */
    beforeWrite: ((path: string) => void) | undefined;
    readonly #waiting = new Set<() => void>();
    #server: Server;
    #port = 0;

    constructor() {
        this.#server = this.#create();
    }

    static async start(): Promise<FakeConsul> {
        const consul = new FakeConsul();
        await consul.up();
        return consul;
    }

    get url(): string {
        return `http://127.0.0.1:${this.#port}`;
    }

    async up(): Promise<void> {
        this.#server = this.#create();
        this.#server.listen(this.#port, "127.0.0.1");
        await once(this.#server, "listening");
        this.#port = (this.#server.address() as AddressInfo).port;
    }

    async down(): Promise<void> {
        const { listening } = this.#server;
        this.#server.close();
        this.#server.closeAllConnections();
        if (listening) await once(this.#server, "close");
    }

    /** What Pulumi does: the whole registration, the check as it knows it. */
    register({ id, port, meta, address = "127.0.0.1", check }: Registration): void {
        this.index++;
        const before = this.services.get(id);
        this.services.set(id, {
            ID: id,
            Service: id,
            Address: address,
            Port: port,
            Tags: ["mcp"],
            Meta: { ...meta },
            CreateIndex: before?.CreateIndex ?? this.index,
            ModifyIndex: this.index,
        });
        if (check) {
            this.checks.set(`mcp:${id}`, {
                Node: NODE,
                CheckID: `mcp:${id}`,
                Name: "MCP health",
                Status: check.status,
                Output: check.output,
                Notes: "kept",
                ServiceID: id,
                ServiceName: id,
                Definition: { Interval: "2s", Timeout: "7s" },
                ModifyIndex: this.index,
            });
        }
        this.changed();
    }

    deregister(id: string): void {
        this.services.delete(id);
        this.checks.delete(`mcp:${id}`);
        this.index++;
        this.changed();
    }

    removeCheck(id: string): void {
        this.checks.delete(`mcp:${id}`);
        this.index++;
        this.changed();
    }

    /** Somebody writes the status by hand. */
    setStatus(id: string, status: string): void {
        Object.assign(this.check(id) ?? {}, { Status: status, ModifyIndex: ++this.index });
        this.changed();
    }

    check(id: string): FakeCheck | undefined {
        return this.checks.get(`mcp:${id}`);
    }

    /** Wakes blocking queries. */
    changed(): void {
        for (const wake of this.#waiting) wake();
    }

    #create(): Server {
        return createServer((request, response) => {
            void this.#answer(request, response);
        });
    }

    async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
        let text = "";
        request.setEncoding("utf8");
        for await (const part of request) text += String(part);
        const url = new URL(request.url ?? "/", this.url);
        this.requests.push(`${request.method} ${url.pathname}`);
        if (this.hanging) return;
        const say = (status: number, body: unknown): void => {
            response.writeHead(status, { "content-type": "application/json" });
            response.end(typeof body === "string" ? body : JSON.stringify(body));
        };
        const token = request.headers["x-consul-token"];
        if (this.tokens && !this.tokens.has(String(token))) return say(403, "ACL not found");
        if (this.forbidden?.test(url.pathname)) {
            return say(403, "Permission denied: token lacks permission");
        }
        if (request.method === "GET") return this.#read(url, request, response);
        this.beforeWrite?.(url.pathname);
        const body = (text === "" ? {} : JSON.parse(text)) as Record<string, unknown>;
        this.#write(url.pathname, body, say);
    }

    async #read(url: URL, request: IncomingMessage, response: ServerResponse): Promise<void> {
        if (this.replaying && url.searchParams.has("consistent")) {
            response.writeHead(500);
            return void response.end("Not ready to serve consistent reads");
        }
        const asked = Number(url.searchParams.get("index") ?? 0);
        if (asked > 0 && this.index <= asked) {
            const waitMs = Number.parseInt(url.searchParams.get("wait") ?? "1000ms", 10);
            await this.#change(asked, waitMs, request);
        }
        const headers = {
            "content-type": "application/json",
            "x-consul-index": this.indexHeader ?? String(this.index),
            ...(this.filtered ? { "x-consul-results-filtered-by-acls": "true" } : {}),
        };
        const hidden = this.filtered || !this.nodeThere || this.replaying;
        let body: unknown;
        if (url.pathname === `/v1/catalog/node-services/${NODE}`) {
            body = hidden
                ? { Node: null, Services: null }
                : { Node: { Address: "127.0.0.1" }, Services: [...this.services.values()] };
        } else if (url.pathname === `/v1/health/node/${NODE}`) {
            body = hidden ? [] : [...this.checks.values()];
        }
        response.writeHead(body === undefined ? 404 : 200, headers);
        response.end(JSON.stringify(body ?? "no such path"));
    }

    #change(asked: number, waitMs: number, request: IncomingMessage): Promise<void> {
        return new Promise((resolve) => {
            const done = (): void => {
                clearTimeout(timer);
                this.#waiting.delete(wake);
                request.socket.off("close", done);
                resolve();
            };
            const wake = (): void => {
                // A restore ends every wait.
                if (this.index !== asked) done();
            };
            const timer = setTimeout(done, waitMs);
            this.#waiting.add(wake);
            request.socket.once("close", done);
        });
    }

    #write(
        path: string,
        body: Record<string, unknown>,
        say: (status: number, body: unknown) => void,
    ): void {
        if (path === "/v1/catalog/register") return this.#registerCheck(body, say);
        if (path === "/v1/txn") return this.#transaction(body, say);
        const [, verb, id] = /^\/v1\/agent\/(.+?)\/?((?<=\/)[^/]+)?$/.exec(path) ?? [];
        if (path === "/v1/agent/service/register") {
            const { Status: status } = body.Check as { Status: string };
            this.agent.set(String(body.ID), { body, status, passes: 0 });
            return say(200, "");
        }
        if (verb === "check/pass") {
            const service = this.agent.get(decodeURIComponent(id ?? "").replace("service:", ""));
            if (!service) return say(404, `Unknown check ID "${id}"`);
            service.status = "passing";
            service.passes++;
            return say(200, "");
        }
        if (verb === "service/deregister") {
            return say(this.agent.delete(id ?? "") ? 200 : 404, "");
        }
        say(404, "no such path");
    }

    #registerCheck(
        body: Record<string, unknown>,
        say: (status: number, body: unknown) => void,
    ): void {
        const check = body.Check as FakeCheck;
        if (body.Node !== NODE || body.SkipNodeUpdate !== true || "Service" in body) {
            return say(400, "the reporter may write checks only");
        }
        if (!this.services.has(check.ServiceID)) {
            return say(
                500,
                `Unknown service ID '${check.ServiceID}' for check ID '${check.CheckID}'`,
            );
        }
        this.checkWrites.push(check);
        const before = this.checks.get(check.CheckID);
        const { ModifyIndex = 0, ...old } = before ?? {};
        if (JSON.stringify(old) !== JSON.stringify(check) || ModifyIndex === 0) {
            this.index++;
            this.checks.set(check.CheckID, { ...check, ModifyIndex: this.index });
            this.changed();
        }
        say(200, true);
    }

    #transaction(body: unknown, say: (status: number, body: unknown) => void): void {
        const [operation] = body as [
            { Service: { Verb: string; Node: string; Service: FakeService } },
        ];
        const { Verb: verb, Node: node, Service: wanted } = operation.Service;
        const current = this.services.get(wanted.ID);
        if (verb !== "cas" || node !== NODE || current?.ModifyIndex !== wanted.ModifyIndex) {
            return say(409, { Results: null, Errors: [{ OpIndex: 0, What: "index is stale" }] });
        }
        this.index++;
        this.services.set(wanted.ID, { ...wanted, ModifyIndex: this.index });
        this.changed();
        say(200, { Results: [], Errors: null });
    }
}
