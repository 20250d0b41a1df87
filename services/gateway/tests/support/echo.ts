/**
 * The least a server can be: one tool that gives back what it gets, for bench/gateway.ts.
 * `node tests/support/echo.ts [stdio]`; without `stdio` it listens on any free port of loopback, in
 * both eras of the protocol, and prints its URL.
 */
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import http, { type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

import { NodeStreamableHTTPServerTransport, toNodeHandler } from "@modelcontextprotocol/node";
import { createMcpHandler, Server } from "@modelcontextprotocol/server";
import { StdioServerTransport } from "@modelcontextprotocol/server/stdio";

const MODERN = "2026-07-28";

function createServer(): Server {
    const server = new Server({ name: "echo", version: "1.0.0" }, { capabilities: { tools: {} } });
    const properties = { value: { type: "string" as const } };
    server.setRequestHandler("tools/list", () => ({
        tools: [
            {
                name: "echo",
                description: "Gives back what it gets",
                inputSchema: { type: "object", properties },
            },
        ],
    }));
    server.setRequestHandler("tools/call", ({ params }) => ({
        content: [{ type: "text", text: JSON.stringify(params.arguments ?? {}) }],
    }));
    return server;
}

async function listen(): Promise<void> {
    const sessions = new Map<string, NodeStreamableHTTPServerTransport>();
    const modern = toNodeHandler(createMcpHandler(createServer, { legacy: "reject" }));
    const serve = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
        if (req.headers["mcp-protocol-version"] === MODERN) return modern(req, res);
        const id = req.headers["mcp-session-id"];
        const known = typeof id === "string" ? sessions.get(id) : undefined;
        if (known) return known.handleRequest(req, res);
        const transport = new NodeStreamableHTTPServerTransport({
            sessionIdGenerator: randomUUID,
            onsessioninitialized: (opened) => void sessions.set(opened, transport),
            onsessionclosed: (closed) => void sessions.delete(closed),
        });
        await createServer().connect(transport);
        await transport.handleRequest(req, res);
    };
    const server = http.createServer((req, res) => {
        serve(req, res).catch((error: unknown) => {
            process.stderr.write(`echo: ${String(error)}\n`);
            res.destroy();
        });
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    process.stdout.write(`http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp\n`);
}

if (process.argv[2] === "stdio") await createServer().connect(new StdioServerTransport());
else await listen();
