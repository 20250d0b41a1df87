import { PassThrough } from "node:stream";

import type Docker from "dockerode";

import { LABELS, PATHS } from "../../config/defaults";
import { CliError } from "../errors";

/** What `docker inspect` says, as far as it is read here. */
interface Inspected {
    readonly Id: string;
    readonly Name: string;
    readonly State: { readonly Status: string; readonly Health?: { readonly Status: string } };
    readonly Config: { readonly Labels: Readonly<Record<string, string>> | null };
}

/** A container on the inner daemon. */
export interface InnerContainer {
    readonly id: string;
    readonly name: string;
    readonly component: string;
    readonly state: string;
    readonly health: string;
    readonly labels: Readonly<Record<string, string>>;
}

/** How long the orchestrator may take to read a file, in milliseconds. */
const FILE_MS = 10_000;

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

    /** Text of a file of the orchestrator; undefined when it is not there, or is empty. */
    async file(path: string): Promise<string | undefined> {
        const { code, stdout } = await this.exec(["cat", path], FILE_MS);
        return code === 0 && stdout.trim() !== "" ? stdout : undefined;
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
                        `docker restart ${this.orchestrator}, then run ./mcp up`,
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
        const own = `label=${LABELS.managed}=true`;
        const ids = (await this.run(["ps", "--all", "--quiet", "--no-trunc", "--filter", own]))
            .split("\n")
            .filter((line) => line !== "");
        if (ids.length === 0) return [];
        const inspected = JSON.parse(await this.run(["inspect", ...ids])) as Inspected[];
        return inspected
            .map((container) => {
                const labels = container.Config.Labels ?? {};
                return {
                    id: container.Id,
                    name: container.Name.replace(/^\//, ""),
                    component: labels[LABELS.component] ?? "",
                    state: container.State.Status,
                    health: container.State.Health?.Status ?? container.State.Status,
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

    /** End of the certificate that ends first (CA, server, client), or undefined when none can be read. */
    async certificateEnd(): Promise<Date | undefined> {
        const read = "openssl x509 -enddate -noout -in";
        const files = ["ca/cert.pem", "server/cert.pem", "client/cert.pem"];
        const script = files.map((file) => `${read} ${PATHS.certs}/${file}`).join("; ");
        const result = await this.exec(["sh", "-c", script], 10_000).catch(() => undefined);
        const ends = [...(result?.stdout ?? "").matchAll(/notAfter=(.+)/g)]
            .map(([, text]) => new Date(text ?? ""))
            .sort((left, right) => left.getTime() - right.getTime());
        return ends[0];
    }
}

async function collected(stream: PassThrough): Promise<string> {
    const chunks: Buffer[] = [];
    for await (const chunk of stream) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks).toString("utf8");
}
