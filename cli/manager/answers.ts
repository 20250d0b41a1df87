import { z } from "zod";

import { CliError } from "../errors";

import type { ManagerClient } from "./client";

/** A container as the manager's API shows it, as far as the commands read it; services/manager/src/model.ts has all. */
const container = z.object({
    name: z.string(),
    origin: z.enum(["manifest", "api", "system", "foreign"]),
    component: z.string(),
    manifestHash: z.string().optional(),
    image: z.string(),
    state: z.string(),
    health: z.string(),
    restarts: z.number(),
    oomKills: z.number(),
    port: z.number().optional(),
    egress: z.array(z.string()),
    limits: z.object({ memoryBytes: z.number(), cpus: z.number(), pids: z.number() }),
    usage: z.object({ memoryBytes: z.number(), cpus: z.number(), pids: z.number() }).optional(),
    mcp: z
        .object({
            up: z.boolean(),
            tools: z.array(z.object({ name: z.string() })),
            milliseconds: z.number(),
            reason: z.string().optional(),
        })
        .optional(),
});

export type ManagedContainer = z.infer<typeof container>;

const containers = z.object({ containers: z.array(container) });

const cleanup = z.object({
    dryRun: z.boolean(),
    found: z.array(
        z.object({
            kind: z.string(),
            name: z.string(),
            why: z.string(),
            problem: z.string().optional(),
        }),
    ),
});

export type Cleanup = z.infer<typeof cleanup>;

const record = z.object({
    time: z.string(),
    stream: z.enum(["stdout", "stderr"]),
    line: z.string(),
});

export type LogRecord = z.infer<typeof record>;

/** Everything on the inner daemon, by name. */
export async function askContainers(manager: ManagerClient): Promise<readonly ManagedContainer[]> {
    return read(containers, await manager.ask("GET", "/containers")).containers;
}

/** Finds orphans; removes them unless it is a dry run. */
export async function askCleanup(manager: ManagerClient, dryRun: boolean): Promise<Cleanup> {
    const answer = await manager.ask(
        "POST",
        `/cleanup?dryRun=${String(dryRun)}`,
        undefined,
        60_000,
    );
    return read(cleanup, answer);
}

/** Restarts a server, waits up to `seconds` for it to be healthy, and gives its health. */
export async function askRestart(
    manager: ManagerClient,
    server: string,
    seconds: number,
): Promise<string> {
    const path = `/containers/${encodeURIComponent(server)}/restart?wait=${String(seconds)}`;
    const answer = await manager.ask("POST", path, undefined, (seconds + 40) * 1000);
    return read(z.object({ health: z.string() }), answer).health;
}

/** One line of a log, or nothing for an empty one. */
export function logRecord(line: string): LogRecord | undefined {
    return line === "" ? undefined : read(record, JSON.parse(line));
}

function read<T>(schema: z.ZodType<T>, answer: unknown): T {
    const { success, data, error } = schema.safeParse(answer);
    if (success) return data;
    const [issue] = error.issues;
    throw new CliError(
        `the manager's answer is not understood (${issue?.path.join(".") ?? ""}: ${issue?.message ?? ""})`,
        "its image and this folder are of different versions: run ./mcp up",
    );
}
