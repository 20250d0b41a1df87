/** The stdio MCP server: a child process, its message framing, and how it ends. */
import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";

import type { JSONRPCMessage, Transport } from "@modelcontextprotocol/client";

import type { CallTracker } from "./calls.ts";
import { LineSplitter } from "./lines.ts";
import type { Logger } from "./log.ts";

const STDERR_LINE_BYTES = 8 * 1024;
const STDERR_LINES_KEPT = 20;
/** Unread input beyond this means that the child has stopped reading. */
const MAX_UNREAD_BYTES = 16 * 1024 * 1024;
/** How long to wait for output still in the pipes once the process has ended. */
const FLUSH_MS = 200;
const CLOSE_STDIN_MS = 500;
const TERM_MS = 2_000;

/** How the child ended. */
export interface ChildExit {
    readonly code: number | null;
    readonly signal: NodeJS.Signals | null;
    /** Why it could not be started, when it never ran. */
    readonly startError?: string;
    /** Whether the bridge had asked it to end. */
    readonly asked: boolean;
    /** Its last lines on standard error. */
    readonly stderr: readonly string[];
}

export interface ChildOptions {
    readonly command: readonly [string, ...string[]];
    readonly env: Readonly<Record<string, string>>;
    readonly maxReplyBytes: number;
    readonly calls: CallTracker;
    readonly log: Logger;
}

/**
 * An SDK transport over a child process. The library's own transport hides the exit code and lets a
 * message over the limit end the connection; this one reports the first and fails only that call.
 */
export class ChildTransport implements Transport {
    onclose?: () => void;
    onerror?: (error: Error) => void;
    onmessage?: (message: JSONRPCMessage) => void;
    /** Resolves once, when the process has ended and its output is read. */
    readonly exited: Promise<ChildExit>;

    readonly #options: ChildOptions;
    readonly #stderr: string[] = [];
    readonly #resolveExited: (exit: ChildExit) => void;
    #process: ChildProcessWithoutNullStreams | undefined;
    #closing = false;
    #ended = false;

    constructor(options: ChildOptions) {
        this.#options = options;
        const { promise, resolve } = Promise.withResolvers<ChildExit>();
        this.exited = promise;
        this.#resolveExited = resolve;
    }

    get pid(): number | undefined {
        return this.#process?.pid;
    }

