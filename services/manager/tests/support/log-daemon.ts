/** Stand-in for Docker's log endpoint on loopback: real HTTP, one chunk a frame as Docker sends, faults on demand. */
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";

import Docker from "dockerode";

export interface Entry {
    readonly stream: "stdout" | "stderr";
    readonly time: string;
    /** With the line end, where there is one. */
    readonly frame: Buffer;
}

/** A message as Docker frames it. */
export function entry(stream: "stdout" | "stderr", time: string, text: string | Buffer): Entry {
    const body = Buffer.concat([Buffer.from(`${time} `), Buffer.from(text)]);
    const header = Buffer.alloc(8);
    header[0] = stream === "stdout" ? 1 : 2;
    header.writeUInt32BE(body.length, 4);
    return { stream, time, frame: Buffer.concat([header, body]) };
}

/** The time so many microseconds after the noon the tests are set in, as Docker writes it. */
export function at(microseconds: number): string {
    const milliseconds = Math.floor(microseconds / 1000);
    const start = new Date(Date.UTC(2026, 10, 27, 12) + milliseconds).toISOString().slice(0, -1);
    return `${start}${String(microseconds - milliseconds * 1000).padStart(3, "0")}000Z`;
}

export interface FakeContainer {
    readonly created: string;
    /** All it has written, and Docker still has. */
    readonly entries: Entry[];
    running: boolean;
    tty?: boolean;
    /** Sizes of the pieces the stream is sent in; without it a frame a piece. */
    pieces?: readonly number[];
    /** Breaks the connection after so many bytes, once. */
    breakAfter?: number;
    /** Takes every request, answers none. */
    hangs?: boolean;
    /** Status of the next answers instead of a log. */
    status?: number;
}

export class LogDaemon {
    readonly containers = new Map<string, FakeContainer>();
    /** The `since` of every request, in order. */
    readonly asked: string[] = [];
    /** Requests that are not answered. */
    hanging = 0;
    readonly #server: Server;
    readonly #wake = new Set<() => void>();

    private constructor() {
        this.#server = createServer((request, response) => void this.#answer(request, response));
    }

    static async start(t: TestContext): Promise<LogDaemon> {
        const daemon = new LogDaemon();
        daemon.#server.listen(0, "127.0.0.1");
        await once(daemon.#server, "listening");
        t.after(() => daemon.stop());
        return daemon;
    }

    get port(): number {
        return (this.#server.address() as AddressInfo).port;
    }

    get docker(): Docker {
        return new Docker({ protocol: "http", host: "127.0.0.1", port: this.port });
    }

    add(id: string, container: Partial<FakeContainer> = {}): FakeContainer {
        const made = { created: at(0), entries: [], running: true, ...container };
        this.containers.set(id, made);
        return made;
    }

    /** To be called after any change of a container. */
    changed(): void {
        for (const wake of this.#wake) wake();
    }

    /** Breaks every connection, as a daemon that is killed. */
    breakAll(): void {
        this.#server.closeAllConnections();
    }

    stop(): void {
        this.#server.close();
        this.breakAll();
        this.changed();
    }

    async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
        const url = new URL(request.url ?? "/", "http://daemon");
        const [, , id = "", what] = url.pathname.split("/");
        const container = this.containers.get(id);
        const status = container === undefined ? 404 : (container.status ?? 200);
        if (container === undefined || status !== 200) {
            response.writeHead(status, { "content-type": "application/json" });
            response.end(JSON.stringify({ message: `no log of ${id}` }));
        } else if (container.hangs) {
            this.hanging++;
        } else if (what === "json") {
            const body = { Created: container.created, Config: { Tty: container.tty ?? false } };
            response.writeHead(200, { "content-type": "application/json" });
            response.end(JSON.stringify(body));
        } else {
            const since = url.searchParams.get("since") ?? "";
            this.asked.push(since);
            response.writeHead(200, { "content-type": "application/vnd.docker.raw-stream" });
            response.flushHeaders();
            const from = new Date(Number(since) * 1000).toISOString().slice(0, -1);
            await this.#stream(container, from, response);
        }
    }

    async #stream(container: FakeContainer, from: string, response: ServerResponse): Promise<void> {
        let rest = Buffer.alloc(0);
        let sent = 0;
        const closed = once(response, "close");
        const send = async (data: Buffer): Promise<boolean> => {
            sent += data.length;
            if (sent > (container.breakAfter ?? Infinity)) {
                delete container.breakAfter;
                response.destroy();
            }
            if (response.destroyed) return false;
            if (!response.write(data)) {
                await Promise.race([once(response, "drain"), closed]);
            }
            return !response.destroyed;
        };
        for (let index = 0; ;) {
            while (index < container.entries.length) {
                const { time, frame } = container.entries[index++] as Entry;
                if (time < from) continue;
                if (container.pieces === undefined) {
                    if (!(await send(frame))) return;
                    continue;
                }
                rest = Buffer.concat([rest, frame]);
                for (let piece = 0; rest.length > 0; piece++) {
                    const size = container.pieces[piece % container.pieces.length] as number;
                    if (rest.length < size) break;
                    if (!(await send(rest.subarray(0, size)))) return;
                    rest = rest.subarray(size);
                    // A turn of its own, so that the pieces arrive as pieces.
                    await new Promise(setImmediate);
                }
            }
            if (rest.length > 0 && !(await send(rest))) return;
            rest = Buffer.alloc(0);
            if (!container.running) return void response.end();
            if (response.destroyed) return;
            await new Promise<void>((resolve) => {
                const wake = () => {
                    this.#wake.delete(wake);
                    resolve();
                };
                this.#wake.add(wake);
                void closed.then(wake);
            });
        }
    }
}
