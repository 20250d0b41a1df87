/** Reads the environment once, tells every problem at once; everything else gets a plain `Settings`. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";

import type { GatewayStack } from "../../../config/gateway.ts";
import type { ServerStack } from "../../../config/server-container.ts";
import { planAddresses } from "../../../config/addresses.ts";
import { namesFor } from "../../../config/names.ts";
import type { OrchestratorLimits } from "./servers/room.ts";

/** What the manager was asked to do. */
export interface Settings {
    readonly daemonUrl: URL;
    readonly certsDir: string;
    readonly logsDir: string;
    readonly dataDir: string;
    readonly dashboardDir: string;
    readonly listenHost: string;
    readonly apiPort: number;
    readonly metricsPort: number;
    readonly tokenFiles: { readonly read: string; readonly operate: string };
    readonly stack: ServerStack & GatewayStack;
    readonly orchestrator: OrchestratorLimits;
    /** Images that `spec.build` of a manifest may name, to content ids. */
    readonly images: ReadonlyMap<string, string>;
    /** Where the gateway reads which servers this API made; not written when undefined. */
    readonly routesFile: string | undefined;
    readonly consulUrl: URL | undefined;
    readonly edgeUrl: URL | undefined;
    /** Where the gateway has its metrics. */
    readonly gatewayUrl: URL | undefined;
    /** Host names that requests may name, in lower case. */
    readonly allowedHosts: ReadonlySet<string>;
    readonly sampleMs: number;
    readonly probeMs: number;
    readonly requestsPerMinute: number;
    readonly logLevel: string;
}

/** Settings the user can fix; the message has one line a problem. */
export class SettingsError extends Error {}

export type Environment = Readonly<Record<string, string | undefined>>;

const PREFIX = "MANAGER_";
const LOG_LEVELS = ["fatal", "error", "warn", "info", "debug", "trace", "silent"] as const;

const port = z.coerce.number().int().min(0).max(65_535);
const seconds = (min: number, max: number): z.ZodType<number> =>
    z.coerce
        .number()
        .min(min)
        .max(max)
        .transform((value) => Math.round(value * 1000));
const file = z.string().min(1);
const url = z.string().transform((text, context) => {
    const found = URL.canParse(text) ? new URL(text) : undefined;
    const bare = found?.pathname === "/" && !found.search && !found.username && !found.password;
    if (found && bare) return found;
    // Not repeated: what stands there may hold a password.
    context.addIssue("must be http(s)://HOST:PORT and nothing more");
    return z.NEVER;
});
const json = z.string().transform((text, context): unknown => {
    try {
        return JSON.parse(text);
    } catch {
        context.addIssue("must be JSON");
        return z.NEVER;
    }
});
const stack = json.pipe(
    z.object({
        stack: z.string().min(1),
        namePrefix: z.string(),
        portOffset: z.number().int(),
        bindAddress: z.ipv4(),
        mainSubnet: z.string(),
        internalSubnet: z.string(),
        innerPool: z.string(),
        postgres: z.object({ mode: z.enum(["managed", "external"]) }),
        publishServers: z.object({ from: z.int(), to: z.int() }).optional(),
        orchestrator: z.object({ cpus: z.number().positive(), memoryMb: z.int().positive() }),
    }),
);

/** Every setting but the contents of files, without its prefix. */
const schema = z.strictObject({
    DAEMON_URL: url.refine(({ protocol }) => protocol === "https:", "must begin with https://"),
    CERTS_DIR: file.default("/certs/client"),
    LOGS_DIR: file.default("/var/log/mcp"),
    DATA_DIR: file.default("/"),
    DASHBOARD_DIR: file.optional(),
    LISTEN_HOST: z.ipv4().default("0.0.0.0"),
    API_PORT: port.default(8080),
    METRICS_PORT: port.default(9090),
    READ_TOKEN_FILE: file,
    OPERATE_TOKEN_FILE: file,
    STACK: stack,
    IMAGES_FILE: file.optional(),
    ROUTES_FILE: file.optional(),
    CONSUL_URL: url.optional(),
    EDGE_URL: url.optional(),
    GATEWAY_URL: url.optional(),
    ALLOWED_HOSTS: z.string().default("localhost,127.0.0.1"),
    SAMPLE_SECONDS: seconds(0.1, 2.5).default(2_000),
    PROBE_SECONDS: seconds(0.1, 300).default(5_000),
    REQUESTS_PER_MINUTE: z.coerce.number().int().min(60).max(10_000_000).default(6_000),
    LOG_LEVEL: z.enum(LOG_LEVELS).default("info"),
});

