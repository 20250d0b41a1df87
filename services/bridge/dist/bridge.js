/** One run of the bridge, from starting the child to the exit code. */
import { CallTracker } from "./calls.js";
import { ChildTransport,                } from "./child.js";
import { Front } from "./front.js";
import { healthProbe } from "./health.js";
import { EXIT } from "./help.js";
                                       
import { Metrics } from "./metrics.js";
import { SessionTable } from "./sessions.js";
                                              
import { Upstream } from "./upstream.js";

/** How long a stop waits for calls under way. */
const DRAIN_MS = 5_000;
/** How long the callers of a dead child get to read their error answers. */
const LAST_WORDS_MS = 300;

/**
 * Runs until the child ends or `stop` resolves, and returns the exit code.
 *
 * @param stop resolves with the name of the signal that asks for a stop
 */
export async function runBridge(
    settings          ,
    log        ,
    stop                 ,
)                  {
    const startedAt = performance.now();
    const sessions = new SessionTable(settings.maxSessions);
    const calls = new CallTracker(settings.callTimeoutMs, (outcome, seconds) => {
        metrics.toolCall(outcome, seconds);
    });
    const child = new ChildTransport({
        command: settings.command,
        env: settings.childEnv,
        maxReplyBytes: settings.maxReplyBytes,
        calls,
        log,
    });
    const metrics = new Metrics({
        sessions: () => sessions.size,
        pendingCalls: () => calls.pending,
        childPid: () => child.pid,
    });
    const stopped = stop.then((signal) => ({ signal }));
    const died = child.exited.then((exit) => ({ exit }));

    const connected = await Promise.race([connect(child, settings), stopped, died]);
    if ("signal" in connected) {
        log.info({ signal: connected.signal }, "stopping before the child was ready");
        await child.close();
        return EXIT.ok;
    }
    if (!("upstream" in connected)) {
        const exit = "exit" in connected ? connected.exit : await exitIfEnded(child);
        const reason = exit ? whyNotStarted(exit) : notInitialized(connected, settings);
        await child.close();
        log.fatal({ ...exit, command: settings.command }, reason);
        return EXIT.childStart;
    }

    const { upstream } = connected;
    const { name, version, protocolVersion } = upstream;
    log.info({ pid: child.pid, name, version, protocolVersion }, "child initialized");
    const probe = healthProbe(
        () => upstream.countTools(settings.healthTimeoutMs),
        (health) => {
            metrics.healthCheck(health);
            if (health.status !== "ok") log.warn(health, "health check failed");
        },
    );
    let front       ;
    try {
        front = await Front.start({ settings, upstream, sessions, probe, metrics, log });
    } catch (error) {
        const where = `${settings.host}:${settings.port}`;
        log.fatal({ err: error }, `cannot listen on ${where}: ${textOf(error)}`);
        await upstream.close();
        return EXIT.failed;
    }
    const { address: host, port } = front.address;
    const readyMs = Math.round(performance.now() - startedAt);
    log.info({ host, port, path: settings.path, readyMs, auth: !!settings.token }, "listening");

    const end = await Promise.race([stopped, died]);
    if ("exit" in end) {
        const { code, signal } = end.exit;
        log.fatal(end.exit, `the MCP server ended with ${signal ?? `code ${code}`}; ending too`);
        await front.settle(LAST_WORDS_MS);
        return EXIT.childDied;
    }
    log.info({ signal: end.signal, pending: calls.pending }, "stopping");
    await front.drain(DRAIN_MS);
    await front.close();
    await upstream.close();
    log.info("stopped");
    return EXIT.ok;
}

                                                                                

async function connect(child                , settings          )                      {
    try {
        return { upstream: await Upstream.connect(child, settings) };
    } catch (error) {
        return { error };
    }
}

/** A child that ends also fails the handshake, and the two are reported in no fixed order. */
function exitIfEnded(child                )                                 {
    const later = new Promise           ((resolve) => setTimeout(resolve, 50, undefined));
    return Promise.race([child.exited, later]);
}

function whyNotStarted({ startError, code, signal }           )         {
    if (startError) return `cannot start the MCP server: ${startError}`;
    return `the MCP server ended with ${signal ?? `code ${code}`} before it answered initialize`;
}

function notInitialized(failed                                  , settings          )         {
    const error = "error" in failed ? textOf(failed.error) : "ended";
    return /timed out/i.test(error)
        ? `the MCP server did not answer initialize within ${settings.startTimeoutMs} ms`
        : `the MCP server refused initialize: ${error}`;
}

function textOf(error         )         {
    return error instanceof Error ? error.message : String(error);
}
