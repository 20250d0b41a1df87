import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { CliError, messageOf } from "../errors";
import { creatorOf } from "./creators";
import { Ledger } from "./ledger";
import { Run } from "./run";

export { rehearseDown, type DownOptions } from "./down";

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
    isRunning = true;
    const cwd = process.cwd();
    const rehearsal = new Rehearsal(options);
    // A resource that fails rejects outputs that nobody may be waiting for.
    const onStray = (error: unknown) => void rehearsal.strays.add(error);
    process.on("unhandledRejection", onStray);
    try {
        process.chdir(options.projectDir);
        return await rehearsal.run();
    } finally {
        process.chdir(cwd);
        process.off("unhandledRejection", onStray);
        isRunning = false;
    }
}

/** One bring-up. */
class Rehearsal implements pulumi.runtime.Mocks {
    /** Errors of the program itself, and those that follow from resources that failed. */
    readonly strays = new Set<unknown>();
    private readonly context: Run;
    private readonly failures: string[] = [];
    private readonly slots = new Slots(availableParallelism() * 4);
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
        let outputs: unknown;
        try {
            outputs = await pulumi.runtime.runInPulumiStack(async () => {
                const exported = { ...((await program()) as Record<string, unknown> | undefined) };
                for (const [key, value] of Object.entries(exported)) {
                    if (pulumi.Output.isInstance(value) && (await pulumi.isSecret(value))) {
                        secretOutputs.push(key);
                    }
                }
                return exported;
            });
        } catch (error) {
            this.strays.add(error);
        }
        await this.settle();
        this.isOver = true;
        this.throwProblems();
        return {
            outputs: (outputs ?? {}) as Record<string, unknown>,
            secretOutputs,
            resources: this.created,
        };
    }

    async newResource(
        args: pulumi.runtime.MockResourceArgs,
    ): Promise<pulumi.runtime.MockResourceResult> {
        this.requests += 1;
        const inputs = args.inputs as Record<string, unknown>;
        if (args.custom !== true) {
            return { id: "", state: inputs };
        }
        return this.slots.use(async () => {
            const start = performance.now();
            const emit = (kind: RehearseEvent["kind"], detail?: string) =>
                this.options.onEvent?.({
                    ...{ kind, type: args.type, name: args.name, detail },
                    ...(kind !== "creating" && { seconds: (performance.now() - start) / 1000 }),
                });
            try {
                this.options.signal?.throwIfAborted();
                const create = this.creator(args);
                emit("creating");
                const plain = Object.fromEntries(
                    Object.entries(inputs).map(([key, value]) => [
                        key,
                        pulumi.runtime.unwrapRpcSecret(value) as unknown,
                    ]),
                );
                const made = await create({ ...args, inputs: plain }, this.context);
                this.created += 1;
                emit("created");
                return { id: made.id, state: { ...inputs, ...keepSecret(made.state, inputs) } };
            } catch (error) {
                if (this.options.signal?.aborted !== true) {
                    this.failures.push(`${args.name} (${args.type}): ${messageOf(error)}`);
                    emit("failed", messageOf(error));
                }
                // Not the error itself: Pulumi takes some values of `code` for the end of the monitor.
                throw new Error(messageOf(error));
            }
        });
    }

    call(args: pulumi.runtime.MockCallArgs): pulumi.runtime.MockCallResult {
        throw new Error(`rehearse cannot answer the function call ${args.token}`);
    }

    registerTransform(): void {
        throw new Error("rehearse runs no transforms");
    }

    private creator(args: pulumi.runtime.MockResourceArgs) {
        if (this.isOver) {
            throw new Error("the rehearsal is over");
        }
        if (args.id) {
            throw new Error("rehearse neither reads nor imports what exists");
        }
        if (args.transforms && args.transforms.length > 0) {
            this.registerTransform();
        }
        return creatorOf(args.type);
    }

    /** Waits until nothing is under way and nothing new was asked for. */
    private async settle(): Promise<void> {
        // Not in the published types. Its public cousin `disconnect` also drops the monitor, and with it `isOver`.
        const { waitForRPCs } = pulumi.runtime as unknown as { waitForRPCs(): Promise<void> };
        let before: number;
        do {
            before = this.requests;
            await waitForRPCs();
            await new Promise((done) => setTimeout(done, 20));
        } while (this.requests > before);
    }

    private throwProblems(): void {
        const remedy = "remove what was made (rehearse down), put it right, and try again";
        if (this.options.signal?.aborted) {
            throw new CliError(
                `the rehearsal was stopped after ${this.created} resource(s)`,
                remedy,
            );
        }
        const own = [...this.strays].map(messageOf).filter((m) => !isConsequence(m));
        const problems = [...this.failures, ...new Set(own)];
        if (problems.length > 0) {
            const list = problems.map((p) => `  - ${p.replaceAll("\n", "\n    ")}`).join("\n");
            throw new CliError(`the rehearsal failed:\n${list}`, remedy);
        }
        if (this.created === 0) {
            throw new CliError(
                "the program created nothing; was it loaded in this process before?",
            );
        }
    }
}

/** True for an error that Pulumi made of a resource's failure. */
function isConsequence(message: string): boolean {
    return /failed to register new resource|failed to register$/.test(message);
}

/** An output stays secret if the input of its name was. */
function keepSecret(state: Record<string, unknown>, inputs: Record<string, unknown>) {
    return Object.fromEntries(
        Object.entries(state).map(([key, value]) => [
            key,
            pulumi.runtime.isRpcSecret(inputs[key]) ? pulumi.secret(value) : value,
        ]),
    );
}

/** Runs no more than so many at a time. */
class Slots {
    private readonly waiting: (() => void)[] = [];

    constructor(private free: number) {}

    async use<T>(work: () => Promise<T>): Promise<T> {
        if (this.free > 0) {
            this.free -= 1;
        } else {
            await new Promise<void>((go) => this.waiting.push(go));
        }
        try {
            return await work();
        } finally {
            const next = this.waiting.shift();
            if (next) {
                next();
            } else {
                this.free += 1;
            }
        }
    }
}
