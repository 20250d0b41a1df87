import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { CliError, messageOf } from "../errors";
import { CREATORS } from "./creators";
import { Ledger } from "./ledger";
import { Run, type Creator } from "./run";

export { rehearseDown } from "./down";

/** Options of {@link rehearseUp}. */
export interface RehearseOptions {
    /** Folder of the program: its working directory while it runs, and the base of relative paths in inputs. */
    readonly projectDir: string;
    readonly project: string;
    readonly stack: string;
    /** Values by full key, "project:key". */
    readonly config: Readonly<Record<string, string>>;
    /** Keys of `config` whose values are secret. */
    readonly secretKeys?: readonly string[];
    /** Where what was made is recorded, for {@link rehearseDown}. */
    readonly ledgerFile: string;
    /** Runs the program; what it returns (the exports of its module) are the stack's outputs. */
    readonly program: () => Promise<unknown>;
    readonly onEvent?: (event: RehearseEvent) => void;
    /** Aborting it starts nothing new and stops waiting. */
    readonly signal?: AbortSignal;
}

/** Progress: `name` is the logical name on the way up and the physical one on the way down. */
export interface RehearseEvent {
    readonly kind: "creating" | "created" | "failed" | "removing" | "removed";
    readonly type: string;
    readonly name: string;
    readonly seconds?: number;
    readonly detail?: string;
}

/** What {@link rehearseUp} gives. */
export interface Rehearsed {
    /** The stack's outputs, secrets in clear. */
    readonly outputs: Record<string, unknown>;
    /** Keys of `outputs` that are secret. */
    readonly secretOutputs: readonly string[];
    /** Number of resources created, providers included and components not. */
    readonly resources: number;
}

let isRunning = false;

/**
 * Brings a program up without an engine: Pulumi's mock monitor, whose mocks create the real thing. There is no state, no
 * diff and no update, and neither transforms nor hooks run; it is for trying a program out and for end-to-end tests.
 *
 * The mock monitor is global to the process: one rehearsal at a time. A second one in the same process works, if
 * `program` makes its resources again: a module that Node has loaded before does not.
 */
export async function rehearseUp(options: RehearseOptions): Promise<Rehearsed> {
    if (isRunning) {
        throw new CliError("a rehearsal is already running in this process", "wait for its end");
    }
    const rehearsal = new Rehearsal(options);
    isRunning = true;
    const cwd = process.cwd();
    // A resource that fails rejects outputs that nobody may be waiting for.
    const onStray = (error: unknown) => void rehearsal.strays.add(error);
    const ignore = () => undefined;
    process.on("unhandledRejection", onStray);
    // With a listener, Node does not warn of those that somebody looks at later after all.
    process.on("rejectionHandled", ignore);
    try {
        process.chdir(options.projectDir);
        return await rehearsal.run();
    } finally {
        process.chdir(cwd);
        process.off("unhandledRejection", onStray);
        process.off("rejectionHandled", ignore);
        isRunning = false;
    }
}

/** One bring-up. */
class Rehearsal implements pulumi.runtime.Mocks {
    /** Errors of the program itself, and what follows from resources that failed. */
    readonly strays = new Set<unknown>();
    private readonly context: Run;
    private readonly failures: string[] = [];
    private readonly limited = limiter(availableParallelism() * 4);
    private requests = 0;
    private created = 0;
    private isOver = false;

    constructor(private readonly options: RehearseOptions) {
        const ledger = Ledger.start(resolve(options.ledgerFile));
        this.context = new Run(ledger, resolve(options.projectDir), options.signal);
    }

    async run(): Promise<Rehearsed> {
        const { config, program, project, secretKeys, stack } = this.options;
        const secretOutputs: string[] = [];
        pulumi.runtime.setAllConfig({ ...config }, [...(secretKeys ?? [])]);
        await pulumi.runtime.setMocks(this, project, stack, false, "organization");
        const load = async () => {
            const exported = { ...((await program()) as Record<string, unknown> | undefined) };
            for (const [key, value] of Object.entries(exported)) {
                if (pulumi.Output.isInstance(value) && (await pulumi.isSecret(value))) {
                    secretOutputs.push(key);
                }
            }
            return exported;
        };
        const outputs = await pulumi.runtime.runInPulumiStack(load).catch((error: unknown) => {
            this.strays.add(error);
        });
        await this.settle();
        this.isOver = true;
        this.throwProblems();
        return {
            outputs: outputs ?? {},
            secretOutputs,
            resources: this.created,
        };
    }

