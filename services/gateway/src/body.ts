/** Reads a request's body within a bound. */
import type { IncomingMessage } from "node:http";

import type { Refusal } from "./refusal.ts";

/** The whole body as text, or a refusal when it is over the limit. Rejects when the client leaves. */
export async function readBody(req: IncomingMessage, limit: number): Promise<string | Refusal> {
    const tooLarge: Refusal = {
        status: 413,
        reason: "too_large",
        message: `Content Too Large: a body may have ${limit} bytes`,
    };
    if (Number(req.headers["content-length"] ?? 0) > limit) return tooLarge;
    return new Promise((resolve, reject) => {
        const parts: Buffer[] = [];
        let length = 0;
        req.on("data", (part: Buffer) => {
            length += part.length;
            if (length <= limit) {
                parts.push(part);
                return;
            }
            req.pause();
            req.removeAllListeners("data");
            resolve(tooLarge);
        });
        req.on("end", () => resolve(Buffer.concat(parts).toString("utf8")));
        req.on("error", reject);
        req.on("close", () => reject(new Error("the client left")));
    });
}