const images = json.pipe(z.record(z.string(), z.string().regex(/^sha256:[0-9a-f]{64}$/)));

/**
 * Returns the settings.
 *
 * @param env the manager's environment
 * @param home folder of the running program, for what is delivered with it
 * @throws SettingsError with every problem
 */
export function readSettings(env: Environment, home: string): Settings {
    const own = Object.entries(env).filter(([name]) => name.startsWith(PREFIX));
    const read = schema.safeParse(
        Object.fromEntries(own.map(([name, value]) => [name.slice(PREFIX.length), value])),
    );
    if (!read.success) {
        const lines = read.error.issues.flatMap((issue) => explain(issue, env));
        throw new SettingsError(lines.join("\n"));
    }
    const found = read.data;
    return {
        daemonUrl: found.DAEMON_URL,
        certsDir: found.CERTS_DIR,
        logsDir: found.LOGS_DIR,
        dataDir: found.DATA_DIR,
        dashboardDir: found.DASHBOARD_DIR ?? join(home, "dashboard"),
        listenHost: found.LISTEN_HOST,
        apiPort: found.API_PORT,
        metricsPort: found.METRICS_PORT,
        tokenFiles: { read: found.READ_TOKEN_FILE, operate: found.OPERATE_TOKEN_FILE },
        stack: stackOf(found.STACK),
        orchestrator: found.STACK.orchestrator,
        images: imagesIn(found.IMAGES_FILE),
        routesFile: found.ROUTES_FILE,
        consulUrl: found.CONSUL_URL,
        edgeUrl: found.EDGE_URL,
        gatewayUrl: found.GATEWAY_URL,
        allowedHosts: new Set(
            found.ALLOWED_HOSTS.split(",").map((host) => host.trim().toLowerCase()),
        ),
        sampleMs: found.SAMPLE_SECONDS,
        probeMs: found.PROBE_SECONDS,
        requestsPerMinute: found.REQUESTS_PER_MINUTE,
        logLevel: found.LOG_LEVEL,
    };
}

function stackOf(found: z.output<typeof stack>): Settings["stack"] {
    const { stack: name, bindAddress, postgres, publishServers } = found;
    try {
        const addresses = planAddresses(found);
        const names = namesFor(found.namePrefix);
        const settings = { stack: name, bindAddress, postgres, publishServers };
        return { settings, names, addresses };
    } catch (error) {
        throw new SettingsError(`MANAGER_STACK: ${(error as Error).message}`);
    }
}

function imagesIn(path: string | undefined): ReadonlyMap<string, string> {
    if (path === undefined) return new Map();
    let text: string;
    try {
        text = readFileSync(path, "utf8");
    } catch (error) {
        throw new SettingsError(`MANAGER_IMAGES_FILE: ${(error as Error).message}`);
    }
    const read = images.safeParse(text);
    if (read.success) return new Map(Object.entries(read.data));
    throw new SettingsError(
        `MANAGER_IMAGES_FILE: ${JSON.stringify(path)} must be a JSON object of names to sha256:<content id>`,
    );
}

/** One line a setting: what is wrong, and where the way out is. */
function explain(issue: z.core.$ZodIssue, env: Environment): string[] {
    if (issue.code === "unrecognized_keys") {
        return issue.keys.map((key) => `${PREFIX}${key}: no such setting (see --help)`);
    }
    const [key, ...inside] = issue.path.map(String);
    const name = `${PREFIX}${key}`;
    const where = inside.length > 0 ? ` ${inside.join(".")}:` : "";
    const what = env[name] === undefined ? "is not set" : issue.message;
    return [`${name}:${where} ${what} (see --help)`];
}
