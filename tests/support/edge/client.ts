import * as http from "node:http";
import * as https from "node:https";
import { once } from "node:events";
import { checkServerIdentity, type PeerCertificate } from "node:tls";

/** One request, written as it is given. */
export interface EdgeRequest {
    readonly method: string;
    readonly path: string;
    readonly headers?: Readonly<Record<string, string>>;
    /** Length of the body. @default no body */
    readonly bytes?: number;
    /** Send the body without telling its length. @default false */
    readonly chunked?: boolean;
}

/** Its answer; headers that came several times are joined with ", ". */
export interface EdgeAnswer {
    readonly status: number;
    readonly headers: Readonly<Record<string, string>>;
    readonly body: string;
}

/** Where an edge answers. */
export interface EdgeAddress {
    readonly base: string;
    /** PEM of the authority, when the base is https. */
    readonly ca?: string;
}

const TIMEOUT_MS = 15_000;

/** Sends a request on a connection of its own and reads the answer to its end. */
export async function send(edge: EdgeAddress, wanted: EdgeRequest): Promise<EdgeAnswer> {
    const response = await open(edge, wanted);
    let body = "";
    for await (const chunk of response.setEncoding("utf8")) body += String(chunk);
    const headers: Record<string, string> = {};
    for (const [name, values] of Object.entries(response.headersDistinct)) {
        headers[name] = (values ?? []).join(", ");
    }
    return { status: response.statusCode ?? 0, headers, body };
}

/** An answer whose events are read one by one. */
export interface EdgeStream {
    readonly contentType: string | undefined;
    /** The next piece; undefined at the stream's end. */
    next(): Promise<string | undefined>;
    /** Closes the connection. */
    leave(): void;
}

/** Sends a request; resolves with the head of its answer. Between events it waits as long as it takes. */
export async function stream(edge: EdgeAddress, wanted: EdgeRequest): Promise<EdgeStream> {
    const response = await open(edge, wanted);
    response.socket.setTimeout(0);
    const pieces = response.setEncoding("utf8")[Symbol.asyncIterator]() as AsyncIterator<string>;
    return {
        contentType: response.headers["content-type"],
        next: async () => {
            const piece = await pieces.next();
            return piece.done === true ? undefined : piece.value;
        },
        leave: () => void response.destroy(),
    };
}

async function open(
    edge: EdgeAddress,
    { method, path, headers = {}, bytes = 0, chunked = false }: EdgeRequest,
): Promise<http.IncomingMessage> {
    const module = edge.base.startsWith("https:") ? https : http;
    // Node tells the length of a body that is written in one piece, unless it is told otherwise.
    const framing = chunked ? { "Transfer-Encoding": "chunked" } : {};
    const { hostname, port } = new URL(edge.base);
    // Not a URL: its dots and escapes would be resolved here.
    const request = module.request({
        ...{ hostname, port, path, method, agent: false, timeout: TIMEOUT_MS },
        ...(edge.ca === undefined ? {} : { ca: edge.ca }),
        // By the address, not by the Host that is sent.
        checkServerIdentity: (_host: string, cert: PeerCertificate) =>
            checkServerIdentity(hostname, cert),
        headers: { ...headers, ...framing },
    });
    request.on("timeout", () => request.destroy(new Error(`no answer in ${TIMEOUT_MS} ms`)));
    const answered = once(request, "response");
    // An edge that has refused may close before it has read everything; the answer is what counts.
    answered.then(
        () => request.on("error", () => undefined),
        () => undefined,
    );
    request.end(Buffer.alloc(bytes, "x"));
    const [response] = (await answered) as [http.IncomingMessage];
    return response;
}
