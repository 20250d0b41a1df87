/** Asks every running server for its tools again and again, each on its own. */
import { Deadline, pause } from "../../../reporter/src/deadline.ts";
import { McpConversation } from "../../../reporter/src/mcp.ts";
import { reasonOf } from "../../../reporter/src/reasons.ts";
import type { ContainerView, ToolView } from "../model.ts";
import type { Endpoint } from "./view.ts";

type Answer = NonNullable<ContainerView["mcp"]>;

interface Probe {
    readonly key: string;
    readonly stop: AbortController;
}

export interface ProberOptions {
    /** Time from one answer to the next question, in milliseconds. */
    readonly intervalMs: number;
    /** Limit of one question, in milliseconds. */
    readonly deadlineMs: number;
    readonly onAnswer: (name: string, answer: Answer) => void;
}

export class Prober {
    readonly #options: ProberOptions;
    readonly #probes = new Map<string, Probe>();

    constructor(options: ProberOptions) {
        this.#options = options;
    }

    /** Asks these from now on, and no others. A container that was made or started anew is asked at once. */
    watch(
        servers: ReadonlyMap<string, { readonly run: string; readonly endpoint: Endpoint }>,
    ): void {
        for (const [name, probe] of this.#probes) {
            const now = servers.get(name);
            if (now && probe.key === keyOf(now)) continue;
            probe.stop.abort();
            this.#probes.delete(name);
        }
        for (const [name, server] of servers) {
            if (this.#probes.has(name)) continue;
            const stop = new AbortController();
            this.#probes.set(name, { key: keyOf(server), stop });
            void this.#run(name, server.endpoint, stop.signal);
        }
    }

    stop(): void {
        this.watch(new Map());
    }

    async #run(name: string, endpoint: Endpoint, signal: AbortSignal): Promise<void> {
        const { intervalMs, deadlineMs, onAnswer } = this.#options;
        const { address, port, path, host } = endpoint;
        const url = new URL(`http://${address}:${port}${path}`);
        const server = new McpConversation(url, { client: "mcp-manager", host });
        let failures = 0;
        while (!signal.aborted) {
            const answer = await ask(server, deadlineMs, signal);
            if (signal.aborted) break;
            onAnswer(name, answer);
            failures = answer.up ? 0 : failures + 1;
            // One that is starting answers soon.
            await pause(Math.min(intervalMs, answer.up ? intervalMs : 500 * failures), signal);
        }
        await server.close();
    }
}

function keyOf({ run, endpoint }: { readonly run: string; readonly endpoint: Endpoint }): string {
    return JSON.stringify([run, endpoint]);
}

async function ask(
    server: McpConversation,
    deadlineMs: number,
    parent: AbortSignal,
): Promise<Answer> {
    const begun = performance.now();
    const deadline = new Deadline(deadlineMs, parent);
    const told = (): { milliseconds: number; at: string } => ({
        milliseconds: Math.round(performance.now() - begun),
        at: new Date().toISOString(),
    });
    try {
        const { tools } = await server.listTools(deadline.signal);
        return { up: true, tools: shownOf(tools), reason: undefined, ...told() };
    } catch (error) {
        const reason = deadline.passed ? `no answer in ${deadlineMs / 1000} s` : reasonOf(error);
        return { up: false, tools: [], reason, ...told() };
    } finally {
        deadline.clear();
    }
}

const LONGEST_NAME = 128;
const LONGEST_DESCRIPTION = 256;
/** Descriptions of one server in all, in characters: each list of the containers carries those of every server. */
const MOST_DESCRIPTION = 32 * 1024;

/** Tools as far as they are shown; what a server says of itself is not trusted to be well formed, nor to be short. */
function shownOf(tools: readonly unknown[]): ToolView[] {
    let left = MOST_DESCRIPTION;
    return tools
        .map((tool) => {
            const found = (tool ?? {}) as { name?: unknown; description?: unknown };
            const name = cut(found.name, LONGEST_NAME) ?? "";
            const description = cut(found.description, Math.min(LONGEST_DESCRIPTION, left));
            left -= description?.length ?? 0;
            return { name, description: description === "" ? undefined : description };
        })
        .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** The beginning of a text, as a copy: a slice would keep the whole of it in memory. */
function cut(text: unknown, length: number): string | undefined {
    return typeof text === "string" ? Buffer.from(text.slice(0, length)).toString() : undefined;
}
