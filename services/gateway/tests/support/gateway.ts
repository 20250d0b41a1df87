/** Starts the real gateway as its own process on free loopback ports. */
import { spawn, type ChildProcess } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";

import { eventually } from "./check.ts";

const MAIN = fileURLToPath(new URL("../../src/main.ts", import.meta.url));

export interface LogLine {
    readonly level: string;
    readonly msg: string;
    readonly [key: string]: unknown;
}

export type Json = Record<string, unknown>;

/** A configuration as it stands in the file. */
export interface ConfigText {
    servers: Json[];
    clients: Json[];
    settings?: Json;
}

export interface Ended {
    readonly code: number | null;
    readonly stderr: string;
}

/** A token and what the configuration knows of it. */
export function newToken(): { token: string; tokenSha256: string } {
    const token = randomBytes(32).toString("hex");
    return { token, tokenSha256: createHash("sha256").update(token).digest("hex") };
}

/** Limits that no test of something else runs into. */
export const GENEROUS = { callsPerMinute: 1_000_000, concurrent: 1_000, sessions: 1_000 };

/** A client without token that may do everything. */
export const ANYONE: Json = { name: "anyone", anonymous: true, servers: ["*"], limits: GENEROUS };

export interface StartOptions {
    readonly env?: Readonly<Record<string, string>>;
    readonly args?: readonly string[];
    /** The script. @default the source */
    readonly main?: string;
}

/** A gateway process under test. */
export class Gateway {
    readonly logs: LogLine[] = [];
    readonly ended: Promise<Ended>;
    readonly folder = mkdtempSync(join(tmpdir(), "gateway-test-"));
    readonly #process: ChildProcess;

    constructor(
        config: ConfigText | string,
        { env = {}, args = [], main = MAIN }: StartOptions = {},
    ) {
        this.configure(config);
        this.#process = spawn(process.execPath, [main, ...args], {
            env: {
                PATH: process.env.PATH,
                GATEWAY_CONFIG: this.configFile,
                GATEWAY_HOST: "127.0.0.1",
                GATEWAY_PORT: "0",
                GATEWAY_METRICS_PORT: "0",
                GATEWAY_AUDIT_FILE: this.auditFile,
                ...env,
            },
            stdio: ["ignore", "pipe", "pipe"],
        });
        const { stdout, stderr } = this.#process;
        let errors = "";
        stderr?.on("data", (chunk: Buffer) => (errors += chunk.toString()));
        if (stdout) {
            createInterface({ input: stdout }).on("line", (line) => {
                if (line.startsWith("{")) this.logs.push(JSON.parse(line) as LogLine);
            });
        }
        this.ended = once(this.#process, "close").then(([code]) => {
            rmSync(this.folder, { recursive: true, force: true });
            return { code: code as number | null, stderr: errors };
        });
    }

    /** Starts one, waits until it is ready, and kills it at the end of the test at the latest. */
    static async ready(
        t: TestContext,
        config: ConfigText,
        options?: StartOptions,
    ): Promise<Gateway> {
        const gateway = new Gateway(config, options);
        t.after(() => gateway.kill());
        await eventually("listening", () => gateway.logs.some(({ msg }) => msg === "listening"));
        await eventually("ready", async () => (await fetch(`${gateway.origin}/readyz`)).ok);
        return gateway;
    }

    get configFile(): string {
        return join(this.folder, "config.json");
    }

    get auditFile(): string {
        return join(this.folder, "audit.jsonl");
    }

    get pid(): number {
        return Number(this.#process.pid);
    }

    get port(): number {
        return Number(this.#listening.port);
    }

    get origin(): string {
        return `http://127.0.0.1:${this.port}`;
    }

    /** The endpoint of one server, or of all. */
    url(server?: string): string {
        return server === undefined ? `${this.origin}/mcp` : `${this.origin}/servers/${server}/mcp`;
    }

    get #listening(): LogLine {
        const line = this.logs.find(({ msg }) => msg === "listening");
        if (!line) throw new Error("the gateway does not listen");
        return line;
    }

    /** Writes the configuration file. */
    configure(config: ConfigText | string): void {
        const text = typeof config === "string" ? config : JSON.stringify(config);
        writeFileSync(this.configFile, text);
    }

    /** Writes the configuration file and waits until it has been read. */
    async reconfigure(config: ConfigText | string): Promise<void> {
        const before = this.#readings();
        this.configure(config);
        this.signal("SIGHUP");
        await eventually("configuration read", () => this.#readings() > before);
    }

    #readings(): number {
        return this.logs.filter(({ msg }) => msg.startsWith("configuration ")).length;
    }

    /** Audit lines so far. */
    audit(type = "call"): Json[] {
        const lines = readFileSync(this.auditFile, "utf8").trim().split("\n");
        const all = lines.filter((line) => line !== "").map((line) => JSON.parse(line) as Json);
        return all.filter((line) => line.type === type);
    }

    async metrics(): Promise<string> {
        const { metricsPort } = this.#listening;
        return (await fetch(`http://127.0.0.1:${Number(metricsPort)}/metrics`)).text();
    }

    /** Waits for a log line whose message contains `part`. */
    async log(part: string): Promise<LogLine> {
        const find = (): LogLine | undefined => this.logs.find(({ msg }) => msg.includes(part));
        await eventually(`"${part}" in the log`, () => {
            if (this.#process.exitCode !== null) throw new Error(`ended without "${part}"`);
            return find() !== undefined;
        });
        return find() as LogLine;
    }

    /** Resident memory in bytes. */
    resident(): number {
        const [, pages] = readFileSync(`/proc/${this.pid}/statm`, "utf8").split(" ");
        return Number(pages) * 4096;
    }

    signal(name: NodeJS.Signals): void {
        this.#process.kill(name);
    }

    async kill(): Promise<void> {
        this.signal("SIGKILL");
        await this.ended;
    }
}
