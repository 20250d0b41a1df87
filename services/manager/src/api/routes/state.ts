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
                summary: "Whether the daemon answers, and which servers do",
                response: { 200: readiness, 503: readiness, ...errors },
            },
        },
        async (_request, reply) => {
            const { daemon, containers } = context.fleet.snapshot;
            const body = {
                ready: daemon.reachable,
                daemon,
                servers: containers.filter(isServer).map(({ name, mcp }) => ({
                    name,
                    up: mcp?.up === true,
                    reason: mcp ? mcp.reason : "does not run, or was not asked yet",
                })),
            };
            return reply.code(daemon.reachable ? 200 : 503).send(body);
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
                edge: { state: "not deployed" as const },
            };
        },
    );
    done();
};

function isServer({ component }: ContainerView): boolean {
    return component === "server";
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
