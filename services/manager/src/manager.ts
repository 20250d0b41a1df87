/** Puts the parts together, and takes them apart again in time. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { FastifyInstance } from "fastify";

import manifest from "../package.json" with { type: "json" };
import { createApi } from "./api/app.ts";
import { STREAM_TIMES } from "./api/streams.ts";
import { Tokens } from "./api/tokens.ts";
import { Daemon } from "./daemon/daemon.ts";
import { consulProblem, edgeProblem, watchNeighbour } from "./fleet/neighbours.ts";
import { Sampler } from "./fleet/sampler.ts";
import { EXIT } from "./help.ts";
import type { Logger } from "../../reporter/src/log.ts";
import { DEFAULT_LIMITS, LogPipeline, LogReader } from "./logs/index.ts";
import { createMetrics } from "./metrics/index.ts";
import { createMetricsServer } from "./metrics-server.ts";
import { Lifecycle } from "./servers/lifecycle.ts";
import { RouteFile } from "./servers/route-file.ts";
import { SettingsError, type Settings } from "./settings.ts";

/** Longest time everything may take to stop, in milliseconds. */
const STOP_MS = 4_500;

/**
 * Runs the manager until `stop` settles.
 *
 * @param home folder of the running program
 * @returns the exit code
 * @throws SettingsError when a certificate, a token or a folder cannot be read
 */
export async function runManager(
    settings: Settings,
    home: string,
    log: Logger,
    stop: Promise<string>,
): Promise<number> {
    const { stack, orchestrator, images } = settings;
    const daemon = orExplain(
        () => new Daemon({ url: settings.daemonUrl, certsDir: settings.certsDir }),
        "MANAGER_CERTS_DIR",
    );
    const tokens = orExplain(() => new Tokens(settings.tokenFiles), "MANAGER_…_TOKEN_FILE");
    const stopping = new AbortController();
    const { signal } = stopping;
    const routes =
        settings.routesFile === undefined
            ? undefined
            : new RouteFile(settings.routesFile, stack, log);
    const fleet = new Sampler({
        daemon,
        sampleMs: settings.sampleMs,
        probeMs: settings.probeMs,
        disks: { data: settings.dataDir, logs: settings.logsDir },
        onManifests: (texts) => routes?.write(texts),
        log,
    });
    const pipeline = new LogPipeline({
        docker: daemon.streams,
        fleet,
        dir: settings.logsDir,
        limits: DEFAULT_LIMITS,
        log,
    });
    const metrics = createMetrics(fleet, pipeline.stats);
    const access = { tokens, allowedHosts: settings.allowedHosts, log };
    const docs = join(home, "docs");
    const api = await createApi({
        ...access,
        context: {
            fleet,
            daemon,
            lifecycle: new Lifecycle({ daemon, fleet, stack, orchestrator, images, signal }),
            logs: new LogReader(settings.logsDir),
            consul: watchNeighbour(settings.consulUrl, consulProblem, signal),
            edge: watchNeighbour(settings.edgeUrl, edgeProblem, signal),
            stack: stack.settings.stack,
            version: manifest.version,
            startedAt: new Date(),
            stopping: signal,
            streamTimes: STREAM_TIMES,
        },
        folders: {
            "/": settings.dashboardDir,
            // Made by the build; a run from the sources goes without.
            ...(existsSync(docs) ? { "/docs/": docs } : {}),
        },
        requestsPerMinute: settings.requestsPerMinute,
        onAnswer: (request) => metrics.observeRequest(request),
    });
    const scrapes = await createMetricsServer(metrics, {
        ...access,
        gatewayUrl: settings.gatewayUrl,
    });
    const { listenHost, apiPort, metricsPort } = settings;
    await api.listen({ host: listenHost, port: apiPort });
    await scrapes.listen({ host: listenHost, port: metricsPort });
    fleet.start();
    pipeline.start();
    const ports = { api: portOf(api), metrics: portOf(scrapes) };
    log.info({ ...ports, version: manifest.version }, "listening");

    log.info({ signal: await stop }, "stopping");
    stopping.abort();
    fleet.stop();
    const stopped = Promise.all([api.close(), scrapes.close(), pipeline.stop()]);
    const inTime = await Promise.race([
        stopped.then(() => true),
        new Promise<boolean>((resolve) => setTimeout(resolve, STOP_MS, false)),
    ]);
    daemon.close();
    if (!inTime) log.error({ milliseconds: STOP_MS }, "did not stop in time");
    return inTime ? EXIT.ok : EXIT.failed;
}

function orExplain<T>(make: () => T, setting: string): T {
    try {
        return make();
    } catch (error) {
        throw new SettingsError(`${setting}: ${(error as Error).message}`);
    }
}

function portOf(app: FastifyInstance): number | undefined {
    const address = app.server.address();
    return typeof address === "object" ? address?.port : undefined;
}
