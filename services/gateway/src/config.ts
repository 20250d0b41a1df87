/** The configuration file: its schema, and the check that its parts fit together. */
import { z } from "zod";

import { Access } from "./access.ts";

/** A DNS label that starts with a letter: it is a path segment, a tool prefix and a URI scheme. */
const SERVER_NAME = /^[a-z](?:[a-z0-9-]{0,38}[a-z0-9])?$/;
const CLIENT_NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/;
const SHA256 = /^[0-9a-f]{64}$/;
const MIB = 1024 * 1024;

const sha256 = z.string().regex(SHA256, "must be 64 lower-case hex digits");
const pattern = z
    .string()
    // Each further star multiplies the cost of a match that fails.
    .regex(
        /^(?=[^*]*(?:\*[^*]*){0,3}$)[A-Za-z0-9_.*-]{1,128}$/,
        "is no tool name with up to 3 stars",
    );
const tools = z
    .strictObject({
        allow: z.array(pattern).default(["*"]),
        deny: z.array(pattern).default([]),
    })
    .prefault({})
    .transform(({ allow, deny }) => new Access(allow, deny));
const httpUrl = z
    .url({ protocol: /^https?$/, error: "must be an http or https URL" })
    .transform((text) => text.replace(/\/+$/, ""));

const server = z.strictObject({
    name: z
        .string()
        .regex(SERVER_NAME, "must be a DNS label of up to 40 that starts with a letter"),
    /** Scheme, host and port. */
    url: z
        .url({ protocol: /^https?$/, error: "must be an http or https URL" })
        .refine((text) => !/[?#@]/.test(text) && URL.parse(text)?.pathname === "/", {
            error: "must be scheme, host and port alone; the path goes into path",
        })
        .transform((text) => new URL(text).origin),
    path: z
        .string()
        .regex(/^\/[A-Za-z0-9._~/-]*$/, "must be an absolute path")
        .default("/mcp"),
    port: z.int().min(1).max(65_535).optional(),
    tools,
    toolsHash: sha256.optional(),
    tokenFile: z.string().min(1).optional(),
    timeoutSeconds: z.number().min(0.1).max(86_400).default(300),
});

const client = z.strictObject({
    name: z.string().regex(CLIENT_NAME, "must be letters, digits and _ . - up to 64"),
    /** One, or several while a token is replaced. */
    tokenSha256: z
        .preprocess(
            (given) => (typeof given === "string" ? [given] : given),
            z.array(sha256).max(4),
        )
        .default([]),
    oauthClient: z.string().min(1).max(256).optional(),
    anonymous: z.boolean().default(false),
    servers: z.array(z.string()).min(1),
    tools,
    limits: z
        .strictObject({
            callsPerMinute: z.int().min(1).max(1_000_000).default(600),
            concurrent: z.int().min(1).max(10_000).default(16),
            bodyBytes: z
                .int()
                .min(1024)
                .max(64 * MIB)
                .default(MIB),
            sessions: z.int().min(1).max(10_000).default(64),
        })
        .prefault({}),
});

const settings = z.strictObject({
    strictTools: z.boolean().default(false),
    allowedHosts: z
        .array(z.string().regex(/^[A-Za-z0-9._-]{1,253}$/, "must be a host name without port"))
        .default([])
        .transform((names) => new Set(names.map((name) => name.toLowerCase()))),
    allowedOrigins: z
        .array(
            z
                .string()
                .refine((text) => URL.parse(text)?.origin === text, "must be scheme://host[:port]"),
        )
        .default([])
        .transform((origins) => new Set(origins)),
    /** Peers whose word on a client's address is taken. */
    trustedProxies: z
        .array(z.union([z.ipv4(), z.ipv6()], "must be an IP address"))
        .default([])
        .transform((addresses) => new Set(addresses)),
    legacySse: z.boolean().default(false),
    sessionIdleSeconds: z.number().min(1).max(86_400).default(1_800),
    maxReplyBytes: z
        .int()
        .min(1024)
        .max(256 * MIB)
        .default(16 * MIB),
    oauth: z
        .strictObject({
            issuer: z.url({ protocol: /^https?$/, error: "must be an http or https URL" }),
            jwksUri: httpUrl,
            /** The gateway's own base URL: the resource that tokens are for. */
            audience: httpUrl,
            scopes: z.array(z.string().regex(/^[\x21\x23-\x5B\x5D-\x7E]+$/)).default([]),
            clientClaim: z.string().min(1).default("client_id"),
            /** HTTP proxy through which the keys are fetched. */
            proxyUrl: httpUrl.optional(),
        })
        .optional(),
});

const schema = z
    .strictObject({
        servers: z.array(server),
        clients: z.array(client),
        settings: settings.prefault({}),
    })
    .superRefine((config, context) => {
        for (const { path, message } of misfits(config)) {
            context.addIssue({ code: "custom", path, message });
        }
    });

