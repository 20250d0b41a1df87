/** The manager's API with a fleet in memory, for tests of what is in front of it. */
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

import type { z } from "zod";

import type { containerList, outcome, statusBody } from "../../src/api/schemas.ts";
import type { ContainerView, LogRecord, ManagerEvent } from "../../src/model.ts";
import { staticFile } from "./dashboard-files.ts";

type Status = z.infer<typeof statusBody>;
type Role = Status["role"];

/** What `POST /containers/{name}/restart` does. */
type Restart = (name: string) => Promise<z.infer<typeof outcome> | Refusal>;

/** An answer that is no success. */
interface Refusal {
    readonly refused: number;
    readonly detail: string;
}

export const READ_TOKEN = "read-0123456789abcdef0123456789abcdef";
export const OPERATE_TOKEN = "operate-0123456789abcdef0123456789abc";

const GIB = 1024 ** 3;
const DAY_MS = 86_400_000;

export class StandInApi {
    readonly tokens = new Map<string, Role>([
        [READ_TOKEN, "read"],
        [OPERATE_TOKEN, "operate"],
    ]);
    daemon: Status["daemon"] = {
        reachable: true,
        version: "29.1.2",
        since: new Date(Date.now() - 97_200_000).toISOString(),
    };
    consul: Status["consul"] = { configured: true, reachable: true };
    edge: Status["edge"] = { configured: false };
    /** Every request, as "GET /status". */
    readonly requests: string[] = [];
    /** `Last-Event-ID` of every request for the events. */
    readonly resumedAt: (string | undefined)[] = [];
    restart: Restart = (name) =>
        Promise.resolve({ name, state: "running", health: "healthy", seconds: 1.5 });
    #startedAt = new Date();
    #containers = new Map<string, ContainerView>();
    #logs = new Map<string, LogRecord[]>();
    #events: ManagerEvent[] = [];
    readonly #eventStreams = new Set<ServerResponse>();
    readonly #logStreams = new Map<ServerResponse, string>();
    #server: Server | undefined;
    #port = 0;

    constructor(containers: readonly ContainerView[]) {
        for (const one of containers) this.#containers.set(one.name, one);
    }

    static async start(containers: readonly ContainerView[]): Promise<StandInApi> {
        const api = new StandInApi(containers);
        await api.up();
        return api;
    }

    get url(): string {
        return `http://127.0.0.1:${this.#port}/`;
    }

