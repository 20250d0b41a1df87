import * as http from "node:http";
import * as https from "node:https";

/** How to reach a Consul. */
export interface ConsulTarget {
    /** `http://host:port` or `https://host:port`. */
    readonly url: string;
    /** CA of its certificate, PEM. @default the system's authorities */
    readonly ca?: string;
    /** Absent: what anybody may see. */
    readonly token?: string;
}

/** An answer of Consul that is not a success. Its message never holds the token. */
export class ConsulRefusal extends Error {
    constructor(
        readonly status: number,
        what: string,
        text: string,
    ) {
        super(`Consul: ${what}: ${String(status)} ${text.trim().split("\n")[0] ?? ""}`.trim());
        this.name = "ConsulRefusal";
    }
}

/** How long one request may take, in milliseconds. */
const TIMEOUT_MS = 5_000;

/**
 * One request to Consul's HTTP API; gives the parsed body. Node's own client: the certificate authority is chosen
 * per request, which `fetch` cannot do.
 *
 * @throws ConsulRefusal for a status that is not 2xx, Error when nothing answers within 5 s
 */
export function askConsul<T>(
    target: ConsulTarget,
    method: "GET" | "PUT" | "POST" | "DELETE",
    path: string,
    body?: unknown,
): Promise<T> {
    const url = new URL(path, target.url);
    const options: https.RequestOptions = {
        method,
        ...(target.ca === undefined ? {} : { ca: target.ca }),
        headers: {
            ...(target.token === undefined ? {} : { "x-consul-token": target.token }),
            ...(body === undefined ? {} : { "content-type": "application/json" }),
        },
        signal: AbortSignal.timeout(TIMEOUT_MS),
    };
    return new Promise((resolve, reject) => {
        const client = url.protocol === "https:" ? https : http;
        const request = client.request(url, options, (response) => {
            let text = "";
            response.setEncoding("utf8");
            response.on("data", (chunk: string) => (text += chunk));
            response.on("error", reject);
            response.on("end", () => {
                const status = response.statusCode ?? 0;
                if (status < 200 || status > 299) {
                    reject(new ConsulRefusal(status, `${method} ${url.pathname}`, text));
                    return;
                }
                try {
                    resolve(JSON.parse(text === "" ? "null" : text) as T);
                } catch {
                    reject(new Error(`${target.url} does not answer as Consul does`));
                }
            });
        });
        request.on("error", (error: NodeJS.ErrnoException) => {
            const why =
                error.name === "TimeoutError" ? "no answer in 5 s" : (error.code ?? error.message);
            reject(new Error(`Consul at ${target.url} does not answer (${why})`));
        });
        request.end(body === undefined ? undefined : JSON.stringify(body));
    });
}
