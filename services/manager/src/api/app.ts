/** Puts the API together: plugins, guard, error shape, OpenAPI document, routes. */
import helmet from "@fastify/helmet";
import rateLimit from "@fastify/rate-limit";
import swagger from "@fastify/swagger";
import Fastify, { LogController, type FastifyBaseLogger, type FastifyInstance } from "fastify";
import {
    jsonSchemaTransform,
    jsonSchemaTransformObject,
    serializerCompiler,
    validatorCompiler,
} from "fastify-type-provider-zod";

import { answerErrors, answerUnknown } from "./answers.ts";
import { guard, tooMany, type GuardOptions } from "./guard.ts";
import { cleanupRoutes } from "./routes/cleanup.ts";
import { containerRoutes } from "./routes/containers.ts";
import { eventRoutes } from "./routes/events.ts";
import { logRoutes } from "./routes/logs.ts";
import { manifestRoutes } from "./routes/manifests.ts";
import { stateRoutes } from "./routes/state.ts";
import { serveStatic, type StaticFolders } from "./static.ts";
import type { ApiContext } from "./context.ts";

/** Largest body of a request, in bytes; a manifest has a smaller limit of its own. */
const BODY_LIMIT = 256 * 1024;
/** Longest time a client may take to send its request, in milliseconds. */
const REQUEST_MS = 10_000;

export interface ApiOptions extends GuardOptions {
    readonly context: ApiContext;
    readonly folders: StaticFolders;
    /** Requests of one role from one address in a minute. */
    readonly requestsPerMinute: number;
    readonly log: FastifyBaseLogger;
    /** Told every answered request. */
    readonly onAnswer: (request: {
        readonly method: string;
        readonly route: string;
        readonly status: number;
        readonly seconds: number;
    }) => void;
}

/** The API, ready to listen. */
export async function createApi(options: ApiOptions): Promise<FastifyInstance> {
    const { context, log } = options;
    const app = Fastify({
        loggerInstance: log,
        logController: new LogController({ disableRequestLogging: true }),
        bodyLimit: BODY_LIMIT,
        requestTimeout: REQUEST_MS,
        forceCloseConnections: true,
        routerOptions: { maxParamLength: 128 },
        // HEAD would be a second way to every route; nobody asks for it.
        exposeHeadRoutes: false,
    });
    app.setValidatorCompiler(validatorCompiler);
    app.setSerializerCompiler(serializerCompiler);
    answerErrors(app);
    await app.register(helmet, HELMET);
    await app.register(rateLimit, {
        max: options.requestsPerMinute,
        timeWindow: 60_000,
        keyGenerator: ({ role, ip }) => `${role ?? "public"} ${ip}`,
        errorResponseBuilder: (_request, { ttl }) => tooMany(Math.ceil(ttl / 1000)),
    });
    guard(app, options);
    app.addHook("onResponse", async (request, reply) => {
        const route = request.routeOptions.url ?? "unknown";
        const { method } = request;
        const [status, seconds] = [reply.statusCode, reply.elapsedTime / 1000];
        options.onAnswer({ method, route, status, seconds });
        log.debug({ requestId: request.id, method, route, status, seconds }, "answered");
    });
    await app.register(swagger, {
        openapi: openApiHead(context.version),
        transform: jsonSchemaTransform,
        transformObject: jsonSchemaTransformObject,
    });
    const refuseOtherMethods = answerUnknown(app);
    await serveStatic(app, options.folders);
    app.get("/openapi.json", { schema: { hide: true } }, () => app.swagger());
    const groups = [stateRoutes, containerRoutes, manifestRoutes, logRoutes, eventRoutes];
    for (const routes of [...groups, cleanupRoutes]) await app.register(routes, context);
    refuseOtherMethods();
    await app.ready();
    return app;
}

/** Everything of the pages comes from here. Plain HTTP on purpose: TLS ends at the edge. */
const HELMET = {
    contentSecurityPolicy: {
        useDefaults: false,
        directives: {
            defaultSrc: ["'self'"],
            // Icons of the page of the API's description are data in its style sheet.
            imgSrc: ["'self'", "data:"],
            objectSrc: ["'none'"],
            baseUri: ["'none'"],
            formAction: ["'none'"],
            frameAncestors: ["'none'"],
        },
    },
    strictTransportSecurity: false,
    referrerPolicy: { policy: "no-referrer" as const },
} as const;

function openApiHead(version: string): object {
    return {
        openapi: "3.1.0",
        info: {
            title: "MCP manager",
            description: "State and operations of one orchestrator.",
            version,
        },
        components: { securitySchemes: { token: { type: "http", scheme: "bearer" } } },
        security: [{ token: [] }],
    };
}
