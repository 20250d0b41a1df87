import { execFile } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { promisify } from "node:util";

import * as automation from "@pulumi/pulumi/automation";

import { findPulumi, missingPlugins, type PulumiCli } from "../environment";
import { CliError, messageOf } from "../errors";
import type { Output } from "../output";
import { PROJECT_NAME, type Project } from "../project";

import { PreviewEvents, policyNote, reportStep } from "./events";
import { engineFailure } from "./failure";
import { dropForeignSalt, hasState } from "./local-backend";
import { openStack, pulumiEnvironment } from "./open-stack";
import type { Engine, OnStep, PreviewResult, RunOptions } from "./types";

/** The real engine, through Pulumi's Automation API on the program in this folder. */
export class PulumiEngine implements Engine {
    readonly kind = "pulumi";

    private constructor(
        private readonly project: Project,
        private readonly cliPath: string,
        private readonly stack: automation.Stack,
        readonly why: string,
    ) {}

    /** Opens the stack, making backend, passphrase and stack where there are none. Asks nothing. */
    static async open(project: Project, cli: PulumiCli): Promise<PulumiEngine> {
        if (!hasState(project)) dropForeignSalt(project);
        try {
            const stack = await openStack(project);
            return new PulumiEngine(
                project,
                cli.path,
                stack,
                `engine: Pulumi ${cli.version}, from ${cli.path}`,
            );
        } catch (error) {
            throw engineFailure([{ message: commandError(error) }]);
        }
    }

    async up(
        onStep: OnStep,
        options: RunOptions & { readonly target?: readonly string[] } = {},
    ): Promise<Readonly<Record<string, number>>> {
        const result = await this.run(onStep, (onEvent, signal) =>
            this.stack.up({
                onEvent,
                signal,
                suppressOutputs: true,
                // One failure keeps only what needs it from being made: a Consul that is down costs registrations alone.
                continueOnError: true,
                target: options.target ? [...options.target] : undefined,
                policyPacks: [...(options.policyPacks ?? [])],
            }),
        );
        return result.summary.resourceChanges ?? {};
    }

    async down(onStep: OnStep): Promise<void> {
        await this.run(onStep, (onEvent, signal) =>
            this.stack.destroy({
                onEvent,
                signal,
                suppressOutputs: true,
                excludeProtected: true,
                continueOnError: true,
            }),
        );
    }

    async preview({ policyPacks = [], refresh }: RunOptions = {}): Promise<PreviewResult> {
        const events = new PreviewEvents();
        const noted = { suppressProgress: true, policyPacks: [...policyPacks], refresh };
        const { changeSummary, stdout } = await this.run(
            () => undefined,
            (onEvent, signal) => this.stack.preview({ onEvent, signal, diff: true, ...noted }),
            events,
        ).catch((error: unknown) => {
            // A violation fails the preview, and is an answer all the same.
            if (!events.policies.some(({ mandatory }) => mandatory)) throw error;
            return { changeSummary: {}, stdout: messageOf(error) };
        });
        return { changes: changeSummary, text: stdout, ...events.collected() };
    }

    /** Reads the named resources again, so that lost ones leave the state. */
    async refresh(target: readonly string[]): Promise<void> {
        await this.run(
            () => undefined,
            (onEvent, signal) => this.stack.refresh({ onEvent, signal, target: [...target] }),
        );
    }

    /** Takes back the lock of a run that died. */
    async cancel(): Promise<void> {
        await this.command(["cancel", "--yes"]);
    }

    /** Forgets operations that never finished and says how many; what they made is found by its labels. */
    async clearPending(): Promise<number> {
        const exported = JSON.parse(await this.command(["stack", "export"])) as {
            deployment?: { pending_operations?: unknown[] };
        };
        const pending = exported.deployment?.pending_operations?.length ?? 0;
        if (pending === 0) return 0;
        delete exported.deployment?.pending_operations;
        const file = path.join(this.project.cacheDir, `repair-${String(process.pid)}.json`);
        try {
            writeFileSync(file, JSON.stringify(exported), { mode: 0o600 });
            await this.command(["stack", "import", "--file", file]);
        } finally {
            rmSync(file, { force: true });
        }
        return pending;
    }

    /** The state, secrets encrypted. */
    async state(): Promise<StateResource[]> {
        const text = await this.command(["stack", "export"]);
        const data = JSON.parse(text) as { deployment?: { resources?: StateResource[] } };
        return data.deployment?.resources ?? [];
    }

