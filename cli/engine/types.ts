/** One finished step of a run, for progress. */
export interface Step {
    readonly type: string;
    readonly name: string;
    /** `create`, `update`, `replace`, `delete`, `refresh` … */
    readonly operation: string;
    readonly seconds?: number;
}

/** Called as a run goes on. */
export type OnStep = (step: Step) => void;

/** What a preview says. */
export interface PreviewResult {
    /** Number of resources by operation: create, update, replace, delete, same … */
    readonly changes: Readonly<Record<string, number>>;
    readonly text: string;
    /** What it does to each resource. */
    readonly steps: readonly PreviewStep[];
    /** What policies say; with a mandatory violation the preview ends early, and says less of resources. */
    readonly policies: readonly PolicyNote[];
}

/** What a preview would do to one resource. */
export interface PreviewStep {
    readonly urn: string;
    readonly type: string;
    readonly name: string;
    readonly operation: "create" | "update" | "replace" | "delete" | "same";
    /** Inputs as the state has them. */
    readonly before?: Readonly<Record<string, unknown>>;
    /** Inputs as the program gives them. */
    readonly after?: Readonly<Record<string, unknown>>;
    /** Names of the inputs that differ. */
    readonly changed: readonly string[];
}

/** What a policy says of a resource. */
export interface PolicyNote {
    readonly policy: string;
    readonly mandatory: boolean;
    readonly urn?: string;
    readonly message: string;
}

/** How a preview or an `up` is made. */
export interface RunOptions {
    /** Folders of policy packs. */
    readonly policyPacks?: readonly string[];
    /** Read every resource from its daemon first. */
    readonly refresh?: boolean;
}

/** What brings a stack up and takes it down. */
export interface Engine {
    readonly kind: "pulumi" | "rehearse";
    /** One line: which engine and why. */
    readonly why: string;
    up(
        onStep: OnStep,
        options?: RunOptions & { readonly target?: readonly string[] },
    ): Promise<Readonly<Record<string, number>>>;
    down(onStep: OnStep): Promise<void>;
    preview(options?: RunOptions): Promise<PreviewResult>;
}
