/** What is measured: the floors, the project's own services, and the peers, each started for the run. */
import { spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import * as path from "node:path";

import { HttpEcho, MODERN, SESSIONS, StdioEcho, type EchoClient, type Revision } from "./client";
import { registerEcho } from "./contextforge";
import type { Peers } from "./peers";
import { answers, freePort, type Processes } from "./processes";

const PROJECT = path.join(__dirname, "../..");
const ECHO = path.join(PROJECT, "services/gateway/tests/support/echo.ts");
const GATEWAY = path.join(PROJECT, "services/gateway/dist/main.mjs");
const BRIDGE = path.join(PROJECT, "services/bridge/dist/main.js");
/** supergateway cannot be told an address, and would listen on all of them. */
const LOOPBACK = path.join(__dirname, "peers/loopback.cjs");
/** As the images start them (images/gateway). */
const HEAP = ["--max-old-space-size=64", "--max-semi-space-size=2"];

/** Which server, asked directly, a contender is compared with. */
export type Floor = "http" | "http-2026" | "stdio";

/** One row of the result. */
export interface Contender {
    readonly name: string;
    readonly floor: Floor;
    /** Whether it is that floor. */
    readonly isFloor?: true;
    readonly kind: "floor" | "ours" | "peer";
    /** Starts it; resolves with what makes a client of it. */
    readonly start: () => Promise<() => EchoClient>;
}

/** All contenders, in the order in which they are measured; none is started yet. */
export function contenders(processes: Processes, peers: Peers): Contender[] {
    const stage = new Stage(processes, peers);
    const http =
        (revision: Revision, find: () => Promise<Endpoint>): Contender["start"] =>
        async () => {
            const endpoint = await find();
            return () => new HttpEcho({ tool: "echo", ...endpoint, revision });
        };
    const one = (): Promise<Endpoint> => stage.gateway("/servers/echo/mcp", "echo");
    const all = (): Promise<Endpoint> => stage.gateway("/mcp", "echo__echo");
    const direct = (): Promise<Endpoint> => stage.echo();
    return [
        {
            name: "the server itself",
            floor: "http",
            isFloor: true,
            kind: "floor",
            start: http(SESSIONS, direct),
        },
        {
            name: "gateway, /servers/NAME/mcp",
            floor: "http",
            kind: "ours",
            start: http(SESSIONS, one),
        },
        { name: "gateway, /mcp", floor: "http", kind: "ours", start: http(SESSIONS, all) },
        {
            name: "ToolHive 0.47.0, thv proxy",
            floor: "http",
            kind: "peer",
            start: http(SESSIONS, () => stage.toolHive()),
        },
        {
            name: "mcp-contextforge-gateway 1.0.7.post20260921",
            floor: "http",
            kind: "peer",
            start: http(SESSIONS, () => stage.contextForge()),
        },
        {
            name: "the server itself",
            floor: "http-2026",
            isFloor: true,
            kind: "floor",
            start: http(MODERN, direct),
        },
        {
            name: "gateway, /servers/NAME/mcp",
            floor: "http-2026",
            kind: "ours",
            start: http(MODERN, one),
        },
        { name: "gateway, /mcp", floor: "http-2026", kind: "ours", start: http(MODERN, all) },
        {
            name: "the server itself",
            floor: "stdio",
            isFloor: true,
            kind: "floor",
            start: () => Promise.resolve(stage.stdio()),
        },
        {
            name: "bridge",
            floor: "stdio",
            kind: "ours",
            start: http(SESSIONS, () => stage.bridge()),
        },
        {
            name: "bridge and gateway",
            floor: "stdio",
            kind: "ours",
            start: http(SESSIONS, () => stage.bridged()),
        },
        {
            name: "mcp-proxy 6.7.19",
            floor: "stdio",
            kind: "peer",
            start: http(SESSIONS, () => stage.mcpProxy()),
        },
        {
            name: "supergateway 4.0.0, --stateful",
            floor: "stdio",
            kind: "peer",
            start: http(SESSIONS, () => stage.supergateway()),
        },
    ];
}

interface Endpoint {
    readonly url: string;
    readonly tool?: string;
    readonly token?: string;
}

/** Starts things, each once. */
class Stage {
    private readonly made = new Map<string, Promise<unknown>>();
    private readonly token = randomBytes(32).toString("hex");

    constructor(
        private readonly processes: Processes,
        private readonly peers: Peers,
    ) {}

    echo(): Promise<Endpoint> {
        return this.once("echo", async () => ({
            url: await this.processes.start(
                { name: "echo", program: process.execPath, args: [ECHO] },
                (output) => /^http\S+$/m.exec(output)?.[0],
            ),
        }));
    }

    stdio(): () => EchoClient {
        const child = spawn(process.execPath, [ECHO, "stdio"], {
            stdio: ["pipe", "pipe", "inherit"],
            detached: true,
        });
        this.processes.adopt(child);
        const shared = new StdioEcho(child);
        return () => shared;
    }

    async gateway(endpoint: string, tool: string): Promise<Endpoint> {
        const { url } = await this.echo();
        return this.gatewayTo("gateway", url, endpoint, tool);
    }

    bridge(): Promise<Endpoint> {
        return this.once("bridge", async () => {
            const port = await this.processes.start(
                {
                    name: "bridge",
                    program: process.execPath,
                    args: [BRIDGE, "--", process.execPath, ECHO, "stdio"],
                    env: { BRIDGE_HOST: "127.0.0.1", BRIDGE_PORT: "0" },
                },
                listeningPort,
            );
            return { url: `http://127.0.0.1:${port}/mcp` };
        });
    }

    async bridged(): Promise<Endpoint> {
        const { url } = await this.bridge();
        return this.gatewayTo("gateway-bridge", url, "/servers/echo/mcp", "echo");
    }

    async mcpProxy(): Promise<Endpoint> {
        const script = await this.peers.npm("mcp-proxy");
        const port = String(await freePort());
        const own = ["--host", "127.0.0.1", "--port", port, "--server", "stream"];
        return this.http(
            "mcp-proxy",
            process.execPath,
            [...[script, ...own, "--", process.execPath, ECHO, "stdio"]],
            `http://127.0.0.1:${port}/mcp`,
        );
    }

    async supergateway(): Promise<Endpoint> {
        const script = await this.peers.npm("supergateway");
        const port = String(await freePort());
        return this.http(
            "supergateway",
            process.execPath,
            [
                ...["--require", LOOPBACK, script],
                ...["--stdio", `${process.execPath} ${ECHO} stdio`],
                ...["--outputTransport", "streamableHttp", "--stateful", "--port", port],
                ...["--logLevel", "none"],
            ],
            `http://127.0.0.1:${port}/mcp`,
        );
    }

    async toolHive(): Promise<Endpoint> {
        const [program, { url }] = [await this.peers.toolHive(), await this.echo()];
        const port = String(await freePort());
        const args = ["proxy", "echo", "--host", "127.0.0.1", "--port", port];
        const target = new URL(url).origin;
        return this.http(
            "toolhive",
            program,
            [...args, "--target-uri", target],
            `http://127.0.0.1:${port}/mcp`,
        );
    }

    async contextForge(): Promise<Endpoint> {
        const [bin, { url }] = [await this.peers.contextForge(), await this.echo()];
        return registerEcho(this.processes, bin, url);
    }

    private async gatewayTo(
        name: string,
        url: string,
        endpoint: string,
        tool: string,
    ): Promise<Endpoint> {
        const port = await this.once(name, async () => {
            const file = path.join(this.processes.dir, `${name}.json`);
            const tokenSha256 = createHash("sha256").update(this.token).digest("hex");
            const limits = { callsPerMinute: 1_000_000, concurrent: 1_000, sessions: 1_000 };
            const clients = [{ name: "bench", tokenSha256, servers: ["*"], limits }];
            const servers = [{ name: "echo", url: new URL(url).origin }];
            writeFileSync(file, JSON.stringify({ servers, clients }));
            const port = await this.processes.start(
                {
                    name,
                    program: process.execPath,
                    args: [...HEAP, GATEWAY],
                    env: {
                        GATEWAY_CONFIG: file,
                        GATEWAY_HOST: "127.0.0.1",
                        GATEWAY_PORT: "0",
                        GATEWAY_METRICS_PORT: "0",
                        GATEWAY_AUDIT_FILE: path.join(this.processes.dir, `${name}.jsonl`),
                    },
                },
                listeningPort,
            );
            while (!(await fetch(`http://127.0.0.1:${port}/readyz`)).ok) {
                await new Promise((resolve) => setTimeout(resolve, 50));
            }
            return port;
        });
        return { url: `http://127.0.0.1:${port}${endpoint}`, tool, token: this.token };
    }

    private async http(
        name: string,
        program: string,
        args: readonly string[],
        url: string,
    ): Promise<Endpoint> {
        await this.processes.start({ name, program, args }, () => answers(url));
        return { url };
    }

    private once<T>(name: string, make: () => Promise<T>): Promise<T> {
        const made = (this.made.get(name) as Promise<T> | undefined) ?? make();
        this.made.set(name, made);
        return made;
    }
}

/** The port in the "listening" log line that both of our services write. */
function listeningPort(output: string): string | undefined {
    return /^\{.*"port":(\d+).*"msg":"listening"/m.exec(output)?.[1];
}
