/** Starts the real bridge as its own process on a free loopback port. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";

const MAIN = fileURLToPath(new URL("../../src/main.ts", import.meta.url));
const FIXTURE = fileURLToPath(new URL("../fixtures/server.ts", import.meta.url));
const READY_MS = 30_000;

export interface LogLine {
    readonly level: string;
    readonly msg: string;
    readonly [key: string]: unknown;
}

export interface Ended {
    readonly code: number | null;
    readonly signal: NodeJS.Signals | null;
    readonly stderr: string;
}

export interface StartOptions {
    readonly env?: Readonly<Record<string, string>>;
    /** Arguments after the script; by default `--` and the child's command. */
    readonly args?: readonly string[];
    /** The child's command; by default the fixture. */
    readonly child?: readonly string[];
    /** The script; by default the source. */
    readonly main?: string;
}

/** The command line of the fixture server. */
export function fixture(...flags: readonly string[]): string[] {
    return [process.execPath, FIXTURE, ...flags];
}

/** A bridge process under test. */
export class Bridge {
    readonly logs: LogLine[] = [];
    readonly ended: Promise<Ended>;
    readonly #process: ChildProcess;
    readonly #watchers = new Set<() => void>();

    constructor(options: StartOptions = {}) {
        const { env = {}, child = fixture(), main = MAIN } = options;
        const args = options.args ?? ["--", ...child];
        this.#process = spawn(process.execPath, [main, ...args], {
            env: {
                PATH: process.env.PATH,
                HOME: "/tmp",
                BRIDGE_HOST: "127.0.0.1",
                BRIDGE_PORT: "0",
                ...env,
            },
            stdio: ["ignore", "pipe", "pipe"],
        });
        const { stdout, stderr } = this.#process;
        let errors = "";
        stderr?.on("data", (chunk: Buffer) => (errors += chunk.toString()));
        if (stdout) createInterface({ input: stdout }).on("line", (line) => this.#onLine(line));
        this.ended = once(this.#process, "close").then((values) => {
            const [code, signal] = values as [number | null, NodeJS.Signals | null];
            for (const watcher of this.#watchers) watcher();
            return { code, signal, stderr: errors };
        });
    }

    /** Starts one, waits until it listens, and kills it at the end of the test at the latest. */
    static async listening(t: TestContext, options?: StartOptions): Promise<Bridge> {
        const bridge = new Bridge(options);
        t.after(() => bridge.kill());
        await bridge.log("listening");
        return bridge;
    }

    get pid(): number {
        return Number(this.#process.pid);
    }

    get childPid(): number {
        return Number(this.logs.find(({ msg }) => msg === "child initialized")?.pid);
    }

    get origin(): string {
        const line = this.logs.find(({ msg }) => msg === "listening");
        if (!line) throw new Error("the bridge does not listen");
        return `http://127.0.0.1:${Number(line.port)}`;
    }

    get url(): string {
        return `${this.origin}/mcp`;
    }

    /** Waits for a log line whose message contains `part`. */
    async log(part: string): Promise<LogLine> {
        const deadline = Date.now() + READY_MS;
        for (;;) {
            const line = this.logs.find(({ msg }) => msg?.includes(part));
            if (line) return line;
            const over = this.#process.exitCode !== null || Date.now() > deadline;
            if (over) throw new Error(`no "${part}" in the log: ${JSON.stringify(this.logs)}`);
            await this.#change();
        }
    }

    signal(name: NodeJS.Signals): void {
        this.#process.kill(name);
    }

    /** Ends the bridge and its child whatever state they are in. */
    async kill(): Promise<void> {
        const { childPid } = this;
        this.signal("SIGKILL");
        if (childPid > 0) {
            try {
                process.kill(-childPid, "SIGKILL");
            } catch {
                // Gone already.
            }
        }
        await this.ended;
    }

    #onLine(line: string): void {
        this.logs.push(JSON.parse(line) as LogLine);
        for (const watcher of this.#watchers) watcher();
    }

    #change(): Promise<void> {
        return new Promise((resolve) => {
            const done = (): void => {
                clearTimeout(timer);
                this.#watchers.delete(done);
                resolve();
            };
            const timer = setTimeout(done, 500);
            this.#watchers.add(done);
        });
    }
}
