/** What of a server a client may see and call. */
import type { ClientConfig, ServerConfig } from "./config.ts";
import { isObject, type Json } from "./message.ts";
import type { Pins } from "./pins.ts";
import { CODE, type Refusal } from "./refusal.ts";

/** A client and a server it may see. */
export interface Pair {
    readonly client: ClientConfig;
    readonly server: ServerConfig;
}

/** Why a tool must not be called; undefined when it may be. */
export function refusalOf(pair: Pair, tool: string, pins: Pins): Refusal | undefined {
    if (!permits(pair, tool)) {
        // In the words for a tool that does not exist: its existence is nobody's business.
        const message = `Unknown tool: ${tool.slice(0, 128)}`;
        return { status: 200, reason: "denied", code: CODE.invalidParams, message };
    }
    if (pins.held(pair.server.name, tool)) {
        const message = "The tool's description is not the recorded one; the gateway holds it back";
        return { status: 200, reason: "held", code: CODE.refused, message };
    }
    return undefined;
}

/** The tools of a list that the client may see; the very list when that is all of them. */
export function visibleTools(
    pair: Pair,
    tools: readonly unknown[],
    pins: Pins,
): readonly unknown[] {
    const seen = tools.filter((tool) => !isObject(tool) || isVisible(pair, tool, pins));
    return seen.length === tools.length ? tools : seen;
}

function isVisible(pair: Pair, tool: Json, pins: Pins): boolean {
    if (typeof tool.name !== "string") return false;
    return permits(pair, tool.name) && !pins.heldInList(pair.server.name, tool);
}

function permits({ client, server }: Pair, tool: string): boolean {
    return server.tools.permits(server.name, tool) && client.tools.permits(server.name, tool);
}