    /** Takes one resource, with what depends on it, out of the state without touching the real thing. */
    async forgetResource(urn: string): Promise<void> {
        await this.command([
            "state",
            "delete",
            urn,
            "--force",
            "--target-dependents",
            "--yes",
        ]).catch((error: unknown) => {
            // Already gone with something it depended on.
            if (!/no such resource|no resource|not found|does not exist/i.test(messageOf(error)))
                throw error;
        });
    }

    async setConfig(key: string, value: string): Promise<void> {
        await this.stack.setConfig(`${PROJECT_NAME}:${key}`, { value });
    }

    /** Removes the emptied stack's history, keeping its settings file as it was before the first `up`. */
    async forget(): Promise<void> {
        await this.stack.workspace.removeStack(this.stack.name, { preserveConfig: true });
        dropForeignSalt(this.project);
    }

    /** Runs a CLI command on this stack and gives its standard output. */
    async command(args: readonly string[]): Promise<string> {
        return pulumi(this.project, this.cliPath, [
            ...args,
            "--stack",
            this.stack.name,
            "--non-interactive",
        ]);
    }

    /** Runs an operation; Ctrl-C ends it in order once, and a failure becomes one clear error. */
    private async run<T>(
        onStep: OnStep,
        operation: (
            onEvent: (event: automation.EngineEvent) => void,
            signal: AbortSignal,
        ) => Promise<T>,
        events?: PreviewEvents,
    ): Promise<T> {
        const diagnostics: { urn?: string; message: string }[] = [];
        const started = new Map<string, number>();
        const abort = new AbortController();
        let interrupted = false;
        const onInterrupt = (signal: NodeJS.Signals): void => {
            if (interrupted) {
                process.stderr.write("stopped at once; put it right with ./mcp repair\n");
                process.exit(130);
            }
            interrupted = true;
            process.stderr.write(
                "\ninterrupted: finishing the steps under way, then stopping (nothing is lost)\n",
            );
            // A terminal sends Ctrl-C to the CLI as well, and a second signal would make it drop what is under way.
            if (signal === "SIGTERM" || !process.stdin.isTTY) abort.abort();
        };
        // Listening on, not once: a library underneath ends the process when it believes to be the only listener.
        process.on("SIGINT", onInterrupt);
        process.on("SIGTERM", onInterrupt);
        try {
            return await operation((event) => {
                const diagnostic = event.diagnosticEvent;
                if (diagnostic?.severity === "error")
                    diagnostics.push({ urn: diagnostic.urn, message: diagnostic.message });
                const note = event.policyEvent && policyNote(event.policyEvent);
                if (note?.mandatory === true)
                    diagnostics.push({ urn: note.urn, message: `${note.policy}: ${note.message}` });
                events?.note(event);
                reportStep(event, started, onStep);
            }, abort.signal);
        } catch (error) {
            if (interrupted) {
                throw new CliError(
                    "interrupted",
                    "run ./mcp up to finish, or ./mcp down to remove what was made",
                    130,
                );
            }
            throw engineFailure(
                diagnostics.length > 0 ? diagnostics : [{ message: commandError(error) }],
            );
        } finally {
            process.off("SIGINT", onInterrupt);
            process.off("SIGTERM", onInterrupt);
        }
    }
}

/** A resource as the state has it. */
export interface StateResource {
    readonly urn: string;
    readonly type: string;
    readonly id?: string;
    readonly provider?: string;
    readonly protect?: boolean;
    readonly outputs?: Readonly<Record<string, unknown>>;
}

/** Finds the CLI and its plugins, or says in a sentence why the real engine cannot run here. */
export async function pulumiReady(
    project: Project,
    out: Output,
): Promise<{ readonly cli: PulumiCli } | { readonly missing: string }> {
    const cli = findPulumi();
    if (!cli) return { missing: "no Pulumi CLI on PATH or in its home folder" };
    for (const { name, version } of missingPlugins(project.dir)) {
        out.say(`installing the Pulumi plugin ${name} ${version}`);
        try {
            await pulumi(project, cli.path, ["plugin", "install", "resource", name, version]);
        } catch {
            return {
                missing: `the Pulumi plugin ${name} ${version} is neither here nor can it be downloaded`,
            };
        }
    }
    return { cli };
}

const run = promisify(execFile);

/** Runs the CLI and gives its standard output. */
async function pulumi(project: Project, cliPath: string, args: readonly string[]): Promise<string> {
    const { stdout } = await run(cliPath, [...args], {
        cwd: project.dir,
        env: pulumiEnvironment(project),
        maxBuffer: 256 * 1024 * 1024,
    });
    return stdout;
}

function commandError(error: unknown): string {
    const text = messageOf(error);
    const stderr = /stderr:([\s\S]*?)(?:\nerr\?:|$)/.exec(text)?.[1]?.trim();
    return stderr !== undefined && stderr !== "" ? stderr : text;
}
