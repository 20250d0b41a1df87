import { createSocket } from "node:dgram";
import { createServer, request, type IncomingHttpHeaders } from "node:http";
import https from "node:https";
import { connect, type AddressInfo } from "node:net";

/** An HTTP answer. */
export interface Answer {
    readonly status: number;
    readonly headers: IncomingHttpHeaders;
    readonly body: string;
}

/** What goes into a request beside its address. */
export interface Question {
    readonly method?: string;
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: string;
    /** TLS material; for https addresses. */
    readonly tls?: https.RequestOptions;
}

/** The revision of MCP without sessions. */
const REVISION = "2026-07-28";

/** One HTTP exchange with any headers, `Host` and `Origin` included, which `fetch` would not send. */
export function ask(url: string, question: Question = {}): Promise<Answer> {
    const { method = "GET", headers = {}, body, tls = {} } = question;
    const options = { method, headers, agent: false, timeout: 20_000 };
    return new Promise((resolve, reject) => {
        const sent = url.startsWith("https:")
            ? https.request(url, { ...options, ...tls })
            : request(url, options);
        sent.on("response", (response) => {
            const parts: Buffer[] = [];
            response.on("data", (part: Buffer) => parts.push(part)).on("error", reject);
            response.on("end", () => {
                const { statusCode: status = 0, headers: got } = response;
                resolve({ status, headers: got, body: Buffer.concat(parts).toString() });
            });
        });
        sent.on("timeout", () => sent.destroy(new Error("timed out"))).on("error", reject);
        sent.end(body);
    });
}

/** One JSON-RPC request, as clients of Streamable HTTP send it. */
function postMessage(
    url: string,
    headers: Readonly<Record<string, string>>,
    message: { readonly method: string; readonly params: object },
    tls?: Question["tls"],
): Promise<Answer> {
    return ask(url, {
        method: "POST",
        headers: {
            "Content-Type": "application/json",
            Accept: "application/json, text/event-stream",
            ...headers,
        },
        body: JSON.stringify({ jsonrpc: "2.0", id: 1, ...message }),
        ...(tls ? { tls } : {}),
    });
}

/** An `initialize` request with these headers besides the usual ones. */
export function initialize(
    url: string,
    headers: Readonly<Record<string, string>>,
    { revision = "2025-06-18", tls }: { revision?: string; tls?: Question["tls"] } = {},
): Promise<Answer> {
    const params = {
        protocolVersion: revision,
        capabilities: {},
        clientInfo: { name: "e2e", version: "0.0.0" },
    };
    return postMessage(url, headers, { method: "initialize", params }, tls);
}

/** A request of revision 2026-07-28, which knows no session. */
export function askWithoutSession(
    url: string,
    token: string,
    method: string,
    params: { readonly name?: string; readonly arguments?: object } = {},
    { headers, tls }: Pick<Question, "headers" | "tls"> = {},
): Promise<Answer> {
    const own = {
        Authorization: `Bearer ${token}`,
        "MCP-Protocol-Version": REVISION,
        "MCP-Method": method,
        ...(params.name === undefined ? {} : { "MCP-Name": params.name }),
    };
    const meta = {
        "io.modelcontextprotocol/protocolVersion": REVISION,
        "io.modelcontextprotocol/clientInfo": { name: "e2e", version: "0.0.0" },
        "io.modelcontextprotocol/clientCapabilities": {},
    };
    const message = { method, params: { ...params, _meta: meta } };
    return postMessage(url, { ...own, ...headers }, message, tls);
}

/** Why a TCP connection fails, as the error's code; "open" when it does not. */
export function knock(address: string, port: number): Promise<string> {
    return new Promise((resolve) => {
        const socket = connect({ host: address, port, timeout: 3000 });
        const end = (how: string): void => {
            socket.destroy();
            resolve(how);
        };
        socket.once("connect", () => end("open"));
        socket.once("timeout", () => end("timeout"));
        socket.once("error", (error: NodeJS.ErrnoException) => end(error.code ?? error.message));
    });
}

/** Collects datagrams on one address of this machine, while they are sent and a moment longer. */
export async function datagramsTo(
    address: string,
    send: (port: number) => Promise<unknown>,
): Promise<string[]> {
    const socket = createSocket("udp4");
    const received: string[] = [];
    socket.on("message", (message) => received.push(message.toString()));
    await new Promise<void>((resolve, reject) => {
        socket.once("error", reject).bind(0, address, resolve);
    });
    try {
        await send(socket.address().port);
        await new Promise((resolve) => setTimeout(resolve, 500));
    } finally {
        socket.close();
    }
    return received;
}

/** A small web site on one address of this machine, and who came to it. */
export interface Site {
    readonly origin: string;
    /** Each request as "<address> <path>". */
    readonly visits: readonly string[];
    close(): Promise<void>;
}

/** Pages by path, each with its type. Everything else is 404. */
export type Pages = Readonly<Record<string, { readonly type: string; readonly body: string }>>;

/** Serves pages on that address and a free port. */
export async function serveSite(address: string, pages: Pages, wanted = 0): Promise<Site> {
    const visits: string[] = [];
    const server = createServer((incoming, response) => {
        visits.push(`${incoming.socket.remoteAddress ?? "?"} ${incoming.url ?? ""}`);
        const page = pages[incoming.url ?? ""];
        if (page) response.writeHead(200, { "Content-Type": page.type }).end(page.body);
        else response.writeHead(404).end();
    });
    await new Promise<void>((resolve, reject) => {
        server.once("error", reject).listen(wanted, address, resolve);
    });
    const { port } = server.address() as AddressInfo;
    return {
        origin: `http://${address}:${port}`,
        visits,
        close: () =>
            new Promise((resolve) => {
                server.close(() => resolve());
                server.closeAllConnections();
            }),
    };
}
