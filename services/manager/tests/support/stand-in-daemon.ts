/**
 * A Docker daemon for tests: mutual TLS, and the part of its API the manager uses, with its real semantics where they
 * matter: names and ports taken, an event stream with a memory, endings that break every connection.
 */
import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo, Socket } from "node:net";

import type { Pair } from "./authority.ts";
import {
    createdFrom,
    inspected,
    listed,
    statsOf,
    type StandInContainer,
} from "./stand-in-container.ts";

interface Asked {
    readonly method: string;
    readonly path: string;
    readonly query: URLSearchParams;
    readonly body: Record<string, unknown>;
}

interface Answer {
    readonly status: number;
    readonly body?: unknown;
}

const MISSING = (what: string): Answer => ({ status: 404, body: { message: `No such ${what}` } });

export class StandInDaemon {
    readonly containers = new Map<string, StandInContainer>();
    readonly images = new Set<string>();
    readonly volumes = new Map<string, { Name: string; Labels: Record<string, string> | null }>();
    readonly networks = new Map<string, { Id: string; Name: string; Labels: object | null }>();
    /** Every request, as "GET /containers/json". */
    readonly requests: string[] = [];
    /** Accepts connections, reads requests, and answers none. */
    frozen = false;
    /** Requests like "GET /version" that it reads and leaves at that. */
    ignores: RegExp | undefined;
    /** Requests that it carries out without an answer. */
    silent: RegExp | undefined;
    /** Requests that it answers with 500. */
    refuses: RegExp | undefined;
    /** What a pull says at its end instead of succeeding. */
    pullFails: string | undefined;
    /** How a container that is started comes up. */
    startsAs: "healthy" | "starting" = "healthy";
    /** Answer of every start, instead of starting. */
    startFails: Answer | undefined;
    readonly #certificate: Pair;
    readonly #told: { readonly nano: number; readonly text: string }[] = [];
    readonly #listeners = new Set<ServerResponse>();
    readonly #sockets = new Set<Socket>();
    #server: Server | undefined;
    #port = 0;

    constructor(certificate: Pair) {
        this.#certificate = certificate;
    }

    get url(): string {
        return `https://127.0.0.1:${this.#port}`;
    }

