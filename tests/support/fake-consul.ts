import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import * as https from "node:https";
import type { AddressInfo } from "node:net";

import type { KeyPair } from "./certificates";

/** A request that a stand-in for Consul has got. */
export interface Asked {
    readonly method: string;
    readonly path: string;
    readonly token: string | undefined;
    readonly body: unknown;
}

/** Status and body for a request; `undefined` closes the connection without an answer. */
export type Answer = (asked: Asked) => { status: number; body: unknown } | undefined;

/** A stand-in for Consul's HTTP API on loopback that notes what it is asked. */
export interface FakeConsul {
    readonly url: string;
    readonly asked: Asked[];
    close(): void;
}

/** Starts one. With a key pair it speaks HTTPS. */
export function fakeConsul(answer: Answer, tls?: KeyPair): Promise<FakeConsul> {
    const asked: Asked[] = [];
    const handle = (request: IncomingMessage, response: ServerResponse): void => {
        let text = "";
        request.on("data", (chunk: Buffer) => (text += chunk.toString()));
        request.on("end", () => {
            const one: Asked = {
                method: request.method ?? "",
                path: request.url ?? "",
                token: request.headers["x-consul-token"] as string | undefined,
                body: text === "" ? undefined : (JSON.parse(text) as unknown),
            };
            asked.push(one);
            const said = answer(one);
            if (!said) {
                request.socket.destroy();
                return;
            }
            response.writeHead(said.status);
            response.end(typeof said.body === "string" ? said.body : JSON.stringify(said.body));
        });
    };
    const server = tls ? https.createServer(tls, handle) : createServer(handle);
    return new Promise((resolve) => {
        server.listen(0, "127.0.0.1", () => {
            const { port } = server.address() as AddressInfo;
            resolve({
                url: `${tls ? "https" : "http"}://127.0.0.1:${String(port)}`,
                asked,
                close: () => server.close(),
            });
        });
    });
}
