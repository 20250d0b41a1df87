/** One run of the reporter, from the first question to the exit code. */
import { readFileSync } from "node:fs";
import type { Server } from "node:http";

import { decodeChecks, decodeServices, type CatalogCheck, type CatalogService } from "./catalog.ts";
import { Consul } from "./consul.ts";
import { Contact, type Patience } from "./contact.ts";
import { Fleet } from "./fleet.ts";
import { portOf, serveHealth, type Health } from "./health-server.ts";
import { EXIT } from "./help.ts";
import type { Timing } from "./judge.ts";
import { Ledger } from "./ledger.ts";
import { Liveness } from "./liveness.ts";
import type { Logger } from "./log.ts";
import { reasonOf } from "./reasons.ts";
import { checkedToken, type Settings } from "./settings.ts";
import { ToolCounts } from "./tool-counts.ts";
import { Watch } from "./watch.ts";

/** Waits that are no settings. */
export interface Waits extends Patience {
    readonly confirmMs: number;
    readonly quickMs: number;
    /** From one sign of life to the next. */
    readonly beatMs: number;
    /** Longest wait of a blocking query. */
    readonly watchMs: number;
    /** Longest wait for an answer of Consul, besides that. */
    readonly consulMs: number;
}

const WAITS: Waits = {
    confirmMs: 1_000,
    quickMs: 2_000,
    beatMs: 4_000,
    watchMs: 4_000,
    consulMs: 5_000,
    // More than the two before together.
    freshMs: 10_000,
    denialMs: 3_000,
};
/** How long sessions with servers get to be closed at a stop. */
const CLOSE_MS = 1_000;

/**
 * Runs until `stop` resolves, and returns the exit code.
 *
 * @param stop resolves with the name of the signal that asks for a stop
 * @param waits shortened by tests
 */
export async function runReporter(
    settings: Settings,
    log: Logger,
    stop: Promise<string>,
    waits: Waits = WAITS,
): Promise<number> {
    const { node, datacenter, tokenFile, intervalMs, deadlineMs } = settings;
    const timing: Timing = { intervalMs, deadlineMs, ...waits };
    const place = { node, datacenter };
    const consul = new Consul({
        url: settings.consulUrl,
        ca: settings.consulCa,
        datacenter,
        limitMs: waits.consulMs,
        readToken:
            tokenFile === undefined
                ? undefined
                : () => checkedToken(tokenFile, readFileSync(tokenFile, "utf8")),
    });
    const contact = new Contact(log, waits);
    const tools = new ToolCounts(consul, place, log);
    const ledger = new Ledger({
        consul,
        contact,
        log,
        place,
        definition: { Interval: `${intervalMs}ms`, Timeout: `${deadlineMs}ms` },
        askChecks: (since) => checks.poke(since),
    });
    const fleet = new Fleet({
        timing,
        tlsCa: settings.tlsCa,
        mcpIdentity: settings.mcpIdentity,
        log,
        onReport: (id, report) => ledger.report(id, report),
        onTools: (id, count) => void tools.note(id, count),
    });
    const name = encodeURIComponent(node);
    const services = new Watch<CatalogService[]>({
        consul,
        path: `/v1/catalog/node-services/${name}`,
        decode: decodeServices,
        waitMs: waits.watchMs,
        onAnswer: ({ value }) => {
            contact.ok("services");
            tools.seeServices(value);
            ledger.seeServices(value);
            fleet.follow(value);
        },
        onTrouble: (error) => contact.trouble("services", error),
    });
    const checks = new Watch<Map<string, CatalogCheck>>({
        consul,
        path: `/v1/health/node/${name}`,
        decode: decodeChecks,
        waitMs: waits.watchMs,
        onAnswer: (seen) => {
            contact.ok("checks");
            ledger.seeChecks(seen);
        },
        onTrouble: (error) => contact.trouble("checks", error),
    });
    const liveness = new Liveness({
        consul,
        contact,
        log,
        service: settings.service,
        address: settings.address,
        beatMs: waits.beatMs,
    });
    const health = (): Health => {
        const reason = contact.problem();
        const counts = ledger.counts;
        return reason === undefined
            ? { status: "ok", node, ...counts }
            : { status: "unhealthy", reason, node, ...counts };
    };

    let server: Server;
    try {
        server = await serveHealth(settings.healthPort, health);
    } catch (error) {
        const where = `127.0.0.1:${settings.healthPort}`;
        log.fatal({ err: error }, `cannot listen on ${where}: ${reasonOf(error)}`);
        return EXIT.failed;
    }
    log.info({ port: portOf(server), node, consul: settings.consulUrl.origin }, "listening");
    // A defect in one of them ends the process: half a reporter would be believed.
    const loops = Promise.all([services.run(), checks.run(), liveness.run()]);
    const signal = await Promise.race([stop, loops.then(() => "the end of all loops")]);

    log.info({ signal }, "stopping");
    services.stop();
    checks.stop();
    ledger.stop();
    tools.stop();
    const closed = Promise.race([
        fleet.stop(),
        new Promise((resolve) => setTimeout(resolve, CLOSE_MS).unref()),
    ]);
    await Promise.all([liveness.goodbye(), closed]);
    consul.close();
    server.close();
    server.closeAllConnections();
    log.info("stopped");
    return EXIT.ok;
}
