/** Is it alive, is it ready, how does it stand. */
import type { FastifyPluginCallbackZod } from "fastify-type-provider-zod";

import type { ContainerView } from "../../model.ts";
import type { ApiContext } from "../context.ts";
import { alive, errors, readiness, statusBody } from "../schemas.ts";

export const stateRoutes: FastifyPluginCallbackZod<ApiContext> = (app, context, done) => {
    app.get(
        "/health",
        {
            config: { access: "public", rateLimit: false },
            schema: {
                summary: "Whether the manager itself runs; needs no token",
                security: [],
                response: { 200: alive, ...errors },
            },
        },
        () => ({ status: "alive" as const }),
    );
    app.get(
        "/ready",
        {
            schema: {
                summary: "Whether the daemon and every server answer, or why not",
                response: { 200: readiness, 503: readiness, ...errors },
            },
        },
        async (_request, reply) => {
            const { daemon, containers } = context.fleet.snapshot;
            const servers = containers.filter(isMeantToRun).map((view) => {
                const reason = whyDown(view);
                return { name: view.name, up: reason === undefined, reason };
            });
            const ready = daemon.reachable && servers.every(({ up }) => up);
            return reply.code(ready ? 200 : 503).send({ ready, daemon, servers });
        },
    );
    app.get(
        "/status",
        { schema: { summary: "Everything at a glance", response: { 200: statusBody, ...errors } } },
        ({ role }) => {
            const { at, daemon, containers, disks, certificates } = context.fleet.snapshot;
            return {
                stack: context.stack,
                // A request without a role does not get here.
                role: role ?? "read",
                version: context.version,
                startedAt: context.startedAt.toISOString(),
                uptimeSeconds: Math.round((Date.now() - context.startedAt.getTime()) / 1000),
                at,
                daemon,
                counts: countsOf(containers),
                disks,
                certificates,
                consul: context.consul(),
                edge: context.edge(),
            };
        },
    );
    done();
};

function isServer({ component }: ContainerView): boolean {
    return component === "server";
}

/** Every server of the stack, but for what the API has left half made: `POST /cleanup` tells of that. */
function isMeantToRun({ component, origin, state }: ContainerView): boolean {
    if (component !== "server") return false;
    return origin === "manifest" || (origin === "api" && state !== "created");
}

/** Why it does not answer `tools/list`; undefined when it does. */
function whyDown({ state, mcp }: ContainerView): string | undefined {
    if (mcp?.up) return undefined;
    if (mcp) return mcp.reason ?? "no answer";
    return state === "running" ? "not asked yet" : `does not run: ${state}`;
}

function countsOf(
    containers: readonly ContainerView[],
): Record<"containers" | "servers" | "running" | "healthy" | "unhealthy" | "answering", number> {
    const count = (test: (view: ContainerView) => boolean): number =>
        containers.filter(test).length;
    return {
        containers: containers.length,
        servers: count(isServer),
        running: count(({ state }) => state === "running"),
        healthy: count(({ health }) => health === "healthy"),
        unhealthy: count(({ health }) => health === "unhealthy"),
        answering: count(({ mcp }) => mcp?.up === true),
    };
}
