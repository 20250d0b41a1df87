/** Pins the descriptions of tools: what a model is told must stay what was recorded. */
import { createHash } from "node:crypto";
import { readFileSync, renameSync, writeFileSync } from "node:fs";

import canonicalize from "canonicalize";
import { z } from "zod";

import type { Audit } from "./audit.ts";
import type { Config } from "./config.ts";
import type { Logger } from "./log.ts";
import { isObject, type Json } from "./message.ts";
import type { Metrics } from "./metrics.ts";
import { SettingsError } from "./settings.ts";

/** What of a tool reaches the model or decides how it is called. */
const PINNED = ["name", "title", "description", "inputSchema", "outputSchema", "annotations"];

/** A server's tools: one hash over all, and one for each by name. */
export interface Pin {
    readonly hash: string;
    readonly tools: Readonly<Record<string, string>>;
}

const fileSchema = z.record(
    z.string(),
    z.strictObject({ hash: z.string(), tools: z.record(z.string(), z.string()) }),
);

/** sha256 of a tool's pinned members in canonical JSON (RFC 8785). */
export function hashTool(tool: Json): string {
    const pinned = Object.fromEntries(PINNED.flatMap((k) => (k in tool ? [[k, tool[k]]] : [])));
    return sha256(canonicalize(pinned) ?? "");
}

/** The pin of a whole list, whatever its order. */
export function pinOf(tools: readonly Json[]): Pin {
    const named = tools
        .filter(isObject)
        .map((tool) => [String(tool.name), hashTool(tool)] as const);
    const byName = Object.fromEntries(named.toSorted(([a], [b]) => (a < b ? -1 : 1)));
    return { hash: sha256(canonicalize(byName) ?? ""), tools: byName };
}

interface PinsParts {
    readonly file: string | undefined;
    readonly log: Logger;
    readonly metrics: Metrics;
    readonly audit: Audit;
}

/**
 * Compares what servers offer with what was recorded: `toolsHash` of the configuration, else what
 * was seen first.
 */
export class Pins {
    readonly #parts: PinsParts;
    readonly #recorded = new Map<string, Pin>();
    readonly #current = new Map<string, Pin>();
    readonly #changed = new Map<string, boolean>();
    #config: Config;

    constructor(config: Config, parts: PinsParts) {
        this.#config = config;
        this.#parts = parts;
        if (parts.file !== undefined) this.#load(parts.file);
    }

    /** Takes over a new configuration; what it says of a hash holds at once. */
    configure(config: Config): void {
        this.#config = config;
        for (const [server, pin] of this.#current) this.#judge(server, pin);
    }

    /** Whether the name is one of the server's tools, as far as they are known. */
    knows(server: string, tool: string): boolean {
        return Object.hasOwn(this.#current.get(server)?.tools ?? {}, tool);
    }

    /** Takes note of all the tools a server has now. */
    observe(server: string, tools: readonly Json[]): void {
        const pin = pinOf(tools);
        this.#current.set(server, pin);
        this.#parts.metrics.server(server, tools.length);
        this.#judge(server, pin);
    }

    /** Whether a tool must not be called: in strict mode, one that is not as recorded. */
    held(server: string, tool: string): boolean {
        if (!this.#config.settings.strictTools) return false;
        const recorded = hashOf(this.#recorded.get(server), tool);
        return recorded === undefined || recorded !== hashOf(this.#current.get(server), tool);
    }

    /** Whether a tool on its way to a client must be held back; also tells when it is not as recorded. */
    heldInList(server: string, tool: Json): boolean {
        const recorded = this.#recorded.get(server);
        const same = hashOf(recorded, String(tool.name)) === hashTool(tool);
        if (recorded && !same) this.#parts.metrics.toolMismatch(server);
        return !same && this.#config.settings.strictTools;
    }

    #judge(server: string, pin: Pin): void {
        const wanted = this.#config.servers.find(({ name }) => name === server)?.toolsHash;
        const recorded = this.#recorded.get(server);
        const expected = wanted ?? recorded?.hash ?? pin.hash;
        const changed = expected !== pin.hash;
        if (!changed && recorded?.hash !== pin.hash) this.#record(server, pin);
        // A record of something else than the configuration asks for vouches for nothing.
        else if (changed && recorded && recorded.hash !== expected) this.#recorded.delete(server);
        this.#parts.metrics.toolsChanged(server, changed);
        if (changed === (this.#changed.get(server) ?? false)) return;
        this.#changed.set(server, changed);
        const details = { server, expected, hash: pin.hash };
        this.#parts.audit.event(changed ? "tools-changed" : "tools-restored", details);
        if (changed) this.#parts.log.warn(details, "tools differ from the recorded hash");
        else this.#parts.log.info(details, "tools are as recorded again");
    }

    #record(server: string, pin: Pin): void {
        this.#recorded.set(server, pin);
        this.#parts.log.info({ server, hash: pin.hash }, "tools recorded");
        const { file } = this.#parts;
        if (file === undefined) return;
        try {
            // Written beside and renamed: a reader, or a crash, never meets half a file.
            const text = JSON.stringify(Object.fromEntries(this.#recorded), undefined, 2);
            writeFileSync(`${file}.new`, `${text}\n`, { mode: 0o600 });
            renameSync(`${file}.new`, file);
        } catch (error) {
            this.#parts.log.error({ err: error, file }, "hashes cannot be kept");
        }
    }

    #load(file: string): void {
        let text: string;
        try {
            text = readFileSync(file, "utf8");
        } catch {
            // The first start: the file comes with the first hash.
            return;
        }
        try {
            for (const [server, pin] of Object.entries(fileSchema.parse(JSON.parse(text)))) {
                this.#recorded.set(server, pin);
            }
        } catch {
            // Going on would record whatever the servers say today.
            throw new SettingsError(
                `GATEWAY_PINS_FILE: ${file} is no file of tool hashes; restore it, or remove it to start anew`,
            );
        }
    }
}

function hashOf(pin: Pin | undefined, tool: string): string | undefined {
    return pin && Object.hasOwn(pin.tools, tool) ? pin.tools[tool] : undefined;
}

function sha256(text: string): string {
    return createHash("sha256").update(text).digest("hex");
}
