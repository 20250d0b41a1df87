/** Shapes of requests and answers, which the OpenAPI document is made of. `model.ts` says what the fields mean. */
import { z } from "zod";

/** A container's name as Docker allows it. */
export const containerName = z.string().regex(/^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}$/);

/** `true` or `false` in a query. */
export const flag = z.enum(["true", "false"]);

/**
 * A whole number in a query or a header, both ends included. A sign and digits alone: zod's own coercion also takes an
 * empty text for 0, and `0x10` and `1e3`, which the document does not allow.
 */
export const whole = (min: number, max: number): z.ZodPreprocess<z.ZodInt> =>
    z.preprocess(
        (text) => (typeof text === "string" && /^-?\d{1,16}$/.test(text) ? Number(text) : text),
        z.int().min(min).max(max),
    );

/** Seconds to wait for health, in a query. */
export const waitSeconds = (usual: number): z.ZodDefault<ReturnType<typeof whole>> =>
    whole(0, 120).default(usual).describe("Longest wait, in seconds");

export const errorBody = z
    .object({
        error: z.string().describe("Word for programs"),
        detail: z.string().describe("What is wrong and where"),
        remedy: z.string().describe("What to do about it"),
        requestId: z.string().describe("Under which the manager's log has it"),
    })
    .meta({ id: "Error" });

const time = z.iso.datetime({ offset: true });
const tool = z.object({ name: z.string(), description: z.string().optional() });
const health = z.enum(["healthy", "unhealthy", "starting", "none"]);

export const containerView = z
    .object({
        name: z.string(),
        origin: z.enum(["manifest", "api", "system", "foreign"]),
        component: z.string(),
        manifestFile: z.string().optional(),
        manifestHash: z.string().optional(),
        id: z.string(),
        image: z.string(),
        state: z.string(),
        health,
        healthOutput: z.string().optional(),
        startedAt: time.optional(),
        restarts: z.int(),
        oomKills: z.int(),
        exitCode: z.int().optional(),
        port: z.int().optional(),
        path: z.string().optional(),
        egress: z.array(z.string()).readonly(),
        limits: z.object({ memoryBytes: z.number(), cpus: z.number(), pids: z.number() }),
        usage: z
            .object({ memoryBytes: z.number(), cpus: z.number(), pids: z.number(), at: time })
            .optional(),
        mcp: z
            .object({
                up: z.boolean(),
                tools: z.array(tool).readonly(),
                milliseconds: z.number(),
                reason: z.string().optional(),
                at: time,
            })
            .optional(),
    })
    .meta({ id: "Container" });

/** `version` when it answers, `reason` when it does not. */
const daemon = z.object({
    reachable: z.boolean(),
    version: z.string().optional(),
    reason: z.string().optional(),
    since: time,
});

export const containerList = z
    .object({
        at: time.describe("When the daemon was asked last; the header Age has it in seconds"),
        daemon,
        containers: z.array(containerView).readonly(),
    })
    .meta({ id: "ContainerList" });

export const alive = z.object({ status: z.literal("alive") });

export const readiness = z
    .object({
        ready: z.boolean(),
        daemon,
        servers: z.array(
            z.object({ name: z.string(), up: z.boolean(), reason: z.string().optional() }),
        ),
    })
    .meta({ id: "Readiness" });

/** `reachable` is absent while it is not known, `reason` says why it is not. */
const neighbour = z.object({
    configured: z.boolean(),
    reachable: z.boolean().optional(),
    reason: z.string().optional(),
});

export const statusBody = z
    .object({
        stack: z.string(),
        role: z.enum(["read", "operate"]).describe("What the token of this request may do"),
        version: z.string(),
        startedAt: time,
        uptimeSeconds: z.number(),
        at: time,
        daemon,
        counts: z.object({
            containers: z.int(),
            servers: z.int(),
            running: z.int(),
            healthy: z.int(),
            unhealthy: z.int(),
            answering: z.int().describe("Servers that answer tools/list"),
        }),
        disks: z
            .array(z.object({ name: z.string(), usedBytes: z.number(), totalBytes: z.number() }))
            .readonly(),
        certificates: z.array(z.object({ name: z.string(), expiresAt: time })).readonly(),
        consul: neighbour,
        edge: neighbour,
    })
    .meta({ id: "Status" });

export const outcome = z
    .object({ name: z.string(), state: z.string(), health, seconds: z.number() })
    .meta({ id: "Outcome" });

export const removed = z.object({ name: z.string(), removed: z.literal(true) });

export const cleanupBody = z
    .object({
        dryRun: z.boolean(),
        found: z.array(
            z.object({
                kind: z.enum(["container", "volume", "network"]),
                name: z.string(),
                why: z.string(),
                removed: z.boolean().optional(),
                problem: z.string().optional(),
            }),
        ),
    })
    .meta({ id: "Cleanup" });

/** A manifest sent as JSON; what is in `spec` is checked by the project's own rules. */
export const manifestBody = z
    .looseObject({
        apiVersion: z.literal("mcp/v1"),
        kind: z.literal("MCPContainer"),
        metadata: z.looseObject({ name: z.string() }),
        spec: z.looseObject({ port: z.int() }),
    })
    .meta({
        id: "Manifest",
        description: "The format is manifests/schema.json",
        examples: [
            {
                apiVersion: "mcp/v1",
                kind: "MCPContainer",
                metadata: { name: "notes-mcp" },
                spec: { build: "bridge", command: ["node", "/opt/server.mjs"], port: 13_009 },
            },
        ],
    });

/** Answers any route may give besides its own. */
export const errors = { "4xx": errorBody, "5xx": errorBody } as const;
