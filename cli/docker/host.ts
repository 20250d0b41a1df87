import { execFile } from "node:child_process";
import * as path from "node:path";
import { promisify } from "node:util";

import Docker from "dockerode";

import { CliError, messageOf } from "../errors";
import type { Output } from "../output";
import { CARRIERS, HOST_SOCKET, LABELS } from "../../config/defaults";

/** A client of the host's daemon. */
export function hostDocker(): Docker {
    return new Docker({ socketPath: HOST_SOCKET });
}

const run = promisify(execFile);

/** Runs one of scripts/, shows its lines as progress and its complaint as an error with a remedy. */
export async function runScript(
    projectDir: string,
    name: string,
    args: readonly string[],
    out: Output,
): Promise<void> {
    try {
        const child = run(path.join(projectDir, "scripts", name), [...args]);
        child.child.stdout?.on("data", (chunk: Buffer | string) => {
            for (const line of String(chunk).split("\n"))
                if (line.trim() !== "") out.say(line.trim());
        });
        await child;
    } catch (error) {
        const stderr = ((error as { stderr?: string }).stderr ?? messageOf(error))
            .trim()
            .split("\n");
        const remedy = stderr
            .find((line) => line.startsWith("remedy:"))
            ?.replace(/^remedy:\s*/, "");
        const what =
            stderr.filter((line) => !line.startsWith("remedy:")).at(-1) ?? `scripts/${name} failed`;
        throw new CliError(what.replace(/^what:\s*/, ""), remedy);
    }
}

/** Makes sure that the host's daemon answers, installing and starting Docker where that is ours to do. */
export async function ensureDocker(projectDir: string, out: Output): Promise<Docker> {
    await runScript(projectDir, "ensure-docker.sh", [], out);
    return hostDocker();
}

/** The host's daemon for commands that only look or remove: when it does not answer, that is an error. */
export async function answeringDocker(projectDir: string, out: Output): Promise<Docker> {
    await runScript(projectDir, "ensure-docker.sh", ["--check"], out);
    return hostDocker();
}

/** A container of a stack on the host's daemon. */
export interface HostContainer {
    readonly id: string;
    readonly name: string;
    readonly component: string;
    readonly state: string;
    readonly health: string;
    readonly image: string;
}

/** The stack's containers on the host's daemon, by name. */
export async function hostContainers(docker: Docker, stack: string): Promise<HostContainer[]> {
    const found = await docker.listContainers({
        all: true,
        filters: { label: [`${LABELS.stack}=${stack}`] },
    });
    return found
        .map((container) => ({
            id: container.Id,
            name: (container.Names[0] ?? container.Id).replace(/^\//, ""),
            component: container.Labels[LABELS.component] ?? "",
            state: container.State,
            health: healthOf(container.State, container.Status),
            image: container.Image,
        }))
        .sort((left, right) => (left.name < right.name ? -1 : 1));
}

/** Whether it is there to run: not so what only carries files onto a volume. */
export function runs({ component }: HostContainer): boolean {
    return component !== CARRIERS.host;
}

/** Health as one word, from what `docker ps` prints. */
export function healthOf(state: string, status: string): string {
    const word = /\((?:health: )?(healthy|unhealthy|starting)\)/.exec(status)?.[1];
    return word ?? (state === "running" ? "running" : state);
}
