import { z } from "zod";

import { ask, type Answer, type Question } from "./http";
import type { TestStack } from "./stack";

/** Name of the manager's container on the inner daemon. */
export const MANAGER = "mcp-manager";

const container = z.looseObject({
    name: z.string(),
    origin: z.string(),
    health: z.string(),
    state: z.string(),
    image: z.string(),
    restarts: z.number(),
    healthOutput: z.string().optional(),
    limits: z.object({ memoryBytes: z.number(), cpus: z.number(), pids: z.number() }),
    usage: z.object({ memoryBytes: z.number() }).optional(),
    mcp: z
        .object({
            up: z.boolean(),
            tools: z.array(z.object({ name: z.string() })),
            reason: z.string().optional(),
        })
        .optional(),
});
const list = z.object({
    daemon: z.looseObject({ reachable: z.boolean() }),
    containers: z.array(container),
});

export type ManagerList = z.infer<typeof list>;

/** The manager's API of a stack, as a program on the host uses it. */
export class ManagerApi {
    readonly #tokens = new Map<string, Promise<string>>();

    constructor(private readonly stack: TestStack) {}

    url(path: string): string {
        return `http://127.0.0.1:${String(this.stack.port(18_080))}${path}`;
    }

    /** The token of a role, from the product's command. */
    token(role: "read" | "operate"): Promise<string> {
        const known = this.#tokens.get(role);
        if (known) return known;
        const asked = this.stack.mcp(["token", role]).then(({ code, stdout, stderr }) => {
            if (code !== 0)
                throw new Error(`./mcp token ended with code ${String(code)}: ${stderr}`);
            return stdout.trim();
        });
        this.#tokens.set(role, asked);
        return asked;
    }

    /** One request with the token of a role. */
    async as(
        role: "read" | "operate",
        method: string,
        path: string,
        question: Question = {},
    ): Promise<Answer> {
        const authorization = `Bearer ${await this.token(role)}`;
        const headers = { authorization, ...question.headers };
        return ask(this.url(path), { ...question, method, headers });
    }

    async containers(): Promise<ManagerList> {
        return list.parse(JSON.parse((await this.as("read", "GET", "/containers")).body));
    }

    async one(name: string): Promise<z.infer<typeof container>> {
        const answer = await this.as("read", "GET", `/containers/${name}`);
        return container.parse(JSON.parse(answer.body));
    }

    /** Waits until the daemon and every server are known to answer. */
    async ready(seconds: number): Promise<void> {
        const deadline = Date.now() + seconds * 1000;
        let last: Answer | undefined;
        while ((last = await this.as("read", "GET", "/ready")).status !== 200) {
            if (Date.now() > deadline) throw new Error(`never ready: ${last.body}`);
            await new Promise((resolve) => setTimeout(resolve, 200));
        }
    }

    /** Asks until `met` holds; fails after `seconds` with what was there last. */
    async until(
        what: string,
        seconds: number,
        met: (found: ManagerList) => boolean,
    ): Promise<ManagerList> {
        const deadline = Date.now() + seconds * 1000;
        for (;;) {
            const found = await this.containers().catch(() => undefined);
            if (found && met(found)) return found;
            if (Date.now() > deadline) {
                throw new Error(
                    `${what}: not within ${String(seconds)} s: ${JSON.stringify(found)}`,
                );
            }
            await new Promise((resolve) => setTimeout(resolve, 100));
        }
    }
}
