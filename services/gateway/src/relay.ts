/** Passes messages between a client and one server, in whichever era of the protocol they speak. */
import { readMessage, sessionOf, type Admission } from "./admission.ts";
import type { Calls } from "./calls.ts";
import type { Exchange, RefusedMessage } from "./exchange.ts";
import type { Forward } from "./forward.ts";
import { correlationOf } from "./peer.ts";
import type { Pins } from "./pins.ts";
import { refusalOf, type Pair } from "./policy.ts";
import type { Session, Sessions } from "./sessions.ts";
import { traceFrom } from "./trace.ts";

interface RelayParts {
    readonly sessions: Sessions;
    readonly admission: Admission;
    readonly pins: Pins;
    readonly calls: Calls;
    readonly forward: Forward;
}

/** The endpoint of one server. */
export class Relay {
    readonly #parts: RelayParts;

    constructor(parts: RelayParts) {
        this.#parts = parts;
    }

    /** Serves one exchange; resolves with what to answer when it was refused. */
    async serve(exchange: Exchange, pair: Pair): Promise<RefusedMessage | undefined> {
        const { sessions } = this.#parts;
        const session = sessionOf(exchange.req, sessions, pair.client.name, pair.server.name);
        if (session && "status" in session) return { refusal: session, id: null };
        const release = session && sessions.use(session);
        try {
            if (exchange.req.method === "POST") return await this.#post(exchange, pair, session);
            return await this.#bodiless(exchange, pair, session);
        } finally {
            release?.();
        }
    }

    /** GET listens for what the server has to say by itself, DELETE ends the session. */
    async #bodiless(
        exchange: Exchange,
        pair: Pair,
        session: Session | undefined,
    ): Promise<RefusedMessage | undefined> {
        const { admission, forward, sessions } = this.#parts;
        const end = admission.bodiless(exchange.req, pair.client);
        if (typeof end !== "function") return { refusal: end, id: null };
        try {
            const trace = traceFrom(exchange.req.headers.traceparent);
            const delivery = { ...exchange, ...pair, session, trace, call: undefined };
            const refusal = await forward.bodiless(delivery);
            if (session && exchange.req.method === "DELETE" && exchange.res.statusCode < 300) {
                sessions.close(session);
            }
            return refusal && { refusal, id: null };
        } finally {
            end();
        }
    }

    async #post(
        exchange: Exchange,
        pair: Pair,
        session: Session | undefined,
    ): Promise<RefusedMessage | undefined> {
        const { req, signal } = exchange;
        const message = await readMessage(req, pair.client.limits.bodyBytes);
        if ("status" in message) return { refusal: message, id: null };
        const { admission, calls, forward, pins } = this.#parts;
        const { method, params, id } = message;
        const trace = traceFrom(req.headers.traceparent, message.meta.traceparent);
        const names = { client: pair.client.name, server: pair.server.name };
        const correlationId = correlationOf(req.headers["x-correlation-id"]);
        const call = calls.begin({ ...names, method, params, id, trace, correlationId });
        const end = await admission.message(exchange, pair.client, message, session, () =>
            call?.answered("cancelled"),
        );
        if (typeof end !== "function") {
            call?.failed(end.reason);
            return { refusal: end, id };
        }
        try {
            const denied =
                method === "tools/call" ? refusalOf(pair, String(params?.name), pins) : undefined;
            if (denied) {
                call?.failed(denied.reason);
                return { refusal: denied, id };
            }
            const delivery = { ...exchange, ...pair, session, message, call, trace };
            const refusal = await forward.message(delivery);
            return refusal && { refusal, id };
        } finally {
            end();
            // Whatever way this was left, a call has an end; the first one counts.
            if (signal.aborted) call?.answered("cancelled");
            else call?.failed("upstream");
        }
    }
}
