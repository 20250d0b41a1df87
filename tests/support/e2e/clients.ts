import {
    Client as ModernClient,
    StreamableHTTPClientTransport as ModernTransport,
} from "@modelcontextprotocol/client";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { ListRootsRequestSchema } from "@modelcontextprotocol/sdk/types.js";
import { z } from "zod";

const INFO = { name: "e2e", version: "0.0.0" };
const LIMIT = { timeout: 40_000 };

const toolAnswer = z.object({
    isError: z.boolean().default(false),
    content: z.array(z.object({ text: z.string() })),
});

/** What a tool said. */
export interface ToolAnswer {
    readonly isError: boolean;
    readonly text: string;
}

/** A client connected to a server, the same for both eras of the protocol. */
export interface Connection {
    /** What the server calls itself; known by `initialize` or by discovery. */
    readonly server: string;
    /** Revision both have agreed on. */
    readonly revision: string;
    tools(): Promise<string[]>;
    call(tool: string, args?: Record<string, unknown>): Promise<ToolAnswer>;
    close(): Promise<void>;
}

/** Folders the client offers as roots, as editors do. */
export type Roots = readonly { readonly uri: string; readonly name: string }[];

/** An endpoint of the gateway, and the token of who comes to it. */
export interface Door {
    readonly url: string;
    readonly token: string;
}

/** Connects a client; with `roots` it offers them. */
export type Connect = (door: Door, roots?: Roots) => Promise<Connection>;

const asBearer = ({ token }: Door): { requestInit: RequestInit } => ({
    requestInit: { headers: { Authorization: `Bearer ${token}` } },
});

function answer(result: unknown): ToolAnswer {
    const { isError, content } = toolAnswer.parse(result);
    return { isError, text: content.map(({ text }) => text).join("\n") };
}

/** A client of the 2025 revisions: `initialize`, and a session where the server gives one. */
const withSession: Connect = async (door, roots) => {
    const client = new Client(INFO, { capabilities: roots ? { roots: {} } : {} });
    if (roots) client.setRequestHandler(ListRootsRequestSchema, () => ({ roots: [...roots] }));
    const transport = new StreamableHTTPClientTransport(new URL(door.url), asBearer(door));
    await client.connect(transport, LIMIT);
    return {
        server: client.getServerVersion()?.name ?? "",
        revision: transport.protocolVersion ?? "",
        tools: async () => (await client.listTools(undefined, LIMIT)).tools.map(({ name }) => name),
        call: async (name, args) =>
            answer(await client.callTool({ name, arguments: args }, undefined, LIMIT)),
        close: async () => {
            await transport.terminateSession();
            await client.close();
        },
    };
};

/** A client of revision 2026-07-28, which knows no session; it refuses to fall back. */
const withoutSession: Connect = async (door, roots) => {
    const client = new ModernClient(INFO, {
        capabilities: roots ? { roots: {} } : {},
        versionNegotiation: { mode: { pin: "2026-07-28" } },
    });
    if (roots) client.setRequestHandler("roots/list", () => ({ roots: [...roots] }));
    await client.connect(new ModernTransport(new URL(door.url), asBearer(door)), LIMIT);
    return {
        server: client.getServerVersion()?.name ?? "",
        revision: client.getNegotiatedProtocolVersion() ?? "",
        tools: async () => (await client.listTools(undefined, LIMIT)).tools.map(({ name }) => name),
        call: async (name, args) => answer(await client.callTool({ name, arguments: args }, LIMIT)),
        close: () => client.close(),
    };
};

/** Both eras of the protocol, with the revision each client has to end up with. */
export const ERAS: readonly {
    readonly era: string;
    readonly revision: string;
    readonly connect: Connect;
}[] = [
    { era: "2025, with a session", revision: "2025-11-25", connect: withSession },
    { era: "2026, without a session", revision: "2026-07-28", connect: withoutSession },
];

/** Connects, works and leaves, also when the work fails. */
export async function connected<T>(
    door: Door | Promise<Door>,
    work: (connection: Connection) => Promise<T>,
    connect: Connect = withoutSession,
    roots?: Roots,
): Promise<T> {
    const connection = await connect(await door, roots);
    try {
        return await work(connection);
    } finally {
        await connection.close();
    }
}

/** One call of one tool. */
export function callTool(
    door: Door | Promise<Door>,
    tool: string,
    args?: Record<string, unknown>,
): Promise<ToolAnswer> {
    return connected(door, (connection) => connection.call(tool, args));
}

/** Asks until the server answers with its tools, or the time is up: then the last error. */
export async function answersWithin(
    door: Door | Promise<Door>,
    seconds: number,
): Promise<string[]> {
    const deadline = Date.now() + seconds * 1000;
    for (;;) {
        try {
            return await connected(door, (connection) => connection.tools());
        } catch (error) {
            if (Date.now() > deadline) throw error;
            await new Promise((resolve) => setTimeout(resolve, 300));
        }
    }
}
