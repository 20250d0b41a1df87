/** One run of the bridge, from starting the child to the exit code. */
import { CallTracker } from "./calls.ts";
import { ChildTransport, type ChildExit } from "./child.ts";
import { Front } from "./front.ts";
import { healthProbe } from "./health.ts";
import { EXIT } from "./help.ts";
import type { Logger } from "./log.ts";
import { Metrics } from "./metrics.ts";
import { SessionTable } from "./sessions.ts";
import type { Settings } from "./settings.ts";
import { Upstream } from "./upstream.ts";

/** How long a stop waits for calls under way. */
const DRAIN_MS = 5_000;
/** How long the callers of an ended child get to read their error answers. */
const LAST_WORDS_MS = 300;

/**
 * Runs until the child ends or `stop` resolves, and returns the exit code.
 *
 * @param stop resolves with the name of the signal that asks for a stop
 */
export async function runBridge(
    settings: Settings,
    log: Logger,
    stop: Promise<string>,
): Promise<number> {
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

    // The program alone: arguments may carry secrets.
    const [program] = settings.command;
    log.info({ program }, "starting the MCP server");
    const connecting = connect(child, settings);
    const connected = await Promise.race([connecting, stopped, died]);
    if ("signal" in connected) {
        log.info({ signal: connected.signal }, "stopping before the child was ready");
        await child.close();
        return EXIT.ok;
    }
    if (!("upstream" in connected)) {
        const exit = "exit" in connected ? connected.exit : await exitIfEnded(child);
        // The SDK ends a child that fails the handshake; then its exit is not the reason.
        const itself = exit && !exit.asked ? exit : undefined;
        const reason = itself ? whyEnded(itself) : whyRefused(await connecting, settings);
        await child.close();
        log.fatal({ ...itself, program }, reason);
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
    let front: Front;
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
    // Ends the child; whoever still waits for it gets an error instead of a torn connection.
    await upstream.close();
    await front.settle(LAST_WORDS_MS);
    await front.close();
    log.info("stopped");
    return EXIT.ok;
}

type Connection = { readonly upstream: Upstream } | { readonly error: unknown };

async function connect(child: ChildTransport, settings: Settings): Promise<Connection> {
    try {
        return { upstream: await Upstream.connect(child, settings) };
    } catch (error) {
        return { error };
    }
}

/** A child that ends also fails the handshake, and the two are reported in no fixed order. */
function exitIfEnded(child: ChildTransport): Promise<ChildExit | undefined> {
    const later = new Promise<undefined>((resolve) => setTimeout(resolve, 50, undefined));
    return Promise.race([child.exited, later]);
}

function whyEnded({ startError, code, signal }: ChildExit): string {
    if (startError) return `cannot start the MCP server: ${startError}`;
    return `the MCP server ended with ${signal ?? `code ${code}`} before it answered initialize`;
}

function whyRefused(connection: Connection, settings: Settings): string {
    const error = "error" in connection ? textOf(connection.error) : "ended";
    return /timed out/i.test(error)
        ? `the MCP server did not answer initialize within ${settings.startTimeoutMs} ms`
        : `the MCP server failed to initialize: ${error}`;
}

function textOf(error: unknown): string {
    return error instanceof Error ? error.message : String(error);
}
