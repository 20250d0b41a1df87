import { existsSync, readFileSync, writeFileSync } from "node:fs";

import type Docker from "dockerode";
import { parseDocument } from "yaml";
import { z } from "zod";

import { hostDocker } from "../../../cli/docker/host";
import { InnerDaemon } from "../../../cli/docker/inner";
import { namesFor } from "../../../config/names";

import { sweep, stackName } from "./leftovers";
import type { ProjectCopy } from "./project";
import { Running, type Ended } from "./run";

/** Environment and time of one run, where they differ. */
export interface Extra {
    readonly env?: Readonly<Record<string, string>>;
    /** Seconds. */
    readonly limit?: number;
}

const report = z.object({
    changes: z.record(z.string(), z.number()),
    endpoints: z
        .array(
            z.object({
                server: z.string(),
                url: z.string().optional(),
                state: z.string(),
                tools: z.number().optional(),
            }),
        )
        .default([]),
});

/** What `up --json` and its like say. */
export type Report = z.infer<typeof report>;

/** What a run that had to succeed says. */
export function said(ended: Ended): Report {
    if (ended.code === 0) return report.parse(JSON.parse(ended.stdout));
    throw new Error(failure(ended));
}

function failure({ code, stdout, stderr }: Ended): string {
    return `it ended with ${String(code)}\n${stderr}${stdout}`;
}

/**
 * Apart from other test runs on this machine: ports and subnets follow from the process. A slot is a hundred ports;
 * the second stack gets the next one, and all of them lie below those the kernel gives to clients.
 */
const SLOT = 10 + (process.pid % 39) * 2;

/** A stack of a copy of the project: its settings, its command, and what it has on the daemons. */
export class TestStack {
    readonly docker: Docker = hostDocker();
    readonly name: string;
    readonly portOffset = SLOT * 100;
    readonly names: ReturnType<typeof namesFor>;
    private isUp = false;

    constructor(
        readonly project: ProjectCopy,
        label: string,
    ) {
        this.name = stackName(label);
        this.names = namesFor(`${this.name}-`);
    }

    /** Has the settings that `up` writes for a new stack take the slot after ours: those before are taken. */
    reserveSlots(): void {
        for (let slot = 0; slot < SLOT; slot += 1) {
            const file = this.project.settingsFile(`reserved-${String(slot)}`);
            writeFileSync(file, `config: { sutazai-mcp:portOffset: "${String(slot * 100)}" }\n`);
        }
    }

    /** Writes settings that keep it apart from every other stack. */
    writeSettings(): void {
        const settings = {
            namePrefix: `${this.name}-`,
            portOffset: String(this.portOffset),
            publishServers: "13001-13010",
            mainSubnet: `10.211.${String(SLOT)}.0/24`,
            internalSubnet: `10.212.${String(SLOT)}.0/24`,
            innerPool: "10.213.0.0/16",
        };
        const lines = Object.entries(settings).map(
            ([key, value]) => `  sutazai-mcp:${key}: "${value}"`,
        );
        const providers = ["  pulumi:disable-default-providers:", "    - docker", "    - consul"];
        const file = this.project.settingsFile(this.name);
        writeFileSync(file, ["config:", ...providers, ...lines, ""].join("\n"));
    }

    /** Changes one setting, as `pulumi config set` does. */
    set(key: string, value: string): void {
        const file = this.project.settingsFile(this.name);
        const settings = parseDocument(readFileSync(file, "utf8"));
        settings.setIn(["config", `sutazai-mcp:${key}`], value);
        writeFileSync(file, settings.toString());
    }

    /** Starts `./mcp --stack <name> ARGS`. */
    start(args: readonly string[], extra: Extra = {}): Running {
        const command = ["--import", "tsx", "cli/main.ts", "--stack", this.name, ...args];
        return Running.start(process.execPath, command, this.options(extra));
    }

    /** Runs `./mcp --stack <name> ARGS` to its end. */
    mcp(args: readonly string[], extra: Extra = {}): Promise<Ended> {
        return this.start(args, extra).done;
    }