    async up(): Promise<void> {
        const { ca, cert, key } = this.#certificate;
        const tls = { ca, cert, key, requestCert: true, rejectUnauthorized: true };
        this.#server = createServer(tls, (request, response) => {
            void this.#serve(request, response);
        });
        // Also those that are in their handshake, which the HTTP server does not know yet.
        this.#server.on("connection", (socket: Socket) => {
            this.#sockets.add(socket);
            socket.on("error", () => undefined);
            socket.on("close", () => this.#sockets.delete(socket));
        });
        this.#server.listen(this.#port, "127.0.0.1");
        await once(this.#server, "listening");
        this.#port = (this.#server.address() as AddressInfo).port;
    }

    /** Ends it as a kill does. */
    async down(): Promise<void> {
        const server = this.#server;
        if (!server?.listening) return;
        server.close();
        for (const socket of this.#sockets) socket.destroy();
        this.#listeners.clear();
        await once(server, "close");
    }

    /** Puts a running container there, without events. */
    add(name: string, body: Record<string, unknown>): StandInContainer {
        const container = createdFrom(name, body);
        this.containers.set(container.id, container);
        Object.assign(container, {
            state: "running",
            health: "healthy",
            startedAt: new Date().toISOString(),
        });
        return container;
    }

    /** Tells everyone who listens that something happened to a container. */
    emit(action: string, container: StandInContainer, attributes: object = {}): void {
        const nano = Math.max(Date.now() * 1e6, (this.#told.at(-1)?.nano ?? 0) + 1e3);
        const Actor = { ID: container.id, Attributes: { name: container.name, ...attributes } };
        const text = `${JSON.stringify({ Type: "container", Action: action, timeNano: nano, Actor })}\n`;
        this.#told.push({ nano, text });
        for (const listener of this.#listeners) listener.write(text);
    }

    async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
        let text = "";
        request.setEncoding("utf8");
        try {
            for await (const part of request) text += String(part);
        } catch {
            return;
        }
        const url = new URL(request.url ?? "/", this.url);
        const [method, path] = [request.method ?? "", url.pathname];
        this.requests.push(`${method} ${path}`);
        const asked = `${method} ${path}`;
        if (this.frozen || this.ignores?.test(asked)) return;
        if (path === "/events") return this.#listen(url, response);
        if (path.endsWith("/logs")) return void response.writeHead(200).flushHeaders();
        const body = (text === "" ? {} : JSON.parse(text)) as Record<string, unknown>;
        const { status, body: said } = this.#answer({
            method,
            path,
            query: url.searchParams,
            body,
        });
        if (this.silent?.test(asked)) return;
        response.writeHead(status, { "content-type": "application/json" });
        response.end(said === undefined ? "" : JSON.stringify(said));
    }

    #listen(url: URL, response: ServerResponse): void {
        response.writeHead(200, { "content-type": "application/json" });
        response.flushHeaders();
        const since = Number(url.searchParams.get("since") ?? 0) * 1e9;
        for (const { nano, text } of this.#told) if (nano >= since) response.write(text);
        this.#listeners.add(response);
        response.on("close", () => this.#listeners.delete(response));
    }

    #answer(asked: Asked): Answer {
        const { method, path, query, body } = asked;
        if (this.refuses?.test(`${method} ${path}`)) {
            return { status: 500, body: { message: "a defect of the daemon" } };
        }
        if (path === "/version") return { status: 200, body: { Version: "28.0.0-stand-in" } };
        if (path === "/containers/json") {
            return { status: 200, body: [...this.containers.values()].map(listed) };
        }
        if (path === "/containers/create") return this.#create(query.get("name") ?? "", body);
        if (path === "/images/create") {
            if (this.pullFails) return { status: 200, body: { error: this.pullFails } };
            this.images.add(query.get("fromImage") ?? "");
            return { status: 200, body: { status: "done" } };
        }
        if (path === "/volumes")
            return { status: 200, body: { Volumes: [...this.volumes.values()] } };
        if (path === "/networks") return { status: 200, body: [...this.networks.values()] };
        const [, kind = "", key = "", verb = ""] =
            /^\/(containers|images|volumes|networks)\/(.+?)(?:\/(json|stats|start|stop|restart))?$/.exec(
                path,
            ) ?? [];
        const name = decodeURIComponent(key);
        if (kind === "images") {
            return this.images.has(name) ? { status: 200, body: { Id: name } } : MISSING("image");
        }
        if (kind === "volumes") return { status: this.volumes.delete(name) ? 204 : 404 };
        if (kind === "networks") return { status: this.networks.delete(name) ? 204 : 404 };
        const container = this.containers.get(name);
        if (kind !== "containers" || !container) return MISSING("container");
        if (method !== "DELETE") return this.#act(verb, container);
        if (container.state === "running" && query.get("force") !== "true") {
            return { status: 409, body: { message: "cannot remove a running container" } };
        }
        return this.#act("remove", container);
    }

    #create(name: string, body: Record<string, unknown>): Answer {
        if ([...this.containers.values()].some((one) => one.name === name)) {
            return { status: 409, body: { message: `The name "/${name}" is already in use` } };
        }
        const container = createdFrom(name, body);
        this.containers.set(container.id, container);
        this.emit("create", container);
        return { status: 201, body: { Id: container.id, Warnings: [] } };
    }

    #act(verb: string, container: StandInContainer): Answer {
        switch (verb) {
            case "json":
                return { status: 200, body: inspected(container) };
            case "stats":
                return { status: 200, body: statsOf(container) };
            case "remove":
                this.containers.delete(container.id);
                this.emit("destroy", container);
                return { status: 204 };
            case "stop":
                // As Docker does.
                return container.state === "running" ? this.#stop(container) : { status: 304 };
            case "restart":
                this.#stop(container);
                return this.#start(container);
            default:
                if (container.state === "running") return { status: 304 };
                return this.startFails ?? this.#start(container);
        }
    }

    #start(container: StandInContainer): Answer {
        container.state = "running";
        container.startedAt = new Date().toISOString();
        if (container.health !== "none") container.health = this.startsAs;
        this.emit("start", container);
        return { status: 204 };
    }

    #stop(container: StandInContainer): Answer {
        container.state = "exited";
        this.emit("die", container, { exitCode: "0" });
        return { status: 204 };
    }
}
