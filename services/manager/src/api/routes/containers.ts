/** The containers, and what can be done to one. */
import type { FastifyPluginCallbackZod } from "fastify-type-provider-zod";
import { z } from "zod";

import type { Snapshot } from "../../model.ts";
import type { ApiContext } from "../context.ts";
import { ApiError } from "../errors.ts";
import {
    containerList,
    containerName,
    containerView,
    errors,
    outcome,
    removed,
    waitSeconds,
} from "../schemas.ts";

const byName = z.object({ name: containerName });

export const containerRoutes: FastifyPluginCallbackZod<ApiContext> = (app, context, done) => {
    const { fleet, lifecycle } = context;
    /** One text for all who ask between two samples. */
    const texts = new WeakMap<Snapshot, string>();

    app.get(
        "/containers",
        {
            schema: {
                summary: "All containers, as sampled last",
                response: { 200: containerList, ...errors },
            },
        },
        async (_request, reply) => {
            const { snapshot } = fleet;
            const { at, daemon, containers } = snapshot;
            const text =
                texts.get(snapshot) ??
                String(reply.serializeInput({ at, daemon, containers }, "200"));
            texts.set(snapshot, text);
            const age = Math.max(0, Math.round((Date.now() - Date.parse(at)) / 1000));
            reply.header("age", String(age)).type("application/json; charset=utf-8");
            // Already in the shape of the schema; a second pass would be the most of the work.
            reply.serializer((ready: unknown) => ready as string);
            return reply.send(text as never); // the type knows only what has not been serialised
        },
    );
    app.get(
        "/containers/:name",
        {
            schema: {
                summary: "One container",
                params: byName,
                response: { 200: containerView, ...errors },
            },
        },
        ({ params: { name } }) => {
            const found = fleet.snapshot.containers.find((view) => view.name === name);
            if (!found) throw ApiError.noContainer(name);
            return found;
        },
    );
    app.post(
        "/containers/:name/restart",
        {
            config: { access: "operate" },
            schema: {
                summary: "Restart a server and wait until it is healthy",
                params: byName,
                querystring: z.object({ wait: waitSeconds(30) }),
                response: { 200: outcome, ...errors },
            },
        },
        ({ params: { name }, query: { wait } }) => lifecycle.restart(name, wait),
    );
    app.delete(
        "/containers/:name",
        {
            config: { access: "operate" },
            schema: {
                summary: "Remove a server that was made through this API",
                params: byName,
                response: { 200: removed, ...errors },
            },
        },
        async ({ params: { name } }) => {
            await lifecycle.remove(name);
            return { name, removed: true as const };
        },
    );
    done();
};
