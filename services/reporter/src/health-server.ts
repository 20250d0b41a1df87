/** GET /healthz on the loopback: whether the reporter's word counts at the moment. */
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

/** What /healthz answers; 200 only with status "ok". */
export interface Health {
    readonly status: "ok" | "unhealthy";
    readonly reason?: string;
    /** The watched Consul node. */
    readonly node: string;
    readonly services: number;
    readonly critical: number;
}

/** Listens on 127.0.0.1; rejects when the port is taken. */
export async function serveHealth(port: number, health: () => Health): Promise<Server> {
    const server = createServer((request, response) => {
        request.resume();
        const known = request.method === "GET" && request.url === "/healthz";
        const body = known ? health() : undefined;
        response.writeHead(body ? (body.status === "ok" ? 200 : 503) : 404, {
            "content-type": "application/json",
        });
        response.end(JSON.stringify(body ?? { status: "not found, GET /healthz" }));
    });
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
    return server;
}

/** The port that was chosen. */
export function portOf(server: Server): number {
    return (server.address() as AddressInfo).port;
}
