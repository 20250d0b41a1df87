/** `main.js health`, for Docker's HEALTHCHECK: what the running reporter says about itself. */
import { get } from "node:http";

const LIMIT_MS = 4_000;

/** Asks /healthz on this container's loopback. */
export function askHealth(port: number): Promise<{ healthy: boolean; text: string }> {
    return new Promise((resolve) => {
        const failed = (error: Error): void => {
            resolve({
                healthy: false,
                text: `reporter: no answer from /healthz: ${error.message}`,
            });
        };
        const signal = AbortSignal.timeout(LIMIT_MS);
        const request = get({ host: "127.0.0.1", port, path: "/healthz", agent: false, signal });
        request.on("error", failed);
        request.on("response", (response) => {
            let body = "";
            response.setEncoding("utf8");
            response.on("data", (part: string) => (body += part));
            response.on("error", failed);
            response.on("end", () => {
                const healthy = response.statusCode === 200;
                resolve({ healthy, text: healthy ? body : `reporter: ${reasonIn(body)}` });
            });
        });
    });
}

function reasonIn(body: string): string {
    try {
        const { reason } = JSON.parse(body) as { reason?: unknown };
        if (typeof reason === "string") return reason;
    } catch {
        // Something else listens there; its words are all there is.
    }
    return body.slice(0, 200);
}
