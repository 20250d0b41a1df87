/** A reporter in this process between a fake Consul and fake servers, with times a twentieth of the real. */
import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { pino } from "pino";

import { runReporter, type Waits } from "../../src/reporter.ts";
import type { Settings } from "../../src/settings.ts";
import type { Registration } from "./fake-catalog.ts";
import { FakeConsul, NODE } from "./fake-consul.ts";
import { FakeMcp, type Behaviour } from "./fake-mcp.ts";

export interface LogLine {
    readonly level: string;
    readonly msg?: string;
    readonly [key: string]: unknown;
}

export const NOT_YET = { status: "critical", output: "not reported yet" };
export const QUICK: Waits = {
    confirmMs: 50,
    quickMs: 150,
    beatMs: 100,
    watchMs: 300,
    consulMs: 2_000,
    freshMs: 4_000,
    denialMs: 100,
};

export class Stage {
    readonly consul: FakeConsul;
    readonly logs: LogLine[] = [];
    readonly #t: TestContext;
    #stop: ((signal: string) => void) | undefined;
    #running: Promise<number> | undefined;

    private constructor(t: TestContext, consul: FakeConsul) {
        this.#t = t;
        this.consul = consul;
        t.after(async () => {
            await this.stop();
            await consul.down();
        });
    }

    static async set(t: TestContext): Promise<Stage> {
        return new Stage(t, await FakeConsul.start());
    }

    /** Starts the reporter. */
    report(settings: Partial<Settings> = {}, waits: Partial<Waits> = {}): void {
        const stop = new Promise<string>((resolve) => (this.#stop = resolve));
        const sink = { write: (line: string) => void this.logs.push(JSON.parse(line) as LogLine) };
        const formatters = { level: (level: string) => ({ level }) };
        const log = pino({ level: "debug", base: null, formatters }, sink);
        const whole: Settings = {
            consulUrl: new URL(this.consul.url),
            consulCa: undefined,
            tokenFile: undefined,
            datacenter: undefined,
            node: NODE,
            service: "mcp-reporter",
            address: "10.89.0.7",
            tlsCa: undefined,
            mcpIdentity: undefined,
            intervalMs: 100,
            deadlineMs: 400,
            healthPort: 0,
            logLevel: "debug",
            ...settings,
        };
        this.#running = runReporter(whole, log, stop, { ...QUICK, ...waits });
    }

    /** Stops the reporter and gives its exit code. */
    stop(): Promise<number> | undefined {
        this.#stop?.("SIGTERM");
        return this.#running;
    }

    /** A fake server that ends with the test. */
    async server(behaviour: Partial<Behaviour> = {}): Promise<FakeMcp> {
        const server = await FakeMcp.start(behaviour);
        this.#t.after(() => server.down());
        return server;
    }

    /** Registers a server the way Pulumi does. */
    register(id: string, port: number, more: Partial<Registration> = {}): void {
        this.consul.register({ id, port, meta: { protocol: "mcp" }, check: NOT_YET, ...more });
    }

    statusOf(id: string): string | undefined {
        return this.consul.check(id)?.Status;
    }

    outputOf(id: string): string {
        return this.consul.check(id)?.Output ?? "(no check)";
    }

    async until(what: string, condition: () => boolean, limitMs = 5_000): Promise<number> {
        const begun = performance.now();
        while (!condition()) {
            const ms = performance.now() - begun;
            assert.ok(ms < limitMs, `not within ${limitMs} ms: ${what}\n${this.#story()}`);
            await sleep(3);
        }
        return performance.now() - begun;
    }

    /** Waits until a check says that. */
    status(id: string, status: string, limitMs?: number): Promise<number> {
        const is = `${id} is ${status}`;
        return this.until(is, () => this.statusOf(id) === status, limitMs);
    }

    /** What /healthz answers. */
    async health(): Promise<{ status: number; body: Record<string, unknown> }> {
        const port = Number(this.logs.find(({ msg }) => msg === "listening")?.port);
        const response = await fetch(`http://127.0.0.1:${port}/healthz`);
        return {
            status: response.status,
            body: (await response.json()) as Record<string, unknown>,
        };
    }

    logged(part: string): LogLine[] {
        return this.logs.filter(({ msg }) => msg?.includes(part));
    }

    #story(): string {
        const checks = [...this.consul.checks.values()].map(
            ({ CheckID, Status, Output }) => `${CheckID} ${Status} ${Output}`,
        );
        return [...checks, ...this.logs.slice(-8).map((line) => JSON.stringify(line))].join("\n");
    }
}
