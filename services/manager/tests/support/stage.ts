/** A running manager with everything around it: daemon, MCP servers, tokens, folders. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

import type { ContainerView, Snapshot } from "../../src/model.ts";
import type { Leftover } from "../../src/servers/cleanup.ts";
import type { Outcome } from "../../src/servers/lifecycle.ts";
import { FakeMcp } from "../../../reporter/tests/support/fake-mcp.ts";
import { Authority, type Pair } from "./authority.ts";
import { StandInDaemon } from "./stand-in-daemon.ts";
import type { StandInContainer } from "./stand-in-container.ts";

export const READ = "read-token-0123456789";
export const OPERATE = "operate-token-0123456789";
export const IMAGE = `sha256:${"a".repeat(64)}`;

const ROOT = join(import.meta.dirname, "../..");
const SOURCE = ["--import", "tsx", join(ROOT, "src/main.ts")];

/** What a JSON answer may hold; a test knows which of it its request gives. */
export type Body = ContainerView &
    Outcome &
    Pick<Snapshot, "daemon" | "containers"> & {
        readonly error: string;
        readonly detail: string;
        readonly remedy: string;
        readonly ready: boolean;
        readonly role: string;
        readonly servers: readonly {
            readonly name: string;
            readonly up: boolean;
            readonly reason?: string;
        }[];
        readonly found: readonly Leftover[];
    };

export interface Reply {
    readonly status: number;
    readonly headers: Headers;
    readonly text: string;
    readonly json: Body;
}

export class Stage {
    readonly authority: Authority;
    readonly daemon: StandInDaemon;
    readonly dir: string;
    readonly servers: FakeMcp[] = [];
    readonly #clients: Stage["clientPair"];
    /** The manager's log lines. */
    readonly lines: string[] = [];
    api = "";
    metrics = "";
    process: ChildProcess | undefined;

    private constructor(authority: Authority, daemon: StandInDaemon, clientPair: Pair) {
        this.authority = authority;
        this.daemon = daemon;
        this.#clients = clientPair;
        this.dir = mkdtempSync(join(tmpdir(), "manager-"));
    }

    get clientPair(): Pair {
        return this.#clients;
    }

    /** A stage with its daemon up and no manager yet. */
    static async set(): Promise<Stage> {
        const authority = await Authority.make();
        const daemon = new StandInDaemon(await authority.issue("daemon"));
        await daemon.up();
        const stage = new Stage(authority, daemon, await authority.issue("client"));
        stage.writeClient(stage.clientPair);
        stage.writeTokens(READ, OPERATE);
        writeFileSync(join(stage.dir, "images.json"), JSON.stringify({ bridge: IMAGE }));
        return stage;
    }

    /** A stage with servers and a manager that has sampled. */
    static async open(
        servers: readonly string[],
        env: Record<string, string> = {},
        program: readonly string[] = SOURCE,
    ): Promise<Stage> {
        const stage = await Stage.set();
        try {
            for (const [index, name] of servers.entries()) {
                await stage.addServer(name, 13_001 + index);
            }
            await stage.start(env, program);
            await stage.until("the daemon is seen", async () => {
                const { json } = await stage.get("/ready");
                return json.ready;
            });
        } catch (error) {
            // What listens here would keep the run from ending, for ever.
            await stage.close();
            throw error;
        }
        return stage;
    }

    writeClient(pair: Pair): void {
        for (const [name, text] of Object.entries(pair)) {
            writeFileSync(join(this.dir, `${name}.pem`), String(text));
        }
    }

    writeTokens(read: string, operate: string): void {
        writeFileSync(join(this.dir, "read-token"), `${read}\n`);
        writeFileSync(join(this.dir, "operate-token"), `${operate}\n`);
    }

    /** A server of Pulumi's with a real MCP endpoint. */
    async addServer(name: string, port: number): Promise<StandInContainer> {
        const server = await FakeMcp.start();
        this.servers.push(server);
        return this.daemon.add(name, {
            Image: IMAGE,
            Env: ["MCP_PIDS_LIMIT=256", `MCP_PORT=${server.port}`],
            StopTimeout: 10,
            Healthcheck: {},
            Labels: {
                "mcp.managed": "true",
                "mcp.managed-by": "sutazai-mcp",
                "mcp.stack": "dev",
                "mcp.component": "server",
                "mcp.server": name,
                "mcp.manifest-file": `manifests/${name}.yml`,
                "mcp.manifest-hash": "0".repeat(64),
                "mcp.path": "/mcp",
                "mcp.port": String(port),
                "mcp.egress": "none",
            },
            HostConfig: { Memory: 268_435_456, CpuPeriod: 100_000, CpuQuota: 50_000 },
        });
    }

