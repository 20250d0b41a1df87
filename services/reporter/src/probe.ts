/** From a service's registration to the probe that tells whether it works. */
import type { CatalogService } from "./catalog.ts";
import { getOk } from "./http-answer.ts";
import { McpConversation } from "./mcp.ts";
import type { McpIdentity } from "./settings.ts";
import { reachTcp, shakeHands } from "./sockets.ts";

/** What a service that works says. */
export interface Success {
    readonly output: string;
    /** Number of its tools, where it has any notion of them. */
    readonly tools?: number;
}

/** A repeatable test of one service. */
export interface Probe {
    /** Throws with the reason when the service does not work; ends early with the signal. */
    run(signal: AbortSignal): Promise<Success>;
    /** What it is doing, for the reason of one that takes too long. */
    readonly step: string;
    close(): Promise<void>;
}

/** Everything in a registration that decides how it is probed; equal text, equal probe. */
export function probeKey({ address, port, meta }: CatalogService): string {
    const { protocol, path, "health-tool": tool, "health-arguments": args } = meta;
    return JSON.stringify([address, port, protocol, path, tool, args]);
}

/**
 * The probe that a registration asks for. One that cannot be probed gets a probe that says so.
 *
 * @param tlsCa PEM for the protocols `docker` and `https`
 * @param mcpIdentity who it is for protocol `mcp`
 */
export function probeFor(
    service: CatalogService,
    { tlsCa, mcpIdentity }: { readonly tlsCa?: string; readonly mcpIdentity?: McpIdentity },
): Probe {
    const { address: host, port, meta } = service;
    if (host === "" || port < 1 || port > 65535) {
        return never("the registration has no address and port");
    }
    switch (meta.protocol) {
        case "mcp":
            return mcpProbe(service, mcpIdentity);
        case "docker":
            if (tlsCa === undefined) return never("REPORTER_TLS_CA_FILE is not set");
            return simple("TLS handshake", "TLS handshake completed", (signal) =>
                shakeHands({ host, port }, tlsCa, signal),
            );
        case "http":
            return httpProbe(service);
        case "https":
            if (tlsCa === undefined) return never("REPORTER_TLS_CA_FILE is not set");
            return httpProbe(service, tlsCa);
        default:
            return simple("TCP connect", "accepts TCP connections", (signal) =>
                reachTcp({ host, port }, signal),
            );
    }
}

/** @param ca PEM; with it the service is asked by TLS */
function httpProbe(service: CatalogService, ca?: string): Probe {
    const url = urlOf(service, "/", ca === undefined ? "http" : "https");
    if (url === undefined) return never("meta path is no path");
    return simple(`GET ${url.pathname}`, "answers HTTP", (signal) => getOk(url, signal, ca));
}

/** Where a service is asked; `undefined` when its metadata's path is none. */
function urlOf(
    { address, port, meta }: CatalogService,
    fallback: string,
    scheme = "http",
): URL | undefined {
    const path = meta.path || fallback;
    const text = `${scheme}://${address.includes(":") ? `[${address}]` : address}:${port}${path}`;
    return path.startsWith("/") && URL.canParse(text) ? new URL(text) : undefined;
}

function mcpProbe(service: CatalogService, identity: McpIdentity | undefined): Probe {
    const { address, port, meta } = service;
    const url = urlOf(service, "/mcp");
    if (url === undefined) return never("meta path is no path");
    const tool = meta["health-tool"] || undefined;
    const args = objectIn(meta["health-arguments"] || "{}");
    if (!args) return never("meta health-arguments is not a JSON object");
    const conversation = new McpConversation(url, {
        client: "mcp-reporter",
        token: identity?.at === `${address}:${port}` ? identity.token : undefined,
    });
    let step = "tools/list";
    return {
        get step() {
            return step;
        },
        async run(signal) {
            step = "tools/list";
            const { tools: listed, protocol } = await conversation.listTools(signal);
            const tools = listed.length;
            const what = `${tools} ${tools === 1 ? "tool" : "tools"}, MCP ${protocol}`;
            if (tool === undefined) return { output: what, tools };
            step = tool;
            const failure = await conversation.callTool(tool, args, signal);
            if (failure !== undefined) throw new Error(failure);
            return { output: `${what}, ${tool} works`, tools };
        },
        close: () => conversation.close(),
    };
}

function simple(step: string, output: string, work: (signal: AbortSignal) => Promise<void>): Probe {
    return {
        step,
        async run(signal) {
            await work(signal);
            return { output };
        },
        close: () => Promise.resolve(),
    };
}

function never(reason: string): Probe {
    const run = (): Promise<Success> => Promise.reject(new Error(reason));
    return { step: "registration", run, close: () => Promise.resolve() };
}

function objectIn(text: string): Readonly<Record<string, unknown>> | undefined {
    try {
        const value = JSON.parse(text) as unknown;
        const right = typeof value === "object" && value !== null && !Array.isArray(value);
        return right ? (value as Record<string, unknown>) : undefined;
    } catch {
        return undefined;
    }
}
