/**
 * Stands before the endpoint of all servers and gives things the names they have at their server, so
 * that the conformance suite, which asks for those names, can be run on that endpoint.
 */
import { once } from "node:events";
import http, { type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

type Json = Record<string, unknown>;

/** The running proxy. */
export class Renaming {
    readonly #http: http.Server;
    readonly #target: string;
    readonly #server: string;

    private constructor(target: string, server: string) {
        this.#target = target;
        this.#server = server;
        this.#http = http.createServer((req, res) => {
            this.#serve(req, res).catch(() => res.destroy());
        });
    }

    /**
     * @param target endpoint of all servers
     * @param server the one whose names are used
     */
    static async start(target: string, server: string): Promise<Renaming> {
        const proxy = new Renaming(target, server);
        proxy.#http.listen(0, "127.0.0.1");
        await once(proxy.#http, "listening");
        return proxy;
    }

    get url(): string {
        return `http://127.0.0.1:${(this.#http.address() as AddressInfo).port}/mcp`;
    }

    close(): void {
        this.#http.close();
        this.#http.closeAllConnections();
    }

    async #serve(req: IncomingMessage, res: ServerResponse): Promise<void> {
        const chunks: Buffer[] = [];
        for await (const chunk of req as AsyncIterable<Buffer>) chunks.push(chunk);
        const body = this.#outer(Buffer.concat(chunks).toString());
        const headers: Json = { ...req.headers };
        delete headers["content-length"];
        const name = req.headers["mcp-name"];
        if (typeof name === "string") headers["mcp-name"] = this.#outerOf(name);
        const options = { method: req.method, headers: headers as http.OutgoingHttpHeaders };
        const sent = http.request(this.#target, options);
        res.on("close", () => sent.destroy());
        sent.end(body);
        const [answer] = (await once(sent, "response")) as [IncomingMessage];
        const given: Json = { ...answer.headers };
        delete given["content-length"];
        res.writeHead(answer.statusCode ?? 500, given as http.OutgoingHttpHeaders);
        res.flushHeaders();
        let rest = "";
        for await (const part of answer as AsyncIterable<Buffer>) {
            rest += part.toString();
            const end = rest.lastIndexOf("\n") + 1;
            res.write(this.#inner(rest.slice(0, end)));
            rest = rest.slice(end);
        }
        res.end(this.#inner(rest));
    }

    #outer(text: string): string {
        let json: unknown;
        try {
            json = JSON.parse(text);
        } catch {
            return text;
        }
        const { params } = json as { params?: Json };
        for (const holder of [params, params?.ref as Json | undefined]) {
            if (!holder) continue;
            for (const key of ["name", "uri"]) {
                const value = holder[key];
                if (typeof value === "string") holder[key] = this.#outerOf(value);
            }
        }
        return JSON.stringify(json);
    }

    #outerOf(name: string): string {
        return name.includes("://") ? `${this.#server}+${name}` : `${this.#server}__${name}`;
    }

    #inner(text: string): string {
        return text
            .replaceAll(`${this.#server}__`, "")
            .replaceAll(`${this.#server}+test://`, "test://");
    }
}