    get environment(): Record<string, string> {
        return {
            MANAGER_DAEMON_URL: this.daemon.url,
            MANAGER_CERTS_DIR: this.dir,
            MANAGER_LOGS_DIR: join(this.dir, "logs"),
            MANAGER_DASHBOARD_DIR: join(ROOT, "dashboard"),
            MANAGER_READ_TOKEN_FILE: join(this.dir, "read-token"),
            MANAGER_OPERATE_TOKEN_FILE: join(this.dir, "operate-token"),
            MANAGER_ROUTES_FILE: join(this.dir, "routes.json"),
            MANAGER_IMAGES_FILE: join(this.dir, "images.json"),
            MANAGER_LISTEN_HOST: "127.0.0.1",
            MANAGER_API_PORT: "0",
            MANAGER_METRICS_PORT: "0",
            MANAGER_SAMPLE_SECONDS: "0.5",
            MANAGER_PROBE_SECONDS: "0.5",
            MANAGER_REQUESTS_PER_MINUTE: "1000000",
            MANAGER_STACK: JSON.stringify({
                ...{ stack: "dev", namePrefix: "", portOffset: 0, bindAddress: "127.0.0.1" },
                ...{ mainSubnet: "10.89.0.0/24", internalSubnet: "172.30.0.0/16" },
                ...{ innerPool: "10.90.0.0/16", postgres: { mode: "managed" } },
                publishServers: { from: 13_001, to: 13_100 },
                orchestrator: { cpus: 4, memoryMb: 16_384 },
            }),
        };
    }

    /** Starts the manager and waits until it listens; `program`: arguments of node. */
    async start(
        env: Record<string, string> = {},
        program: readonly string[] = SOURCE,
    ): Promise<void> {
        const child = spawn(process.execPath, [...program], {
            cwd: ROOT,
            env: { PATH: process.env.PATH, ...this.environment, ...env },
            stdio: ["ignore", "pipe", "inherit"],
        });
        this.process = child;
        const lines = createInterface({ input: child.stdout });
        await new Promise<void>((resolve, reject) => {
            child.once("exit", (code) => reject(new Error(`the manager ended with ${code}`)));
            lines.on("line", (line) => {
                this.lines.push(line);
                if (line.includes('"fatal"')) process.stderr.write(`${line}\n`);
                const { msg, api, metrics } = JSON.parse(line) as Record<string, unknown>;
                if (msg !== "listening") return;
                this.api = `http://127.0.0.1:${String(api)}`;
                this.metrics = `http://127.0.0.1:${String(metrics)}`;
                resolve();
            });
        });
    }

    /** Asks the manager to stop; gives its exit code. */
    async stop(): Promise<number | null> {
        const child = this.process;
        if (!child || child.exitCode !== null) return child?.exitCode ?? null;
        child.kill("SIGTERM");
        const [code] = (await once(child, "exit")) as [number | null];
        return code;
    }

    async close(): Promise<void> {
        if (this.process?.exitCode === null) this.process.kill("SIGKILL");
        await this.daemon.down();
        for (const server of this.servers) await server.down();
        rmSync(this.dir, { recursive: true, force: true });
    }

    get(path: string, token = READ): Promise<Reply> {
        return this.ask("GET", path, { token });
    }

    async ask(
        method: string,
        path: string,
        more: { token?: string; body?: string; type?: string } = {},
    ): Promise<Reply> {
        const { token = OPERATE, body, type = "application/yaml" } = more;
        const response = await fetch(this.api + path, {
            method,
            headers: {
                ...(token === "" ? {} : { authorization: `Bearer ${token}` }),
                ...(body === undefined ? {} : { "content-type": type }),
            },
            ...(body === undefined ? {} : { body }),
        });
        const text = await response.text();
        const isJson = response.headers.get("content-type")?.startsWith("application/json");
        const json = (isJson ? JSON.parse(text) : {}) as Body;
        return { status: response.status, headers: response.headers, text, json };
    }

    /** Waits until something is so; fails with its name after `limitMs`. */
    async until(
        what: string,
        test: () => boolean | Promise<boolean>,
        limitMs = 10_000,
    ): Promise<number> {
        const begun = performance.now();
        while (!(await test())) {
            if (performance.now() - begun > limitMs) throw new Error(`never: ${what}`);
            await new Promise((resolve) => setTimeout(resolve, 50));
        }
        return performance.now() - begun;
    }
}
