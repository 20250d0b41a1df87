/**
 * The part of Consul's HTTP API that the reporter uses: reads that can block, and writes that may be
 * sent twice. npm `consul` 2.0.1 is not used: it lacks node-services and SkipNodeUpdate, its watch asks
 * again without any pause, and its types do not show response headers.
 */
import { Agent as HttpAgent, type IncomingMessage } from "node:http";
import { Agent as HttpsAgent } from "node:https";

import { Deadline } from "./deadline.ts";
import { readText, send } from "./http.ts";
import { reasonOf, tidy } from "./reasons.ts";

/** Why Consul did not do what it was asked. */
export type Trouble =
    /** No connection, no answer in time, no leader, or an answer that is not Consul's. */
    | "unreachable"
    /** The ACL token is unknown or may not do this. */
    | "denied"
    /** The request itself is not acceptable: what it names is not there. */
    | "refused"
    /** Compare-and-set: somebody else was first. */
    | "conflict";

/** A failed request to Consul; the message is one line without secrets. */
export class ConsulError extends Error {
    readonly trouble: Trouble;

    constructor(trouble: Trouble, message: string) {
        super(message);
        this.trouble = trouble;
    }
}

/** A blocking query: answers once there is something newer than `index`, or after `waitMs`. */
export interface Query {
    readonly index: number;
    readonly waitMs: number;
    readonly signal: AbortSignal;
}

/** What was read, and the index to ask for anything newer. */
export interface Answer {
    readonly data: unknown;
    readonly index: number;
}

export interface ConsulOptions {
    readonly url: URL;
    readonly ca?: string | undefined;
    readonly datacenter?: string | undefined;
    /** Reads the ACL token; called at the start and whenever Consul refused it. */
    readonly readToken?: (() => string) | undefined;
    /** Limit of one request, besides the wait of a blocking query. */
    readonly limitMs: number;
}

const MOST_BYTES = 64 * 1024 * 1024;
/** What Consul says with HTTP 500 of something that is not there. */
const UNKNOWN =
    /\bUnknown (service|check)|Missing (service|node) reg|does not have associated TTL/i;
/** Consul adds up to this part of the wait, to spread the answers of many watchers. */
const WAIT_SPREAD = 1 / 16;

/** A client for one agent. */
export class Consul {
    readonly #options: ConsulOptions;
    readonly #agent: HttpAgent;
    #token: string | undefined;

    constructor(options: ConsulOptions) {
        this.#options = options;
        const { url, ca } = options;
        this.#agent =
            url.protocol === "https:"
                ? new HttpsAgent({ keepAlive: true, ca })
                : new HttpAgent({ keepAlive: true });
        this.#token = options.readToken?.();
    }

    /**
     * `GET path` in the node's datacenter, as it is now: without `consistent` a server that has just
     * started answers while it still works through its log, with what was true long ago.
     */
    async read(path: string, query: Query): Promise<Answer> {
        const url = this.#url(path, true);
        url.searchParams.set("consistent", "");
        url.searchParams.set("wait", `${query.waitMs}ms`);
        if (query.index > 0) url.searchParams.set("index", String(query.index));
        const limitMs = query.waitMs * (1 + WAIT_SPREAD) + this.#options.limitMs;
        const { headers, text } = await this.#request("GET", url, undefined, limitMs, query.signal);
        // Without this a token that may not read the node would look like a node without services.
        if (headers["x-consul-results-filtered-by-acls"] === "true") {
            throw new ConsulError("denied", `the token may not read all of ${url.pathname}`);
        }
        return { data: parse(text, url), index: Number(headers["x-consul-index"]) || 0 };
    }

    /** `PUT path`; `here`: at the agent itself instead of the node's datacenter. */
    async write(
        path: string,
        body: unknown,
        signal: AbortSignal,
        scope: "datacenter" | "here" = "datacenter",
    ): Promise<void> {
        const url = this.#url(path, scope === "datacenter");
        await this.#request("PUT", url, JSON.stringify(body), this.#options.limitMs, signal);
    }

    /** Ends all connections. */
    close(): void {
        this.#agent.destroy();
    }

    #url(path: string, scoped: boolean): URL {
        const url = new URL(path, this.#options.url);
        const { datacenter } = this.#options;
        if (scoped && datacenter !== undefined) url.searchParams.set("dc", datacenter);
        return url;
    }

    async #request(
        method: string,
        url: URL,
        body: string | undefined,
        limitMs: number,
        stop: AbortSignal,
    ): Promise<{ headers: NodeJS.Dict<string | string[]>; text: string }> {
        const deadline = new Deadline(limitMs, stop);
        const { signal } = deadline;
        const headers = {
            ...(this.#token === undefined ? {} : { "x-consul-token": this.#token }),
            ...(body === undefined ? {} : { "content-type": "application/json" }),
        };
        let answer: IncomingMessage;
        let text: string;
        try {
            answer = await send({ url, method, headers, body, agent: this.#agent, signal });
            text = await readText(answer, MOST_BYTES);
        } catch (error) {
            const why = deadline.passed ? "no answer in time" : reasonOf(error);
            throw new ConsulError("unreachable", `${url.host}: ${why}`);
        } finally {
            deadline.clear();
        }
        const status = answer.statusCode ?? 0;
        if (status === 200) return { headers: answer.headers, text };
        throw this.#failure(status, text, url);
    }

    #failure(status: number, text: string, url: URL): ConsulError {
        const what = `${url.pathname}: HTTP ${status}: ${tidy(text)}`;
        if (status === 409) return new ConsulError("conflict", what);
        if (status === 401 || status === 403 || /ACL not found|Permission denied/i.test(text)) {
            this.#readTokenAgain();
            return new ConsulError("denied", what);
        }
        const refused = status === 404 || status === 400 || UNKNOWN.test(text);
        return new ConsulError(refused ? "refused" : "unreachable", what);
    }

    /** The file may hold a newer token by now. */
    #readTokenAgain(): void {
        try {
            this.#token = this.#options.readToken?.();
        } catch {
            // Gone or empty: what Consul says about the old one is the reason to show.
        }
    }
}

function parse(text: string, url: URL): unknown {
    try {
        return JSON.parse(text) as unknown;
    } catch {
        throw new ConsulError("unreachable", `${url.pathname}: the answer is not JSON`);
    }
}