    async start(): Promise<void> {
        const [program, ...args] = this.#options.command;
        // A process group of its own, so that a wrapper such as `sh -c` or `npx` cannot leave its
        // server behind.
        const child = spawn(program, args, { env: this.#options.env, detached: true });
        this.#process = child;
        const running = Promise.withResolvers<undefined>();
        child.once("spawn", () => running.resolve(undefined));
        child.on("error", (error: NodeJS.ErrnoException) => {
            if (child.pid !== undefined) return this.#report(error);
            const why = error.code === "ENOENT" ? "not found" : error.message;
            this.#finish({ code: null, signal: null, startError: `${program}: ${why}` });
            running.reject(error);
        });
        child.once("exit", (code, signal) => void this.#onExit(child, code, signal));
        this.#readOutput(child);
        process.once("exit", () => this.#kill("SIGKILL"));
        await running.promise;
    }

    send(message: JSONRPCMessage): Promise<void> {
        const stdin = this.#process?.stdin;
        if (!stdin?.writable || this.#ended) {
            return Promise.reject(new Error("the MCP server has ended"));
        }
        if (stdin.writableLength > MAX_UNREAD_BYTES) {
            return Promise.reject(new Error("the MCP server does not read its input"));
        }
        this.#options.calls.sent(message);
        stdin.write(`${JSON.stringify(message)}\n`);
        return Promise.resolve();
    }

    /** Ends the child: end of input, then SIGTERM, then SIGKILL. */
    async close(): Promise<void> {
        const child = this.#process;
        if (!child || child.pid === undefined) return;
        this.#closing = true;
        child.stdin.end();
        if (!(await this.#endsWithin(CLOSE_STDIN_MS))) {
            this.#kill("SIGTERM");
            if (!(await this.#endsWithin(TERM_MS))) this.#kill("SIGKILL");
        }
        await this.exited;
    }

    async #endsWithin(ms: number): Promise<boolean> {
        const timer = new AbortController();
        const late = sleep(ms, false, { signal: timer.signal }).catch(() => false);
        const ended = await Promise.race([this.exited.then(() => true), late]);
        timer.abort();
        return ended;
    }

    #readOutput(child: ChildProcessWithoutNullStreams): void {
        const messages = new LineSplitter(this.#options.maxReplyBytes, {
            line: (text) => this.#onLine(text),
            tooLong: (head, tail, bytes) => this.#onTooLong(head, tail, bytes),
        });
        const log = this.#options.log.child({ from: "child" });
        const keep = (text: string): void => {
            if (text.trim() === "") return;
            this.#stderr.push(text);
            if (this.#stderr.length > STDERR_LINES_KEPT) this.#stderr.shift();
            log.info(text);
        };
        const errors = new LineSplitter(STDERR_LINE_BYTES, {
            line: keep,
            tooLong: (head, _tail, bytes) => keep(`${head}... (${bytes} bytes)`),
        });
        child.stdout.on("data", (chunk: Buffer) => messages.push(chunk));
        child.stderr.on("data", (chunk: Buffer) => errors.push(chunk));
        child.stderr.on("end", () => errors.end());
        for (const stream of [child.stdin, child.stdout, child.stderr]) {
            stream.on("error", (error) => this.#report(error));
        }
    }

    #onLine(text: string): void {
        let message: unknown;
        try {
            message = JSON.parse(text);
        } catch {
            message = undefined;
        }
        if (typeof message !== "object" || message === null || Array.isArray(message)) {
            if (text.trim() !== "") {
                this.#options.log.warn({ text: text.slice(0, 200) }, "child printed a non-message");
            }
            return;
        }
        this.#deliver(message as JSONRPCMessage);
    }

    /** Answers the call that an over-long reply belongs to; `id` is first or last in the known SDKs. */
    #onTooLong(head: string, tail: string, bytes: number): void {
        const found =
            /^\{"jsonrpc":"2\.0","id":(\d{1,15}),/.exec(head) ??
            /,"id":(\d{1,15})\}\s*$/.exec(tail);
        const id = found ? Number(found[1]) : undefined;
        const message = `the MCP server's reply of ${bytes} bytes is over the limit of ${this.#options.maxReplyBytes}`;
        this.#options.log.warn({ id }, message);
        if (id === undefined || !this.#options.calls.has(id)) return;
        this.#deliver({ jsonrpc: "2.0", id, error: { code: -32603, message } });
    }

    #deliver(message: JSONRPCMessage): void {
        this.#options.calls.received(message);
        this.onmessage?.(message);
    }

    async #onExit(
        child: ChildProcessWithoutNullStreams,
        code: number | null,
        signal: NodeJS.Signals | null,
    ): Promise<void> {
        // What the rest of its group might hold open must not delay the news.
        this.#kill("SIGKILL");
        const drained = new Promise((resolve) => child.once("close", resolve));
        await Promise.race([drained, sleep(FLUSH_MS)]);
        this.#finish({ code, signal });
    }

    #finish(exit: Omit<ChildExit, "asked" | "stderr">): void {
        if (this.#ended) return;
        this.#ended = true;
        this.#options.calls.lost();
        this.#resolveExited({ ...exit, asked: this.#closing, stderr: [...this.#stderr] });
        this.onclose?.();
    }

    #kill(signal: NodeJS.Signals): void {
        const pid = this.#process?.pid;
        if (pid === undefined || this.#ended) return;
        try {
            process.kill(-pid, signal);
        } catch {
            // Nobody left in the group.
        }
    }

    #report(error: Error): void {
        this.#options.log.debug({ err: error }, "child pipe");
        this.onerror?.(error);
    }
}
