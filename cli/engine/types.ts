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
}

/** What brings a stack up and takes it down. */
export interface Engine {
    readonly kind: "pulumi" | "rehearse";
    /** One line: which engine and why. */
    readonly why: string;
    up(
        onStep: OnStep,
        options?: { readonly target?: readonly string[] },
    ): Promise<Readonly<Record<string, number>>>;
    down(onStep: OnStep): Promise<void>;
    preview(): Promise<PreviewResult>;
}
