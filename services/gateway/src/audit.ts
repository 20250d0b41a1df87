/** The audit: one JSON line a call, with the names of its arguments and never their values. */
import { createHmac } from "node:crypto";

import canonicalize from "canonicalize";

import { AuditFile, type AuditFileOptions } from "./audit-file.ts";
import type { Logger } from "./log.ts";
import type { Id } from "./refusal.ts";

/** How a call ended: as the server answered, as it was refused, or why no answer came. */
export type Outcome = string;

/** One call. */
export interface CallRecord {
    readonly client: string;
    readonly server: string;
    /** `tools/call`, `prompts/get`, `resources/read`. */
    readonly method: string;
    /** Tool or prompt; empty for a resource, whose URI is a value. */
    readonly tool: string;
    readonly requestId: Id;
    readonly traceId: string;
    /** Of the request that carried it, where that has one. */
    readonly correlationId?: string;
    readonly durationMs: number;
    readonly outcome: Outcome;
    /** The call's arguments, of which only names and a hash are written. */
    readonly args: unknown;
}

const MOST_NAMES = 100;
const LONGEST_NAME = 128;

export interface AuditOptions extends AuditFileOptions {
    /** Key of the argument hashes. */
    readonly key: Buffer;
}

/** Writes audit lines, each before the call returns, so that none is lost at exit. */
export class Audit {
    readonly #key: Buffer;
    readonly #file: AuditFile;

    /** @param log told when a line could not be written; the call goes on */
    constructor({ key, ...options }: AuditOptions, log: Logger) {
        this.#key = key;
        this.#file = new AuditFile(options, log);
    }

    /** Goes on in a new file of the same name. */
    reopen(): void {
        this.#file.reopen();
    }

    call({ args, durationMs, tool, ...rest }: CallRecord): void {
        this.event("call", {
            ...rest,
            tool: tool.slice(0, LONGEST_NAME),
            durationMs: Math.round(durationMs * 100) / 100,
            argNames: namesOf(args),
            argsHash: this.#hash(args),
        });
    }

    /** Something that is no call: a server's tools have changed, or are back. */
    event(type: string, details: Readonly<Record<string, unknown>>): void {
        const line = { time: new Date().toISOString(), type, ...details };
        this.#file.write(`${JSON.stringify(line)}\n`);
    }

    /**
     * Equal arguments have equal hashes, whatever the order of their names. With a key, since a
     * plain hash of something short is found by trying.
     */
    #hash(args: unknown): string {
        const hash = createHmac("sha256", this.#key);
        try {
            return hash.update(canonicalize(args ?? {}) ?? "").digest("hex");
        } catch {
            // Nested too deep, or half a surrogate pair: no canonical form. The call counts all the same.
            return "";
        }
    }
}

function namesOf(args: unknown): string[] {
    if (typeof args !== "object" || args === null) return [];
    const names = Object.keys(args).slice(0, MOST_NAMES);
    return names.map((name) => name.slice(0, LONGEST_NAME)).toSorted();
}