    async newResource(args: pulumi.runtime.MockResourceArgs) {
        this.requests += 1;
        const inputs = args.inputs as Record<string, unknown>;
        if (args.custom !== true) {
            return { id: "", state: inputs };
        }
        return this.limited(async () => {
            const start = performance.now();
            const emit = (kind: RehearseEvent["kind"], detail?: string) => {
                const seconds =
                    kind === "creating" ? undefined : (performance.now() - start) / 1000;
                this.options.onEvent?.({ kind, type: args.type, name: args.name, seconds, detail });
            };
            try {
                this.options.signal?.throwIfAborted();
                const create = this.creator(args);
                emit("creating");
                const made = await create({ ...args, inputs: plain(inputs) }, this.context);
                this.created += 1;
                emit("created");
                return { id: made.id, state: { ...inputs, ...keepSecret(made.state, inputs) } };
            } catch (error) {
                const problem = messageOf(error);
                if (this.options.signal?.aborted !== true) {
                    this.failures.push(`${args.name} (${args.type}): ${problem}`);
                    emit("failed", problem);
                }
                // Not the error itself: Pulumi takes some values of a `code` for the end of the monitor.
                throw new Error(problem);
            }
        });
    }

    call(args: pulumi.runtime.MockCallArgs): never {
        const details = `rehearse cannot answer the function call ${args.token}`;
        // Pulumi shows the `details` of a failed call.
        throw Object.assign(new Error(details), { details });
    }

    registerTransform(): never {
        throw new Error("rehearse runs no transforms");
    }

    private creator({ id, transforms, type }: pulumi.runtime.MockResourceArgs): Creator {
        const creator = CREATORS.get(type);
        if (this.isOver) {
            throw new Error("the rehearsal is over");
        } else if (id) {
            throw new Error("rehearse neither reads nor imports what exists");
        } else if (transforms && transforms.length > 0) {
            this.registerTransform();
        } else if (creator === undefined) {
            throw new Error(
                `rehearse cannot create ${type}; add a creator in cli/rehearse/creators/`,
            );
        }
        return creator;
    }

    /** Waits until nothing is under way and nothing new has been asked for. */
    private async settle(): Promise<void> {
        // Not in the published types. Its public cousin, `disconnect`, also drops the monitor.
        const { waitForRPCs } = pulumi.runtime as unknown as { waitForRPCs: () => Promise<void> };
        let before: number;
        do {
            before = this.requests;
            await waitForRPCs();
            await new Promise((done) => setTimeout(done, 20));
        } while (this.requests > before);
    }

    private throwProblems(): void {
        const remedy = "remove what was made with ./mcp down, put it right, and try again";
        if (this.options.signal?.aborted) {
            throw new CliError(
                `the rehearsal was stopped; ${this.created} resource(s) exist`,
                remedy,
            );
        }
        const own = [...this.strays].map(messageOf).filter((message) => !isConsequence(message));
        const problems = [...this.failures, ...new Set(own)];
        if (problems.length > 0) {
            const list = problems.map((p) => `\n  - ${p.replaceAll("\n", "\n    ")}`).join("");
            throw new CliError(`the rehearsal failed:${list}`, remedy);
        }
        if (this.created === 0) {
            throw new CliError(
                "the program created nothing; was it loaded before in this process?",
            );
        }
    }
}

/** True for what Pulumi says to whatever needs a resource that failed. */
function isConsequence(message: string): boolean {
    return /failed to register/.test(message);
}

function plain(inputs: Record<string, unknown>): Record<string, unknown> {
    const unwrap = ([key, value]: [string, unknown]): [string, unknown] => [
        key,
        pulumi.runtime.unwrapRpcSecret(value),
    ];
    return Object.fromEntries(Object.entries(inputs).map(unwrap));
}

/** An output stays secret if the input of its name is. */
function keepSecret(state: Record<string, unknown>, inputs: Record<string, unknown>) {
    const wrap = ([key, value]: [string, unknown]): [string, unknown] => [
        key,
        pulumi.runtime.isRpcSecret(inputs[key]) ? pulumi.secret(value) : value,
    ];
    return Object.fromEntries(Object.entries(state).map(wrap));
}

/** Runs so many pieces of work at a time, as the engine does. */
function limiter(free: number) {
    const waiting: (() => void)[] = [];
    return async <T>(work: () => Promise<T>): Promise<T> => {
        if (free-- <= 0) {
            await new Promise<void>((go) => waiting.push(go));
        }
        try {
            return await work();
        } finally {
            free += 1;
            waiting.shift()?.();
        }
    };
}
