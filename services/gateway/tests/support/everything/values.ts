/** Values and helpers that tools, prompts and resources of the fixture share. */
import { randomBytes } from "node:crypto";

import { createRequestStateCodec, type ServerContext } from "@modelcontextprotocol/server";

/** A red pixel. */
export const PNG =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==";
/** No sound, with a head. */
export const WAV = "UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAAB9AAACABAAZGF0YQIAAAA=";

export type Answer = Record<string, unknown>;
export type Args = Readonly<Record<string, unknown>>;

/** Tells whoever listens. */
export interface Notifier {
    readonly toolsChanged: () => void;
    readonly promptsChanged: () => void;
}

/** A tool: what is listed, and what it does. */
export interface Tool {
    readonly description: string;
    readonly inputSchema?: Readonly<Record<string, unknown>>;
    readonly call: (args: Args, ctx: ServerContext, notify: Notifier) => Answer | Promise<Answer>;
}

/** State that goes by way of the client and back, sealed. */
export const codec = createRequestStateCodec<string>({ key: randomBytes(32) });

export function mint(state: string): Promise<string> {
    return codec.mint(state);
}

export function text(content: string): Answer {
    return { content: [{ type: "text", text: content }] };
}