    /** Runs plain `pulumi ARGS` in a shell that has only what `./mcp env` prints, and `extra`. */
    async pulumi(args: readonly string[], extra: Extra = {}): Promise<Ended> {
        const bin = this.project.pulumi.replace(/\/[^/]+$/, "");
        const path = `${bin}:${this.project.env.PATH ?? ""}`;
        const { stdout } = await this.mcp(["env"], { env: { PATH: path } });
        const env = { HOME: process.env.HOME ?? "/", PATH: "/usr/bin:/bin", LINES: stdout };
        const command = [...args, "--stack", this.name, "--non-interactive", "--color", "never"];
        return Running.start(
            "bash",
            ["-c", 'eval "$LINES"; unset LINES; exec pulumi "$@"', "bash", ...command],
            { ...this.options(extra), env: { ...env, ...extra.env } },
        ).done;
    }

    /** Runs a command that has to succeed, and gives what its `--json` says. */
    async ok(args: readonly string[], extra: Extra = {}): Promise<Report> {
        const ended = await this.mcp([...args, "--json"], extra);
        if (ended.code === 0) return said(ended);
        throw new Error(`${failure(ended)}\n${await this.diagnosis()}`);
    }

    /** `up`, which has to succeed. */
    async up(extra: Extra = {}): Promise<Report> {
        const answer = await this.ok(["up"], extra);
        this.isUp = true;
        return answer;
    }

    /** `up` unless it was, mended if an earlier test failed half-way: lets each test of a file run alone. */
    async ensureUp(): Promise<void> {
        await Running.killAll();
        if (this.project.locks().length > 0) await this.ok(["repair"]);
        else if (!this.isUp) await this.up();
        this.isUp = true;
    }

    /** Containers on the host by name, with their ids. */
    async host(): Promise<Record<string, string>> {
        const filters = { label: [`mcp.stack=${this.name}`] };
        const found = await this.docker.listContainers({ all: true, filters });
        return Object.fromEntries(
            found.map(({ Names, Id }) => [(Names[0] ?? Id).slice(1 + this.name.length + 1), Id]),
        );
    }

    /** Running containers inside the orchestrator by name, with their ids. */
    async inner(): Promise<Record<string, string>> {
        const text = await this.inside(["ps", "--no-trunc", "--format", "{{.Names}} {{.ID}}"]);
        const lines = text.split("\n").filter((line) => line !== "");
        return Object.fromEntries(lines.map((line) => line.split(" ") as [string, string]));
    }

    /** `docker ARGS` inside the orchestrator. */
    inside(args: readonly string[]): Promise<string> {
        return new InnerDaemon(this.docker, this.names.orchestrator).run(args);
    }

    /** A shell command in one of the stack's containers on the host. */
    async shell(
        container: "orchestrator" | "postgres" | "consul",
        script: string,
    ): Promise<string> {
        const daemon = new InnerDaemon(this.docker, this.names[container]);
        const { code, stdout, stderr } = await daemon.exec(["sh", "-c", script], 30_000);
        if (code === 0) return stdout.trim();
        throw new Error(`${container}: ${script}: ${String(code)}\n${stdout}${stderr}`);
    }

    /** How the orchestrator is and what its daemon complained of, for the message of a failure. */
    private async diagnosis(): Promise<string> {
        const container = this.docker.getContainer(this.names.orchestrator);
        const found = await container.inspect().catch(() => undefined);
        if (!found) return "there is no orchestrator";
        const { Status, ExitCode, OOMKilled, StartedAt, Health } = found.State;
        const how = { Status, ExitCode, OOMKilled, StartedAt, Health: Health?.Status };
        const logs = await container.logs({ stdout: true, stderr: true, tail: 400 });
        const lines = logs.toString("utf8").split("\n");
        const complaints = lines.filter((line) => !line.includes("level=info")).slice(-15);
        return [JSON.stringify({ ...how, restarts: found.RestartCount }), ...complaints].join("\n");
    }

    /** Text of the stack's file in the backend; empty when there is none. */
    state(): string {
        const file = this.project.stateFile(this.name);
        return existsSync(file) ? readFileSync(file, "utf8") : "";
    }

    /** Removes everything of it without the engine: works whatever a failed test has left. */
    async remove(): Promise<void> {
        await Running.killAll();
        await sweep(this.docker, this.name);
    }

    private options(extra: Extra): { cwd: string; env: Record<string, string>; limit?: number } {
        return {
            cwd: this.project.dir,
            env: { ...this.project.env, ...extra.env },
            ...(extra.limit === undefined ? {} : { limit: extra.limit }),
        };
    }
}
