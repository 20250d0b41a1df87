import { z } from "zod";

/** Marks a value that the state keeps encrypted; `--show-secrets` gives its JSON as `plaintext`. */
const SECRET_MARK = "4dabf18193072939515e22adb298388d";

const upload = z.object({ file: z.string(), content: z.string(), permissions: z.string() });

const containerInputs = z.object({
    name: z.string(),
    start: z.boolean().default(true),
    wait: z.boolean().default(false),
    destroyGraceSeconds: z.number().default(0),
    uploads: z.array(upload).default([]),
});
const imageInputs = z.object({
    name: z.string(),
    build: z
        .object({ context: z.string(), buildArgs: z.record(z.string(), z.string()).default({}) })
        .optional(),
});
const named = z.object({ name: z.string() });
const providerInputs = z.object({
    host: z.string(),
    caMaterial: z.string(),
    certMaterial: z.string(),
    keyMaterial: z.string(),
});
const resource = z.object({
    urn: z.string(),
    type: z.string(),
    provider: z.string().optional(),
    inputs: z.record(z.string(), z.unknown()).default({}),
    outputs: z.record(z.string(), z.unknown()).default({}),
});

/** What one provider made, in the order of the state: what a thing stands on comes before it. */
export interface LayerState {
    readonly networks: readonly string[];
    readonly volumes: readonly string[];
    readonly containers: readonly z.infer<typeof containerInputs>[];
    readonly images: readonly (z.infer<typeof imageInputs> & { readonly imageId: string })[];
}

/** The two layers of a stack and the way to the inner daemon. */
export interface StackState {
    readonly host: LayerState;
    readonly inner: LayerState;
    readonly connection: z.infer<typeof providerInputs>;
}

/**
 * Reads what a stack consists of from its exported state (`pulumi stack export --show-secrets`).
 * @throws when the state is not of the form the program makes
 */
export function readState(exported: string): StackState {
    const { deployment } = z
        .object({ deployment: z.object({ resources: z.array(resource) }) })
        .parse(open(JSON.parse(exported)));
    const { resources } = deployment;
    const provider = resources.find((one) => one.urn.endsWith("pulumi:providers:docker::inner"));
    if (!provider) throw new Error("bench: the state has no provider named inner");
    const layer = (name: string): LayerState => {
        const own = resources.filter((one) =>
            one.provider?.includes(`pulumi:providers:docker::${name}::`),
        );
        const inputs = (type: string): Record<string, unknown>[] =>
            own.filter((one) => one.type.endsWith(type)).map((one) => one.inputs);
        return {
            networks: inputs(":Network").map((one) => named.parse(one).name),
            volumes: inputs(":Volume").map((one) => named.parse(one).name),
            containers: inputs(":Container").map((one) => containerInputs.parse(one)),
            images: own
                .filter((one) => one.type.endsWith(":RemoteImage"))
                .map((one) => ({
                    ...imageInputs.parse(one.inputs),
                    imageId: z.object({ imageId: z.string() }).parse(one.outputs).imageId,
                })),
        };
    };
    return {
        host: layer("host"),
        inner: layer("inner"),
        connection: providerInputs.parse(provider.inputs),
    };
}

/** The same value with every secret in it replaced by its plain value. */
function open(value: unknown): unknown {
    if (Array.isArray(value)) return value.map(open);
    if (value === null || typeof value !== "object") return value;
    if (SECRET_MARK in value && "plaintext" in value) {
        return open(JSON.parse(String(value.plaintext)));
    }
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, open(inner)]));
}
