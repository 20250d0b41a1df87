import { parseDuration } from "../../config/units";
import { answeringDocker } from "../docker/host";
import { InnerDaemon } from "../docker/inner";
import { CliError } from "../errors";
import { logRecord } from "../manager/answers";
import type { ManagerClient } from "../manager/client";
import { demandDeployed, managerOr } from "../manager/direct";
import type { Session } from "../session";

export interface LogsOptions {
    /** Lines from the end, or `all`. */
    readonly tail: string;
    readonly follow?: boolean;
    /** A duration back from now, or a time. */
    readonly since?: string;
}

/** Most lines the manager gives back; `all` means these. */
const MOST_LINES = 10_000;

/**
 * `./mcp logs SERVER`: what the server wrote, from the central logs; also of one that is gone. Stops at the end, or with
 * --follow at Ctrl-C. Where the manager does not answer, Docker's own log is shown instead, and that is said.
 */
export async function logs(session: Session, server: string, options: LogsOptions): Promise<void> {
    const query = queryOf(options);
    if (options.tail === "all") {
        session.out.say(
            `at most the newest ${String(MOST_LINES)} lines; all of them are on mcp-logs`,
        );
    }
    const path = `/containers/${encodeURIComponent(server)}/logs?${query.toString()}`;
    await managerOr(
        session,
        "read",
        (manager) => central(session, manager, path),
        () => direct(session, server, options),
    ).catch((error: unknown) => demandDeployed(session, server, error));
}

/** From the central logs: time and line; with --json each record as it is. */
async function central({ out }: Session, manager: ManagerClient, path: string): Promise<void> {
    const stop = new AbortController();
    process.once("SIGINT", () => {
        stop.abort();
    });
    for await (const line of manager.lines(path, stop.signal)) {
        const record = logRecord(line);
        if (!record) continue;
        const target = record.stream === "stderr" && !out.json ? process.stderr : process.stdout;
        target.write(out.json ? `${line}\n` : `${record.time} ${shown(record.line, target)}\n`);
    }
}

/** On a terminal without the characters that would steer it: what a server writes is not trusted. */
function shown(line: string, target: { readonly isTTY?: boolean }): string {
    return target.isTTY === true
        ? line.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, "�")
        : line;
}

function queryOf({ tail, follow, since }: LogsOptions): URLSearchParams {
    if (!/^(\d+|all)$/.test(tail)) {
        const remedy = "for example: --tail 200";
        throw new CliError(`--tail ${tail}: must be a number of lines, or all`, remedy);
    }
    const lines = tail === "all" ? MOST_LINES : Math.min(Number(tail), MOST_LINES);
    return new URLSearchParams({
        tail: String(lines),
        follow: String(follow === true),
        ...(since === undefined ? {} : { since: timeOf(since) }),
    });
}

/** A duration back from now (10m), or a time, as ISO 8601. */
function timeOf(since: string): string {
    const seconds = parseDuration(since);
    const time = seconds === undefined ? new Date(since) : new Date(Date.now() - seconds * 1000);
    if (!Number.isNaN(time.getTime())) return time.toISOString();
    throw new CliError(
        `--since ${since}: must be a duration or a time`,
        "for example: --since 10m, or --since 2026-01-31T12:00:00Z",
    );
}

/** The same from the inner daemon itself. */
async function direct(
    { project, out }: Session,
    server: string,
    options: LogsOptions,
): Promise<void> {
    const docker = await answeringDocker(project.dir, out);
    const inner = new InnerDaemon(docker, project.context().names.orchestrator);
    if (!(await inner.containers()).some(({ name }) => name === server)) {
        project.manifest(server);
        throw new CliError(`${server} is not deployed`, `run ./mcp deploy ${server}`);
    }
    await inner.streamLogs(server, [
        ...["--timestamps", "--tail", options.tail],
        ...(options.follow === true ? ["--follow"] : []),
        ...(options.since === undefined ? [] : ["--since", options.since]),
    ]);
}
