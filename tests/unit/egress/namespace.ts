import { execFile, spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";

import { EGRESS_HEALTH, planEgress, type EgressPlan } from "../../../config/egress/plan";

import { AT, COMPANION, RESOLVER, SERVER } from "./world";

const run = promisify(execFile);
const SCRIPT = readFileSync(join(__dirname, "../../../images/egress/mcp-egress"), "utf8");

/** What a program said, and how it ended. */
export interface Outcome {
    readonly code: number;
    readonly output: string;
}

/** A network namespace with the world of `world.ts` in it, and one companion at a time. */
export class Namespace {
    /** Names that the name server was asked for since the last `forget`. */
    public readonly asked: string[] = [];
    /** What the companion's programs wrote. */
    public log = "";
    private companion: ChildProcess | undefined;

    private constructor(
        private readonly stage: ChildProcess,
        private readonly folder: string,
    ) {}

    /** Starts the world; resolves when all of it answers. */
    public static async open(): Promise<Namespace> {
        const folder = mkdtempSync(join(tmpdir(), "mcp-egress-"));
        const resolver = join(folder, "resolv.conf");
        writeFileSync(resolver, `nameserver ${RESOLVER}\n`);
        const hosts = join(folder, "hosts");
        writeFileSync(hosts, "127.0.0.1 localhost\n");
        const mounts =
            `mount --bind ${resolver} /etc/resolv.conf && mount --bind ${hosts} /etc/hosts && ` +
            `echo 0 >/proc/sys/net/ipv4/ip_unprivileged_port_start && exec "$@"`;
        const program = [process.execPath, "--import", "tsx", join(__dirname, "stage.ts")];
        const stage = spawn("unshare", ["-n", "-m", "sh", "-c", mounts, "stage", ...program], {
            stdio: ["pipe", "pipe", "inherit"],
        });
        const space = new Namespace(stage, folder);
        await new Promise<void>((resolve, reject) => {
            stage.once("exit", (code) => reject(new Error(`the stage ended with ${code}`)));
            createInterface({ input: stage.stdout }).on("line", (line) => {
                if (line === "ready") resolve();
                else space.asked.push(line.replace("asked ", ""));
            });
        });
        return space;
    }

    /**
     * Runs images/egress/mcp-egress for the list, as the bar has it: 1001:1001, no capabilities, no new privileges, a
     * read-only root and an own /tmp. Resolves when its health command is content.
     */
    public async start(list: readonly string[]): Promise<EgressPlan> {
        const plan = planEgress(list, { companion: COMPANION, hosts: { postgres: AT.database } });
        const entries = Object.entries(plan.companionHosts).map(([name, at]) => `${at} ${name}\n`);
        writeFileSync(join(this.folder, "hosts"), `127.0.0.1 localhost\n${entries.join("")}`);
        const bar =
            "mount -t tmpfs -o mode=1777,size=16m tmpfs /tmp && mount -o remount,ro,bind / && " +
            "exec setpriv --reuid 1001 --regid 1001 --clear-groups --inh-caps=-all --no-new-privs" +
            ' bash -c "$0" mcp-egress';
        this.log = "";
        const child = this.enter(["unshare", "-m", "sh", "-c", bar, SCRIPT], plan);
        this.companion = child;
        for (const stream of [child.stdout, child.stderr]) {
            stream?.on("data", (data: Buffer) => (this.log += data.toString()));
        }
        for (;;) {
            const health = await this.health(plan);
            if (health.code === 0) return plan;
            if (child.exitCode !== null || child.signalCode !== null) {
                throw new Error(`the companion ended: ${this.log}`);
            }
            await new Promise((resolve) => setTimeout(resolve, 100));
        }
    }

    /** Runs images/egress/mcp-egress with the arguments, and no configuration. */
    public script(...args: string[]): Promise<Outcome> {
        return this.inside(["bash", "--norc", "-c", SCRIPT, "mcp-egress", ...args]);
    }

    /** Kills one of the companion's programs; resolves with the exit code of the companion. */
    public kill(program: string): Promise<number | null> {
        const name = (pid: number): string => readFileSync(`/proc/${pid}/comm`, "utf8").trim();
        const pid = this.processes().find((one) => name(one) === program);
        if (pid === undefined) throw new Error(`no ${program} runs in the companion`);
        const ended = new Promise<number | null>((resolve) =>
            this.companion?.once("close", resolve),
        );
        process.kill(pid, "SIGKILL");
        return ended;
    }

    /** Ends the companion as Docker does; its exit code is there when everything it started is gone. */
    public async stop(): Promise<void> {
        const child = this.companion;
        if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
        const ended = new Promise((resolve) => child.once("close", resolve));
        child.kill("SIGTERM");
        await ended;
    }

    /** The companion's health command, run where Docker runs it. */
    public health(plan: EgressPlan): Promise<Outcome> {
        const [shell = "", , ...rest] = EGRESS_HEALTH;
        return this.inside(
            [...this.companionMounts(), shell, "--norc", "-c", SCRIPT, "mcp-egress", ...rest],
            plan.companionEnvironment,
        );
    }

    /** curl through the companion's proxy, whatever the host; it ends with the answer's code and the tunnel's. */
    public curl(plan: EgressPlan, ...args: string[]): Promise<Outcome> {
        const fixed = ["-sS", "-m", "15", "--interface", SERVER];
        const codes = ["-w", "\n%{http_code} %{http_connect}\n"];
        const proxy = ["--noproxy", "", "-x", plan.proxyUrl ?? ""];
        return this.inside(["curl", ...fixed, ...codes, ...proxy, ...args]);
    }

    /** What the server gets to read when it connects to a port of the companion, and says nothing itself. */
    public read(port: number): Promise<Outcome> {
        const options = JSON.stringify({ host: COMPANION, port, localAddress: SERVER });
        const program =
            `const socket = require("node:net").connect(${options});` +
            `socket.on("error", ({ code }) => { console.log(code); process.exitCode = 1; });` +
            `socket.on("data", (data) => process.stdout.write(data));`;
        return this.inside([process.execPath, "-e", program]);
    }

    /** Runs a program in the namespace. */
    public async inside(
        command: readonly string[],
        environment: Readonly<Record<string, string>> = {},
    ): Promise<Outcome> {
        const { file, args, env } = this.entry(command, environment);
        try {
            const { stdout, stderr } = await run(file, args, { env });
            return { code: 0, output: stdout + stderr };
        } catch (error) {
            const { code, stdout, stderr } = error as { code: number } & Record<string, string>;
            return { code, output: `${stdout ?? ""}${stderr ?? ""}` };
        }
    }

    /** Process ids of the companion's first process and of all below it. */
    public processes(): number[] {
        const below = (pid: string): string[] => {
            const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
            return [pid, ...children.split(" ").filter(Boolean).flatMap(below)];
        };
        return below(String(this.companion?.pid)).map(Number);
    }

    /** Ends everything and removes what it wrote. */
    public async close(): Promise<void> {
        await this.stop();
        this.stage.removeAllListeners("exit");
        if (this.stage.exitCode === null) {
            const ended = new Promise((resolve) => this.stage.once("exit", resolve));
            this.stage.stdin?.end();
            await ended;
        }
        rmSync(this.folder, { recursive: true, force: true });
    }

    private enter(command: readonly string[], plan: EgressPlan): ChildProcess {
        const { file, args, env } = this.entry(command, plan.companionEnvironment);
        return spawn(file, args, { env, stdio: ["ignore", "pipe", "pipe"] });
    }

    private entry(
        command: readonly string[],
        environment: Readonly<Record<string, string>>,
    ): { file: string; args: string[]; env: NodeJS.ProcessEnv } {
        const args = ["-t", String(this.stage.pid), "-n", "-m", ...command];
        return {
            file: "nsenter",
            args,
            env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", ...environment },
        };
    }

    private companionMounts(): string[] {
        return ["nsenter", "-t", String(this.companion?.pid), "-m"];
    }
}
