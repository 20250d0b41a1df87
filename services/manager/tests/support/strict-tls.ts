/** A TLS server that refuses unknown client certificates with an alert, as the real daemon does. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { Pair } from "./authority.ts";

export class StrictTls {
    readonly url: URL;
    readonly #process: ChildProcess;
    readonly #dir: string;

    private constructor(port: number, dir: string, process: ChildProcess) {
        this.url = new URL(`https://127.0.0.1:${port}`);
        this.#dir = dir;
        this.#process = process;
    }

    static async start({ ca, cert, key }: Pair): Promise<StrictTls> {
        const dir = mkdtempSync(join(tmpdir(), "strict-"));
        for (const [name, text] of Object.entries({ ca, cert, key })) {
            writeFileSync(join(dir, name), text);
        }
        const port = await freePort();
        const args = ["-accept", `127.0.0.1:${port}`, "-cert", "cert", "-key", "key"];
        const verify = ["-CAfile", "ca", "-Verify", "1", "-verify_return_error", "-www", "-quiet"];
        const child = spawn("openssl", ["s_server", ...args, ...verify], {
            cwd: dir,
            stdio: "ignore",
        });
        await once(child, "spawn");
        await listening(port, child);
        return new StrictTls(port, dir, child);
    }

    stop(): void {
        this.#process.kill();
        rmSync(this.#dir, { recursive: true, force: true });
    }
}

async function freePort(): Promise<number> {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    server.close();
    await once(server, "close");
    return port;
}

async function listening(port: number, child: ChildProcess): Promise<void> {
    while (child.exitCode === null) {
        const there = await new Promise<boolean>((resolve) => {
            const socket = connect(port, "127.0.0.1", () => {
                socket.destroy();
                resolve(true);
            });
            socket.on("error", () => resolve(false));
        });
        if (there) return;
        await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`openssl s_server ended with ${child.exitCode}`);
}
