/** A container's output from the central logs, also of one that is gone. */
import { Readable } from "node:stream";
import type { FastifyPluginCallbackZod } from "fastify-type-provider-zod";
import { z } from "zod";

import type { LogRecord } from "../../model.ts";
import type { ApiContext } from "../context.ts";
import { ApiError } from "../errors.ts";
import { containerName, errors, flag, whole } from "../schemas.ts";
import { Streams } from "../streams.ts";

/** Clients that may follow at once; each costs a file and a timer. */
const FOLLOWERS = { most: 32, mostOfOne: 8 };
/** Those that read what is there; slow ones must not take the followers' places. */
const READERS = { most: 128, mostOfOne: 32 };
const NDJSON = "application/x-ndjson";

const query = z.object({
    tail: whole(0, 10_000).default(100).describe("Newest lines"),
    since: z.iso.datetime().optional().describe("Only lines of then and later"),
    follow: flag.default("false").describe("Go on with what is written from now on"),
});

export const logRoutes: FastifyPluginCallbackZod<ApiContext> = (app, context, done) => {
    const { fleet, logs, stopping, streamTimes } = context;
    const followers = new Streams(FOLLOWERS, streamTimes, stopping);
    const readers = new Streams(READERS, streamTimes, stopping);
    app.get(
        "/containers/:name/logs",
        {
            schema: {
                summary: "Lines of a container's output, one JSON object a line",
                params: z.object({ name: containerName }),
                querystring: query,
                response: {
                    200: {
                        description: "Objects with time, container, stream, line and truncated",
                        content: { [NDJSON]: { schema: z.string() } },
                    },
                    ...errors,
                },
            },
        },
        async (request, reply) => {
            const { name } = request.params;
            const { tail, since } = request.query;
            const follow = request.query.follow === "true";
            const there = fleet.snapshot.containers.some((view) => view.name === name);
            if (!there && !(await logs.names()).includes(name)) throw ApiError.noContainer(name);
            const signal = (follow ? followers : readers).enter(request, reply);
            // A client that follows a silent server is to know that it is heard.
            reply.raw.once("pipe", () => reply.raw.flushHeaders());
            const wanted = { tail, ...(since === undefined ? {} : { since }) };
            const records = follow
                ? logs.follow(name, { ...wanted, signal })
                : logs.tail(name, wanted);
            return reply
                .type(NDJSON)
                .serializer(String)
                .send(Readable.from(lines(records, signal), { objectMode: false }) as never);
        },
    );
    done();
};

async function* lines(
    records: AsyncIterable<LogRecord>,
    signal: AbortSignal,
): AsyncGenerator<string> {
    for await (const record of records) {
        if (signal.aborted) return;
        yield `${JSON.stringify(record)}\n`;
    }
}
