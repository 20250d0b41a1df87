/** GET /metrics on a port of its own, for the read token. */
import rateLimit from "@fastify/rate-limit";
import Fastify, { LogController, type FastifyBaseLogger, type FastifyInstance } from "fastify";

import { answerErrors, answerUnknown } from "./api/answers.ts";
import { guard, type GuardOptions } from "./api/guard.ts";
import { gatewayMetrics, type Metrics } from "./metrics/index.ts";

/** The server, ready to listen. */
export async function createMetricsServer(
    metrics: Metrics,
    options: GuardOptions & {
        readonly log: FastifyBaseLogger;
        /** Base URL of the gateway's metrics; without it there are none of calls. */
        readonly gatewayUrl: URL | undefined;
    },
): Promise<FastifyInstance> {
    const app = Fastify({
        loggerInstance: options.log,
        logController: new LogController({ disableRequestLogging: true }),
        requestTimeout: 5_000,
        forceCloseConnections: true,
        exposeHeadRoutes: false,
    });
    answerErrors(app);
    await app.register(rateLimit, { global: false });
    guard(app, options);
    const refuseOtherMethods = answerUnknown(app);
    const { gatewayUrl } = options;
    app.get("/metrics", async (_request, reply) => {
        const texts = [metrics.text(), ...(gatewayUrl ? [gatewayMetrics(gatewayUrl)] : [])];
        return reply.type(metrics.contentType).send((await Promise.all(texts)).join(""));
    });
    refuseOtherMethods();
    await app.ready();
    return app;
}