/** The configuration, checked and with every default filled in. */
export type Config = z.output<typeof schema>;
export type ServerConfig = Config["servers"][number];
export type ClientConfig = Config["clients"][number];
export type OAuthConfig = NonNullable<Config["settings"]["oauth"]>;

/** The file says something that cannot be; the message lists all of it, one line. */
export class ConfigError extends Error {}

/**
 * Reads the text of a configuration file.
 *
 * @throws {ConfigError} naming each place and what is wrong there, never a value
 */
export function parseConfig(text: string): Config {
    return checked(schema, text);
}

function checked<T>(type: z.ZodType<T>, text: string): T {
    let json: unknown;
    try {
        json = JSON.parse(text);
    } catch {
        // The parser's own message quotes the text, which may hold what should not be logged.
        throw new ConfigError("is not JSON; check it with a JSON parser");
    }
    const result = type.safeParse(json);
    if (result.success) return result.data;
    throw new ConfigError(reasonOf(result.error, []));
}

/** Servers of a list that was written by somebody else. */
export interface AddedServers {
    readonly servers: readonly ServerConfig[];
    /** What is wrong with each of the others: the place, never a value. */
    readonly refused: readonly string[];
}

/**
 * Reads a list of servers, each as it stands under `servers` of a configuration. One that is wrong is left out.
 *
 * @throws {ConfigError} when it is no list at all
 */
export function parseServers(text: string): AddedServers {
    const servers: ServerConfig[] = [];
    const refused: string[] = [];
    for (const [n, item] of checked(z.array(z.unknown()), text).entries()) {
        const result = server.safeParse(item);
        if (result.success) servers.push(result.data);
        else refused.push(reasonOf(result.error, [n]));
    }
    return { servers, refused };
}

/** The servers that a client may see, in the configuration's order. */
export function serversOf(config: Config, client: ClientConfig): ServerConfig[] {
    return config.servers.filter(({ name }) => mayUse(client, name));
}

/** Whether a client may see a server. */
export function mayUse(client: ClientConfig, server: string): boolean {
    return client.servers.includes(server) || client.servers.includes("*");
}

/** @param at where what was checked stands in the file */
function reasonOf({ issues }: z.ZodError, at: readonly PropertyKey[]): string {
    return issues.map(({ path, message }) => `${placeOf([...at, ...path])}: ${message}`).join("; ");
}

function placeOf(path: readonly PropertyKey[]): string {
    const place = path.map((key) => (typeof key === "number" ? `[${key}]` : `.${String(key)}`));
    return place.join("").replace(/^\./, "") || "the file";
}

interface Misfit {
    readonly path: PropertyKey[];
    readonly message: string;
}

type Parts = Pick<z.output<typeof schema>, "servers" | "clients" | "settings">;

function* misfits({ servers, clients, settings: { oauth } }: Parts): Generator<Misfit> {
    yield* repeated(
        servers.map(({ name }, n) => ({ value: name, path: ["servers", n, "name"] })),
        "is another server's name",
    );
    yield* repeated(
        servers.map(({ port }, n) => ({ value: port, path: ["servers", n, "port"] })),
        "is another server's port",
    );
    yield* repeated(
        clients.map(({ name }, n) => ({ value: name, path: ["clients", n, "name"] })),
        "is another client's name",
    );
    yield* repeated(
        clients.flatMap(({ tokenSha256 }, n) =>
            tokenSha256.map((value) => ({ value, path: ["clients", n, "tokenSha256"] })),
        ),
        "is another client's token",
    );
    yield* repeated(
        clients.map(({ oauthClient }, n) => ({
            value: oauthClient,
            path: ["clients", n, "oauthClient"],
        })),
        "is another client's",
    );
    yield* repeated(
        clients.map(({ anonymous }, n) => ({
            value: anonymous || undefined,
            path: ["clients", n, "anonymous"],
        })),
        "there can be one anonymous client",
    );
    const known = new Set(["*", ...servers.map(({ name }) => name)]);
    for (const [n, { tokenSha256, oauthClient, anonymous, servers: seen }] of clients.entries()) {
        if (tokenSha256.length === 0 && oauthClient === undefined && !anonymous) {
            const message = "needs tokenSha256, oauthClient or anonymous";
            yield { path: ["clients", n], message };
        }
        if (oauthClient !== undefined && !oauth) {
            yield { path: ["clients", n, "oauthClient"], message: "needs settings.oauth" };
        }
        for (const [place, name] of seen.entries()) {
            if (!known.has(name)) {
                yield { path: ["clients", n, "servers", place], message: "is no server's name" };
            }
        }
    }
}

function* repeated(
    items: readonly { value: string | number | boolean | undefined; path: PropertyKey[] }[],
    message: string,
): Generator<Misfit> {
    const seen = new Set<string | number | boolean>();
    for (const { value, path } of items) {
        if (value === undefined) continue;
        if (seen.has(value)) yield { path, message };
        seen.add(value);
    }
}
