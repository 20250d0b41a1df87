/** The stdio MCP server: a child process, its message framing, and how it ends. */
import { spawn,                                     } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";

                                                                              

                                              
import { LineSplitter } from "./lines.js";
                                       

const STDERR_LINE_BYTES = 8 * 1024;
const STDERR_LINES_KEPT = 20;
/** Unread input beyond this means that the child has stopped reading. */
const MAX_UNREAD_BYTES = 16 * 1024 * 1024;
/** How long to wait for output still in the pipes once the process has ended. */
const FLUSH_MS = 200;
const CLOSE_STDIN_MS = 500;
const TERM_MS = 2_000;

/** How the child ended. */
                            
                                 
                                           
                                                          
                                 
                                            
                                       
 

                               
                                                     
                                                   
                                   
                                
                         
 

/**
 * An SDK transport over a child process. The library's own transport hides the exit code and lets a
 * message over the limit end the connection; this one reports the first and fails only that call.
 */
export class ChildTransport                      {
    onclose             ;
    onerror                         ;
    onmessage                                    ;
    /** Resolves once, when the process has ended and its output is read. */
             exited                    ;

             #options              ;
             #stderr           = [];
             #resolveExited                           ;
    #process                                            ;
    #ended = false;

    constructor(options              ) {
        this.#options = options;
        const { promise, resolve } = Promise.withResolvers           ();
        this.exited = promise;
        this.#resolveExited = resolve;
    }

    get pid()                     {
        return this.#process?.pid;
    }

    async start()                {
        const [program, ...args] = this.#options.command;
        // A process group of its own, so that a wrapper such as `sh -c` or `npx` cannot leave its
        // server behind.
        const child = spawn(program, args, { env: this.#options.env, detached: true });
        this.#process = child;
        const running = Promise.withResolvers           ();
        child.once("spawn", () => running.resolve(undefined));
        child.on("error", (error                       ) => {
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

    send(message                )                {
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
    async close()                {
        const child = this.#process;
        if (!child || child.pid === undefined) return;
        child.stdin.end();
        if (!(await this.#endsWithin(CLOSE_STDIN_MS))) {
            this.#kill("SIGTERM");
            if (!(await this.#endsWithin(TERM_MS))) this.#kill("SIGKILL");
        }
        await this.exited;
    }

    async #endsWithin(ms        )                   {
        const timer = new AbortController();
        const late = sleep(ms, false, { signal: timer.signal }).catch(() => false);
        const ended = await Promise.race([this.exited.then(() => true), late]);
        timer.abort();
        return ended;
    }

    #readOutput(child                                )       {
        const messages = new LineSplitter(this.#options.maxReplyBytes, {
            line: (text) => this.#onLine(text),
            tooLong: (head, tail, bytes) => this.#onTooLong(head, tail, bytes),
        });
        const log = this.#options.log.child({ from: "child" });
        const keep = (text        )       => {
            if (text.trim() === "") return;
            this.#stderr.push(text);
            if (this.#stderr.length > STDERR_LINES_KEPT) this.#stderr.shift();
            log.info(text);
        };
        const errors = new LineSplitter(STDERR_LINE_BYTES, {
            line: keep,
            tooLong: (head, _tail, bytes) => keep(`${head}... (${bytes} bytes)`),
        });
        child.stdout.on("data", (chunk        ) => messages.push(chunk));
        child.stderr.on("data", (chunk        ) => errors.push(chunk));
        child.stderr.on("end", () => errors.end());
        for (const stream of [child.stdin, child.stdout, child.stderr]) {
            stream.on("error", (error) => this.#report(error));
        }
    }

    #onLine(text        )       {
        let message         ;
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
        this.#deliver(message                  );
    }

    /** Answers the call that an over-long reply belongs to; `id` is first or last in the known SDKs. */
    #onTooLong(head        , tail        , bytes        )       {
        const found =
            /^\{"jsonrpc":"2\.0","id":(\d{1,15}),/.exec(head) ?? /,"id":(\d{1,15})\}\s*$/.exec(tail);
        const id = found ? Number(found[1]) : undefined;
        const message = `the MCP server's reply of ${bytes} bytes is over the limit of ${this.#options.maxReplyBytes}`;
        this.#options.log.warn({ id }, message);
        if (id === undefined || !this.#options.calls.has(id)) return;
        this.#deliver({ jsonrpc: "2.0", id, error: { code: -32603, message } });
    }

    #deliver(message                )       {
        this.#options.calls.received(message);
        this.onmessage?.(message);
    }

    async #onExit(
        child                                ,
        code               ,
        signal                       ,
    )                {
        // What the rest of its group might hold open must not delay the news.
        this.#kill("SIGKILL");
        const drained = new Promise((resolve) => child.once("close", resolve));
        await Promise.race([drained, sleep(FLUSH_MS)]);
        this.#finish({ code, signal });
    }

    #finish(exit                           )       {
        if (this.#ended) return;
        this.#ended = true;
        this.#options.calls.lost();
        this.#resolveExited({ ...exit, stderr: [...this.#stderr] });
        this.onclose?.();
    }

    #kill(signal                )       {
        const pid = this.#process?.pid;
        if (pid === undefined || this.#ended) return;
        try {
            process.kill(-pid, signal);
        } catch {
            // Nobody left in the group.
        }
    }

    #report(error       )       {
        this.#options.log.debug({ err: error }, "child pipe");
        this.onerror?.(error);
    }
}
