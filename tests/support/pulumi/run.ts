import { execFileSync, spawn, type ChildProcess } from "node:child_process";

import { until } from "./wait";

/** How a program ended and what it wrote. */
export interface Ended {
    /** Exit code; null when a signal ended it. */
    readonly code: number | null;
    readonly stdout: string;
    readonly stderr: string;
    readonly seconds: number;
}

export interface RunOptions {
    readonly cwd: string;
    readonly env: Readonly<Record<string, string>>;
    /** Seconds until it is killed and the run fails. @default 240 */
    readonly limit?: number;
}

/** Longest run when a test does not say, in seconds: several times what a full `up` takes on two busy cores. */
const LIMIT = 240;

/** A program that runs in a process group of its own, as under a terminal. */
export class Running {
    private static readonly alive = new Set<Running>();
    private out = "";
    private errors = "";
    private ended: Ended | undefined;
    readonly done: Promise<Ended>;

    private constructor(
        private readonly child: ChildProcess,
        private readonly what: string,
        limit: number,
    ) {
        const begun = Date.now();
        child.stdout?.on("data", (chunk: Buffer) => (this.out += chunk.toString("utf8")));
        child.stderr?.on("data", (chunk: Buffer) => (this.errors += chunk.toString("utf8")));
        this.done = new Promise((resolve, reject) => {
            const timer = setTimeout(() => {
                this.kill();
                reject(new Error(`${what}: no end within ${String(limit)} s\n${this.output()}`));
            }, limit * 1000);
            child.once("error", reject);
            // "close", not "exit": only then is all output here.
            child.once("close", (code) => {
                clearTimeout(timer);
                Running.alive.delete(this);
                const seconds = (Date.now() - begun) / 1000;
                this.ended = { code, stdout: this.out, stderr: this.errors, seconds };
                resolve(this.ended);
            });
        });
        // A test that fails before it awaits this must show its own failure, not a stray rejection.
        this.done.catch(() => undefined);
    }

    static start(program: string, args: readonly string[], options: RunOptions): Running {
        const child = spawn(program, [...args], {
            cwd: options.cwd,
            env: { ...options.env },
            stdio: ["ignore", "pipe", "pipe"],
            detached: true,
        });
        const running = new Running(child, args.join(" "), options.limit ?? LIMIT);
        Running.alive.add(running);
        return running;
    }

    /** Kills whatever a failed test left running. */
    static async killAll(): Promise<void> {
        const left = [...Running.alive];
        for (const running of left) running.kill();
        await Promise.allSettled(left.map((running) => running.done));
    }

    /** Waits for a line on stderr. Fails when the program ends without it. */
    async says(text: string, seconds = 120): Promise<void> {
        await until(`"${text}" from ${this.what}`, seconds, () => {
            if (this.errors.includes(text)) return true;
            if (this.ended) throw new Error(`${this.what} ended early\n${this.output()}`);
            return undefined;
        });
    }

    /** Ctrl-C in a terminal: SIGINT to the program and to all it started. */
    interrupt(): void {
        if (this.child.pid !== undefined) process.kill(-this.child.pid, "SIGINT");
    }

    /** `kill -9` of the program and of all it started, as when the machine loses power. */
    kill(): void {
        const { pid } = this.child;
        if (pid === undefined || this.ended) return;
        for (const id of [pid, ...descendants(pid)]) {
            try {
                process.kill(id, "SIGKILL");
            } catch {
                continue; // Ended by itself in between.
            }
        }
    }

    private output(): string {
        return `${this.out}\n${this.errors}`.trim();
    }
}

/** Processes below a process, by the process table: plugins have process groups of their own. */
function descendants(root: number): number[] {
    const table = execFileSync("ps", ["-A", "-o", "pid=,ppid="], { encoding: "utf8" })
        .trim()
        .split("\n")
        .map((line) => line.trim().split(/\s+/).map(Number));
    const below = (parent: number): number[] =>
        table.flatMap(([pid = 0, ppid]) => (ppid === parent ? [pid, ...below(pid)] : []));
    return below(root);
}
