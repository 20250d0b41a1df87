import { PassThrough } from "node:stream";

import type Docker from "dockerode";

import { LABELS } from "../../config/defaults";
import { CliError } from "../errors";

import { healthOf } from "./host";

/** A container on the inner daemon. */
export interface InnerContainer {
    readonly id: string;
    readonly name: string;
    readonly component: string;
    readonly state: string;
    readonly health: string;
    readonly status: string;
    readonly labels: Readonly<Record<string, string>>;
}

/** The inner daemon, through the docker client inside the orchestrator: works without certificates at hand. */
export class InnerDaemon {
    constructor(
        private readonly docker: Docker,
        private readonly orchestrator: string,
    ) {}

    /** Standard output of `docker ARGS` on the inner daemon. */
    async run(args: readonly string[], timeoutMs = 30_000): Promise<string> {
        const { code, stdout, stderr } = await this.exec(["docker", ...args], timeoutMs);
        if (code === 0) return stdout;
        throw new CliError(
            `inner daemon: docker ${args[0] ?? ""}: ${stderr.trim().split("\n").at(-1) ?? ""}`,
            "run ./mcp status",
        );
    }

    /** Runs a command inside the orchestrator; its output is bounded by the command itself. */
    async exec(
        command: readonly string[],
        timeoutMs: number,
    ): Promise<{ code: number; stdout: string; stderr: string }> {
        const exec = await this.start(command);
        const stdout = new PassThrough();
        const stderr = new PassThrough();
        const stream = await exec.start({ hijack: true, stdin: false });
        this.docker.modem.demuxStream(stream, stdout, stderr);
        const [out, err] = [collected(stdout), collected(stderr)];
        await new Promise<void>((resolve, reject) => {
            const timer = setTimeout(() => {
                stream.destroy();
                reject(
                    new CliError(
                        "inner daemon: no answer in time",
                        "run ./mcp status; ./mcp up restarts a hung orchestrator",
                    ),
                );
            }, timeoutMs);
            const done = (): void => {
                clearTimeout(timer);
                stdout.end();
                stderr.end();
                resolve();
            };
            stream.on("end", done).on("close", done).on("error", reject);
        });
        const { ExitCode } = await exec.inspect();
        return { code: ExitCode ?? 1, stdout: await out, stderr: await err };
    }

    private async start(command: readonly string[]): Promise<Docker.Exec> {
        try {
            return await this.docker
                .getContainer(this.orchestrator)
                .exec({ Cmd: [...command], AttachStdout: true, AttachStderr: true });
        } catch (error) {
            const status = (error as { statusCode?: number }).statusCode;
            throw new CliError(
                status === 404 || status === 409
                    ? `the orchestrator (${this.orchestrator}) is not running`
                    : `the orchestrator (${this.orchestrator}) does not answer: ${String(error)}`,
                "run ./mcp up",
            );
        }
    }

    /** All containers of this stack on the inner daemon, by name. */
    async containers(): Promise<InnerContainer[]> {
        const format = "{{json .}}";
        const text = await this.run([
            "ps",
            "--all",
            "--no-trunc",
            "--filter",
            `label=${LABELS.managed}=true`,
            "--format",
            format,
        ]);
        return text
            .split("\n")
            .filter((line) => line.trim() !== "")
            .map((line) => {
                const entry = JSON.parse(line) as Record<
                    "ID" | "Names" | "State" | "Status" | "Labels",
                    string
                >;
                const labels = Object.fromEntries(
                    entry.Labels.split(",").flatMap((pair) => {
                        const at = pair.indexOf("=");
                        return at < 0 ? [] : [[pair.slice(0, at), pair.slice(at + 1)]];
                    }),
                ) as Record<string, string>;
                return {
                    id: entry.ID,
                    name: entry.Names,
                    component: labels[LABELS.component] ?? "",
                    state: entry.State,
                    health: healthOf(entry.State, entry.Status),
                    status: entry.Status,
                    labels,
                };
            })
            .sort((left, right) => (left.name < right.name ? -1 : 1));
    }

    /** Streams `docker logs` to this process's own output until it ends or is interrupted. */
    async streamLogs(name: string, args: readonly string[]): Promise<void> {
        const exec = await this.start(["docker", "logs", ...args, name]);
        const stream = await exec.start({ hijack: true, stdin: false });
        this.docker.modem.demuxStream(stream, process.stdout, process.stderr);
        await new Promise<void>((resolve, reject) => {
            stream.on("end", resolve).on("close", resolve).on("error", reject);
            process.once("SIGINT", () => {
                stream.destroy();
            });
        });
    }

    /** End of the inner daemon's server certificate, or undefined when it cannot be read. */
    async certificateEnd(): Promise<Date | undefined> {
        const result = await this.exec(
            ["openssl", "x509", "-enddate", "-noout", "-in", "/certs/server/cert.pem"],
            10_000,
        ).catch(() => undefined);
        const text = /notAfter=(.+)/.exec(result?.stdout ?? "")?.[1];
        return text === undefined ? undefined : new Date(text);
    }
}

async function collected(stream: PassThrough): Promise<string> {
    const chunks: Buffer[] = [];
    for await (const chunk of stream) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks).toString("utf8");
}
