/** What happens, as server-sent events that can be taken up again after a break. */
import { PassThrough } from "node:stream";
import type { FastifyPluginCallbackZod } from "fastify-type-provider-zod";
import { z } from "zod";

import type { Fleet, ManagerEvent } from "../../model.ts";
import type { ApiContext } from "../context.ts";
import { errors, whole } from "../schemas.ts";
import { Streams } from "../streams.ts";

const SSE = "text/event-stream";
const FOLLOWERS = { most: 64, mostOfOne: 8 };
/** What a client that does not read may leave waiting, in bytes. */
const MOST_WAITING = 256 * 1024;

const resume = z.object({
    "last-event-id": whole(0, Number.MAX_SAFE_INTEGER)
        .optional()
        .describe("Go on after this event; without it only what happens from now on is told"),
});

/** What a client's parser makes of one event. */
const sentEvent = z.object({
    id: z.string().optional().describe("For Last-Event-ID; a gap has none"),
    event: z.enum(["message", "gap"]).optional().describe("message where the stream names none"),
    data: z.string().describe("JSON"),
});

export const eventRoutes: FastifyPluginCallbackZod<ApiContext> = (app, context, done) => {
    const streams = new Streams(FOLLOWERS, context.streamTimes, context.stopping);
    app.get(
        "/events",
        {
            schema: {
                summary: "Server-sent events; data is JSON of id, at, type, container and detail",
                description:
                    "An event of the name `gap` says that events between the id given and the next one are lost.",
                headers: resume,
                response: {
                    200: {
                        description: "Endless; the schema is that of one event",
                        content: { [SSE]: { schema: sentEvent } },
                    },
                    ...errors,
                },
            },
        },
        async (request, reply) => {
            const body = new PassThrough({ highWaterMark: MOST_WAITING });
            const tell = (text: string): void => {
                if (body.writableLength > MOST_WAITING) body.destroy();
                else body.write(text);
            };
            const signal = streams.enter(request, reply, () => tell(": still here\n\n"));
            tell("retry: 2000\n\n");
            for (const text of missed(context.fleet, request.headers["last-event-id"])) tell(text);
            const forget = context.fleet.onEvent((event) => tell(eventText(event)));
            const end = (): void => {
                forget();
                body.end();
            };
            signal.addEventListener("abort", end);
            if (signal.aborted) end();
            return reply
                .headers({ "content-type": SSE, "cache-control": "no-store" })
                .serializer(String)
                .send(body as never);
        },
    );
    done();
};

/** What a client that was told up to `last` has to be told first. */
function* missed(fleet: Fleet, last: number | undefined): Generator<string> {
    if (last === undefined) return;
    const { recent } = fleet;
    const newest = recent.at(-1)?.id ?? 0;
    const oldest = recent[0]?.id ?? 1;
    // An id that was never given here is of the manager before this one.
    const known = last <= newest && last >= oldest - 1;
    if (!known) yield 'event: gap\ndata: {"detail":"events were missed"}\n\n';
    for (const event of recent) {
        if (!known || event.id > last) yield eventText(event);
    }
}

function eventText(event: ManagerEvent): string {
    return `id: ${event.id}\ndata: ${JSON.stringify(event)}\n\n`;
}