    /** Listens, at the second time on the port it had. */
    async up(): Promise<void> {
        this.#server = createServer((request, response) => void this.#answer(request, response));
        this.#server.listen(this.#port, "127.0.0.1");
        await once(this.#server, "listening");
        this.#port = (this.#server.address() as AddressInfo).port;
    }

    /** As when the manager dies: every connection ends. */
    async down(): Promise<void> {
        const server = this.#server;
        this.#server = undefined;
        if (!server) return;
        server.close();
        server.closeAllConnections();
        await once(server, "close");
    }

    /** Another manager on the same port, which numbers its events from one. */
    async replace(): Promise<void> {
        await this.down();
        this.#events = [];
        this.#startedAt = new Date();
        await this.up();
    }

    /** Changes one container. */
    change(name: string, change: Partial<ContainerView>): void {
        const before = this.#containers.get(name);
        if (!before) throw new Error(`no container ${name}`);
        this.#containers.set(name, { ...before, ...change });
    }

    emit(type: string, container?: string, detail?: string): void {
        const id = this.#events.length + 1;
        const event = { id, at: new Date().toISOString(), type, container, detail };
        this.#events.push(event);
        for (const stream of this.#eventStreams) stream.write(frame(event));
    }

    log(container: string, line: string, stream: LogRecord["stream"] = "stdout"): void {
        const record: LogRecord = { time: new Date().toISOString(), container, stream, line };
        const records = this.#logs.get(container) ?? [];
        this.#logs.set(container, [...records, record]);
        for (const [response, name] of this.#logStreams) {
            if (name === container) response.write(`${JSON.stringify(record)}\n`);
        }
    }

    async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
        const { pathname, searchParams } = new URL(request.url ?? "/", this.url);
        this.requests.push(`${request.method} ${request.url}`);
        const file = await staticFile(pathname);
        if (file) {
            response.writeHead(200, file.headers).end(file.body);
            return;
        }
        const role = this.tokens.get(request.headers.authorization?.replace("Bearer ", "") ?? "");
        if (!role) {
            refuse(response, 401, "the token is not accepted");
            return;
        }
        const [, name, what] = /^\/containers\/([\w.-]+)\/(logs|restart)$/.exec(pathname) ?? [];
        if (pathname === "/status") send(response, 200, this.#status(role));
        else if (pathname === "/containers") send(response, 200, this.#list());
        else if (pathname === "/events") this.#openEvents(request, response);
        else if (name && what === "logs") {
            this.#openLog(response, name, Number(searchParams.get("tail") ?? 100));
        } else if (name && what === "restart" && request.method === "POST") {
            if (role !== "operate") refuse(response, 403, "this needs the operate token");
            else {
                const came = await this.restart(name);
                if ("refused" in came) refuse(response, came.refused, came.detail);
                else send(response, 200, came);
            }
        } else refuse(response, 404, `no ${pathname}`);
    }

    #status(role: Role): Status {
        const days = (count: number) => new Date(Date.now() + (count + 0.5) * DAY_MS).toISOString();
        return {
            stack: "dev",
            role,
            version: "0.1.0",
            startedAt: this.#startedAt.toISOString(),
            uptimeSeconds: (Date.now() - this.#startedAt.getTime()) / 1000,
            at: new Date().toISOString(),
            counts: {
                containers: 0,
                servers: 0,
                running: 0,
                healthy: 0,
                unhealthy: 0,
                answering: 0,
            },
            daemon: this.daemon,
            disks: [
                { name: "data", usedBytes: 11.4 * GIB, totalBytes: 64 * GIB },
                { name: "logs", usedBytes: 1.7 * GIB, totalBytes: 2 * GIB },
            ],
            certificates: [
                { name: "ca", expiresAt: days(3_588) },
                { name: "client", expiresAt: days(24) },
                { name: "server", expiresAt: days(303) },
            ],
            consul: this.consul,
            edge: this.edge,
        };
    }

    #list(): z.input<typeof containerList> {
        const containers = [...this.#containers.values()] as z.input<
            typeof containerList
        >["containers"];
        return { at: new Date().toISOString(), daemon: this.daemon, containers };
    }

    #openEvents(request: IncomingMessage, response: ServerResponse): void {
        const last = request.headers["last-event-id"];
        this.resumedAt.push(Array.isArray(last) ? last[0] : last);
        response.writeHead(200, { "Content-Type": "text/event-stream", "X-Accel-Buffering": "no" });
        response.write("retry: 2000\n\n");
        const known = Number(last) <= this.#events.length;
        if (!known) response.write('event: gap\ndata: {"detail":"events were missed"}\n\n');
        for (const event of this.#events) {
            if (!known || event.id > Number(last)) response.write(frame(event));
        }
        this.#eventStreams.add(response);
        response.once("close", () => this.#eventStreams.delete(response));
    }

    #openLog(response: ServerResponse, name: string, tail: number): void {
        response.writeHead(200, { "Content-Type": "application/x-ndjson" });
        response.flushHeaders();
        for (const record of (this.#logs.get(name) ?? []).slice(-tail)) {
            response.write(`${JSON.stringify(record)}\n`);
        }
        this.#logStreams.set(response, name);
        response.once("close", () => this.#logStreams.delete(response));
    }
}

function frame(event: ManagerEvent): string {
    return `id: ${event.id}\ndata: ${JSON.stringify(event)}\n\n`;
}

function send(response: ServerResponse, status: number, body: unknown): void {
    response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(body));
}

function refuse(response: ServerResponse, status: number, detail: string): void {
    send(response, status, { error: "refused", detail, remedy: "", requestId: "1" });
}
