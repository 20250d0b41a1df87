/** Child processes of the bench: started on loopback, stopped at the end whatever happens. */
import { spawn, type ChildProcess } from "node:child_process";
import { createWriteStream } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import * as path from "node:path";

const START_MS = 90_000;
const STOP_MS = 3_000;
const POLL_MS = 100;

/** How to start one. */
export interface Command {
    readonly name: string;
    readonly program: string;
    readonly args: readonly string[];
    readonly env?: Readonly<Record<string, string>>;
    readonly cwd?: string;
}

/** All processes of one run; what they write goes to a file each in `dir`. */
export class Processes {
    readonly #running = new Set<ChildProcess>();

    constructor(readonly dir: string) {}

    /** Starts one and resolves with what `ready` makes of its output so far, as soon as that is something. */
    async start<T>(
        command: Command,
        ready: (output: string) => Promise<T | undefined> | T | undefined,
    ): Promise<T> {
        const { name, program, args, env = {}, cwd = this.dir } = command;
        const child = spawn(program, args, {
            cwd,
            // Nothing of this machine's configuration: a proxy variable or a token in it would change what is measured.
            env: { PATH: process.env.PATH, HOME: this.dir, ...env },
            stdio: ["ignore", "pipe", "pipe"],
            detached: true,
        });
        this.#running.add(child);
        const file = createWriteStream(path.join(this.dir, `${name}.log`));
        let output = "";
        for (const stream of [child.stdout, child.stderr]) {
            stream.on("data", (part: Buffer) => {
                file.write(part);
                // Enough to see that it listens; some write a line a call for the whole run.
                if (output.length < 65_536) output += part.toString();
            });
        }
        let failed: string | undefined;
        child.on("error", (error) => (failed = error.message));
        child.on("exit", (code) => {
            this.#running.delete(child);
            failed ??= `ended with code ${String(code)}: ${output.trim().split("\n").slice(-2).join(" / ")}`;
        });
        const deadline = Date.now() + START_MS;
        for (;;) {
            const found = await ready(output);
            if (found !== undefined) return found;
            if (failed !== undefined) throw new Error(`${name} ${failed}`);
            if (Date.now() > deadline)
                throw new Error(`${name} was not ready in ${String(START_MS / 1000)} s`);
            await new Promise((resolve) => setTimeout(resolve, POLL_MS));
        }
    }

    /** Takes charge of a process started elsewhere. */
    adopt(child: ChildProcess): void {
        this.#running.add(child);
        child.on("exit", () => this.#running.delete(child));
    }

    /** Ends all, with what they have started: supergateway has a process for each session. */
    async stop(): Promise<void> {
        const all = [...this.#running];
        const gone = Promise.all(
            all.map((child) => new Promise((resolve) => child.once("close", resolve))),
        );
        for (const child of all) signal(child, "SIGTERM");
        await Promise.race([gone, new Promise((resolve) => setTimeout(resolve, STOP_MS))]);
        for (const child of all) signal(child, "SIGKILL");
        await gone;
    }
}

function signal(child: ChildProcess, name: NodeJS.Signals): void {
    if (child.pid === undefined) return;
    try {
        process.kill(-child.pid, name);
    } catch {
        // Gone already.
    }
}

/** A port of loopback that is free now. */
export function freePort(): Promise<number> {
    return new Promise((resolve, reject) => {
        const server = createServer();
        server.on("error", reject);
        server.listen(0, "127.0.0.1", () => {
            const { port } = server.address() as AddressInfo;
            server.close(() => {
                resolve(port);
            });
        });
    });
}

/** True once something accepts connections and answers HTTP, whatever it says. */
export async function answers(url: string): Promise<true | undefined> {
    try {
        const { body } = await fetch(url, { signal: AbortSignal.timeout(1_000) });
        await body?.cancel();
        return true;
    } catch {
        return undefined;
    }
}
