/** What is left over on the inner daemon, found and removed. */
import type { FastifyPluginCallbackZod } from "fastify-type-provider-zod";
import { z } from "zod";

import { cleanUp } from "../../servers/cleanup.ts";
import type { ApiContext } from "../context.ts";
import { demandOperate } from "../guard.ts";
import { cleanupBody, errors, flag } from "../schemas.ts";

export const cleanupRoutes: FastifyPluginCallbackZod<ApiContext> = (app, { daemon }, done) => {
    app.post(
        "/cleanup",
        {
            schema: {
                summary: "List what nobody of the stack has made; remove it with dryRun=false",
                description: "dryRun=false needs the operate token.",
                querystring: z.object({ dryRun: flag.default("true") }),
                response: { 200: cleanupBody, ...errors },
            },
        },
        async (request) => {
            const dryRun = request.query.dryRun === "true";
            if (!dryRun) demandOperate(request);
            return { dryRun, found: await cleanUp(daemon, dryRun) };
        },
    );
    done();
};
