import { createHash } from "node:crypto";
import { MANIFEST_DEFAULTS as D, PORTS } from "./defaults";
import { compareText } from "./errors";
import type { RawManifest } from "./manifest-schema";
import { parseDuration, parseMemory } from "./units";

/** Names of tools as patterns in which `*` stands for any characters. What is denied is not allowed. */
export interface ToolAccess {
    readonly allow: readonly string[];
    readonly deny: readonly string[];
}

/** One MCP server, checked, with every default filled in. */
export interface ServerManifest {
    /** Folder and name of the file, like "manifests/files-mcp.yml". */
    readonly file: string;
    /** Unique in the stack; a DNS label of at most 40 characters. */
    readonly name: string;
    readonly labels: Record<string, string>;
    /**
     * sha256 (hex) of the canonical JSON of the spec with its defaults, and the name. Formatting, comments,
     * labels and written-out defaults do not change it.
     */
    readonly hash: string;
    /** Folder under images/, or an image by digest. */
    readonly source: { kind: "build"; image: string } | { kind: "image"; ref: string };
    /** Program and arguments; empty: the image's own. */
    readonly command: readonly string[];
    readonly environment: Record<string, string>;
    /** File name under /run/secrets, and where its value comes from: postgres.dsn or config.<key>. */
    readonly secrets: readonly { name: string; from: string }[];
    /** Port on the orchestrator; unique in the stack. */
    readonly port: number;
    readonly transport: { type: "streamable-http"; path: string; containerPort: number };
    /** Cores, MiB, processes. */
    readonly resources: { cpus: number; memoryMb: number; pids: number };
    readonly volumes: readonly { source: string; path: string; readOnly: boolean }[];
    /** host:port the server may reach; empty: nothing. */
    readonly egress: readonly string[];
    /** Tools that clients see, as patterns with `*`: those allowed and not denied. */
    readonly tools: ToolAccess;
    /** SHA-256 (hex) of the tools as they were approved; undefined: of what the gateway sees first. */
    readonly toolsHash: string | undefined;
    /** `test` undefined: the image's own check. `call`: a tool the reporter calls besides `tools/list`. */
    readonly health: {
        test: readonly string[] | undefined;
        call: { tool: string; arguments: Readonly<Record<string, unknown>> } | undefined;
        intervalSeconds: number;
        timeoutSeconds: number;
        retries: number;
        startPeriodSeconds: number;
    };
    readonly stopGraceSeconds: number;
}

/** JSON with sorted keys and without spaces: equal data gives equal text. */
export function canonicalJson(value: unknown): string {
    return JSON.stringify(value, (_key, part: unknown) =>
        typeof part === "object" && part !== null && !Array.isArray(part)
            ? sortedRecord(part as Record<string, unknown>)
            : part,
    );
}

/** Fills in the defaults and converts units. The raw manifest has passed the schema and the rules. */
export function normalise(file: string, raw: RawManifest): ServerManifest {
    const { metadata, spec } = raw;
    const { transport = {}, resources = {}, health = {} } = spec;
    const identity = {
        name: metadata.name,
        source: sourceOf(spec),
        command: [...(spec.command ?? [])],
        environment: sortedRecord(spec.environment ?? {}),
        secrets: (spec.secrets ?? []).map(({ name, from }) => ({ name, from })),
        port: spec.port,
        transport: {
            type: "streamable-http" as const,
            path: transport.path ?? D.transportPath,
            containerPort: transport.containerPort ?? PORTS.mcp,
        },
        resources: {
            cpus: resources.cpus ?? D.cpus,
            memoryMb: converted(parseMemory, resources.memory, D.memoryMb),
            pids: resources.pids ?? D.pids,
        },
        volumes: (spec.volumes ?? []).map(({ source, path, readOnly = false }) => ({
            source,
            path,
            readOnly,
        })),
        egress: spec.egress === undefined || spec.egress === "none" ? [] : [...spec.egress],
        tools: toolAccess(spec.tools),
        toolsHash: spec.tools?.hash,
        health: {
            test: health.test === undefined ? undefined : [...health.test],
            call: health.call && {
                tool: health.call.tool,
                arguments: health.call.arguments ?? {},
            },
            intervalSeconds: converted(parseDuration, health.interval, D.intervalSeconds),
            timeoutSeconds: converted(parseDuration, health.timeout, D.timeoutSeconds),
            retries: health.retries ?? D.retries,
            startPeriodSeconds: converted(parseDuration, health.startPeriod, D.startPeriodSeconds),
        },
        stopGraceSeconds: converted(parseDuration, spec.stopGrace, D.stopGraceSeconds),
    };
    const hash = createHash("sha256").update(canonicalJson(identity)).digest("hex");
    return { file, labels: sortedRecord(metadata.labels ?? {}), hash, ...identity };
}

/** Without a word on tools all are allowed. */
export function toolAccess(raw: Partial<ToolAccess> = {}): ToolAccess {
    return { allow: [...(raw.allow ?? ["*"])], deny: [...(raw.deny ?? [])] };
}

function sourceOf(spec: RawManifest["spec"]): ServerManifest["source"] {
    if (spec.build !== undefined) return { kind: "build", image: spec.build };
    return { kind: "image", ref: spec.image ?? "" };
}

function converted(
    parse: (text: string) => number | undefined,
    text: string | undefined,
    fallback: number,
): number {
    return text === undefined ? fallback : (parse(text) ?? fallback);
}

function sortedRecord<T>(record: Record<string, T>): Record<string, T> {
    return Object.fromEntries(Object.entries(record).sort(([a], [b]) => compareText(a, b)));
}
