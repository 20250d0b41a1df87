import { hostPort } from "../../config/names";
import { MANAGER_NAME, PATHS, PORTS } from "../../config/defaults";
import { hostDocker } from "../docker/host";
import { InnerDaemon } from "../docker/inner";
import { CliError, messageOf } from "../errors";
import type { Project } from "../project";

/** What a token of the manager's API may do: look, or act as well. */
export type Role = "read" | "operate";

/** How long the manager may take to begin its answer, in milliseconds; a restart waits for the server. */
const PATIENCE_MS = 10_000;

/** Where the manager's API is published on this host. */
export function managerUrl(project: Project): string {
    const { bindAddress, portOffset } = project.context().settings;
    return `http://${bindAddress}:${String(hostPort(PORTS.management.host, portOffset))}`;
}

/**
 * The token of a role: MCP_TOKEN, or read from the manager's own secrets by way of the host's daemon, which whoever may
 * use it could do anyway.
 */
export async function managerToken(project: Project, role: Role): Promise<string> {
    const given = process.env.MCP_TOKEN;
    if (given !== undefined && given !== "") return given;
    const inner = new InnerDaemon(hostDocker(), project.context().names.orchestrator);
    const file = `${PATHS.secrets}/${role}-token`;
    return (await inner.run(["exec", MANAGER_NAME, "cat", file])).trim();
}

/** What the manager said instead of an answer; `code` is its word for programs. */
export class ManagerRefusal extends CliError {
    constructor(
        readonly code: string,
        detail: string,
        remedy?: string,
    ) {
        super(detail, remedy);
    }
}

/** The manager does not run or does not answer: what it would do can be done without it. */
export class ManagerAway extends CliError {}

/**
 * A client of the manager's API. What the manager refuses is a CliError with its words and remedy; no answer at all is a
 * ManagerAway.
 */
export class ManagerClient {
    private constructor(
        readonly url: string,
        private readonly token: string,
    ) {}

    /** @throws ManagerAway when the manager does not run */
    static async open(project: Project, role: Role): Promise<ManagerClient> {
        const token = await managerToken(project, role).catch((error: unknown) => {
            throw new ManagerAway(`the manager does not run: ${messageOf(error)}`, "run ./mcp up");
        });
        return new ManagerClient(managerUrl(project), token);
    }

    /** An answer as JSON. */
    async ask(method: string, path: string, body?: unknown, patienceMs?: number): Promise<unknown> {
        const response = await this.send(method, path, body, patienceMs);
        return response.status === 204 ? undefined : await response.json();
    }

    /** An answer as text. */
    async text(path: string): Promise<string> {
        return (await this.send("GET", path, undefined)).text();
    }

    /** An answer line by line, as it comes; ends with the answer or the signal. */
    async *lines(path: string, signal: AbortSignal): AsyncGenerator<string> {
        const { body } = await this.send("GET", path, undefined, PATIENCE_MS, signal);
        if (body === null) return;
        let rest = "";
        try {
            for await (const part of body.pipeThrough(new TextDecoderStream())) {
                const lines = (rest + part).split("\n");
                rest = lines.pop() ?? "";
                yield* lines;
            }
        } catch (error) {
            if (!signal.aborted) throw error;
        }
        if (rest !== "") yield rest;
    }

    private async send(
        method: string,
        path: string,
        body: unknown,
        patienceMs = PATIENCE_MS,
        signal?: AbortSignal,
    ): Promise<Response> {
        const late = new AbortController();
        const timer = setTimeout(() => {
            late.abort();
        }, patienceMs);
        try {
            const response = await fetch(this.url + path, {
                method,
                headers: {
                    authorization: `Bearer ${this.token}`,
                    ...(body === undefined ? {} : { "content-type": "application/json" }),
                },
                ...(body === undefined ? {} : { body: JSON.stringify(body) }),
                signal: AbortSignal.any([late.signal, ...(signal ? [signal] : [])]),
            });
            if (response.ok) return response;
            throw await refusal(response);
        } catch (error) {
            if (error instanceof CliError) throw error;
            const cause = (error as { cause?: { code?: string } }).cause?.code;
            const why = late.signal.aborted ? "no answer in time" : (cause ?? messageOf(error));
            throw new ManagerAway(
                `the manager at ${this.url} does not answer (${why})`,
                "run ./mcp up; its own log: ./mcp logs mcp-manager",
            );
        } finally {
            clearTimeout(timer);
        }
    }
}

async function refusal(response: Response): Promise<CliError> {
    const { error, detail, remedy } = (await response.json().catch(() => ({}))) as {
        readonly error?: string;
        readonly detail?: string;
        readonly remedy?: string;
    };
    if (response.status === 401) {
        return new CliError(
            "the manager does not know this token",
            "unset MCP_TOKEN, or take one that ./mcp token prints",
        );
    }
    const said = detail ?? `the manager said HTTP ${String(response.status)}`;
    return new ManagerRefusal(error ?? "unknown", said, remedy);
}
