import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";

/** A request as it arrived. */
export interface Seen {
    readonly method: string;
    readonly path: string;
    readonly headers: IncomingMessage["headers"];
    readonly bytes: number;
}

interface Stream {
    readonly response: ServerResponse;
    readonly closed: Promise<unknown>;
}

/**
 * Stands in for the gateway behind an edge: records what reaches it. Who accepts only `text/event-stream` gets a stream
 * that goes on when the test says so; anybody else gets 200 with the gateway's own answers to what the edge must not
 * leave to it, so that a header that is there twice is seen.
 */
export class StandInGateway {
    readonly #server: Server;
    readonly #seen: Seen[] = [];
    readonly #streams: Stream[] = [];
    #port = 0;

    private constructor(private readonly host: string) {
        this.#server = createServer((req, res) => void this.#serve(req, res));
    }

    /** Starts one; port 0 takes any. */
    static async open(host = "127.0.0.1", port = 0): Promise<StandInGateway> {
        const gateway = new StandInGateway(host);
        await gateway.#listen(port);
        return gateway;
    }

    get port(): number {
        return this.#port;
    }

    /** What came since the last call, health checks left out. */
    take(): Seen[] {
        return this.#seen.splice(0);
    }

    /** Sends one more event on every open stream. */
    emit(data: string): void {
        for (const { response } of this.#streams) response.write(`data: ${data}\n\n`);
    }

    /** Ends every open stream. */
    end(): void {
        for (const { response } of this.#streams.splice(0)) response.end();
    }

    /** Resolves when the one open stream was closed from the other side. */
    async abandoned(): Promise<void> {
        await Promise.all(this.#streams.splice(0).map(({ closed }) => closed));
    }

    /** Stops listening and breaks off every connection. */
    async close(): Promise<void> {
        const closed = once(this.#server, "close");
        this.#server.close();
        this.#server.closeAllConnections();
        await closed;
    }

    /** Listens again, on the same port. */
    reopen(): Promise<void> {
        return this.#listen(this.#port);
    }

    async #listen(port: number): Promise<void> {
        this.#server.listen(port, this.host);
        await once(this.#server, "listening");
        this.#port = (this.#server.address() as AddressInfo).port;
    }

    async #serve(req: IncomingMessage, res: ServerResponse): Promise<void> {
        if (req.url === "/healthz") return void res.end("ok");
        let bytes = 0;
        try {
            for await (const chunk of req) bytes += (chunk as Buffer).length;
        } catch {
            // Broken off by the edge: not a request.
            return;
        }
        const { method = "", url: path = "", headers } = req;
        this.#seen.push({ method, path, headers, bytes });
        if (headers.accept === "text/event-stream") {
            this.#streams.push({ response: res, closed: once(res, "close") });
            res.writeHead(200, { "Content-Type": "text/event-stream" });
            res.write("data: first\n\n");
            return;
        }
        res.setHeader("X-Correlation-ID", "of-the-gateway");
        res.setHeader("Mcp-Session-Id", "session-1");
        if (headers.origin !== undefined) {
            res.setHeader("Access-Control-Allow-Origin", headers.origin);
            res.setHeader("Access-Control-Expose-Headers", "Mcp-Session-Id");
            res.setHeader("Vary", "Origin");
        }
        res.end("answer of the gateway");
    }
}
