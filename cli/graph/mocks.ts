import { createHash } from "node:crypto";

import * as pulumi from "@pulumi/pulumi";
import type { RegisterResourceRequest } from "@pulumi/pulumi/proto/resource_pb";

import { outputsOf } from "./mock-outputs";

/** Options of a resource as the engine would get them; what is not set is left out. */
export interface RecordedOptions {
    readonly deleteBeforeReplace?: true;
    readonly deletedWith?: string;
    readonly ignoreChanges?: readonly string[];
    readonly protect?: boolean;
    readonly replaceOnChanges?: readonly string[];
    readonly replaceWith?: readonly string[];
    readonly replacementTrigger?: unknown;
}

/** One resource the program registered. */
export interface Recorded {
    readonly type: string;
    readonly name: string;
    /** `type::name`, unique in a program. */
    readonly key: string;
    /** `key` of the parent. */
    readonly parent?: string;
    /** Name of the explicit provider. */
    readonly provider?: string;
    /** Inputs, with secrets in clear. */
    readonly inputs: Readonly<Record<string, unknown>>;
    /** Where the inputs are secret: `uploads`, `build.args.KEY`, `envs[0]`. */
    readonly secrets: readonly string[];
    /** `key`s of the resources each input comes from. */
    readonly sources: Readonly<Record<string, readonly string[]>>;
    readonly options: RecordedOptions;
}

/** Everything a program registered with the mock monitor, in the order of registration. */
export class Recorder {
    public readonly all: Recorded[] = [];

    /** Waits until everything that was asked for is registered. */
    public async settle(): Promise<readonly Recorded[]> {
        await pendingRequests();
        return this.all;
    }

    /** The one resource of that name and type (its last part, like `Container`). */
    public one(kind: string, name: string): Recorded {
        const found = this.ofKind(kind).filter((resource) => resource.name === name);
        const [resource] = found;
        if (resource !== undefined && found.length === 1) return resource;
        const known = this.all.map(({ type, name: other }) => `${type} ${other}`).join("\n  ");
        throw new Error(`${String(found.length)} of ${kind} ${name}; there are:\n  ${known}`);
    }

    /** Resources whose type ends with `:<kind>`. */
    public ofKind(kind: string): Recorded[] {
        return this.all.filter(({ type }) => type.endsWith(`:${kind}`));
    }

    /** `type name` of all descendants of a resource, sorted: the exact children of a component. */
    public below(ancestor: string): string[] {
        return this.all
            .filter((resource) => this.ancestors(resource).some(({ name }) => name === ancestor))
            .map(({ type, name }) => `${type} ${name}`)
            .sort();
    }

    /** The parent, its parent and so on. */
    public ancestors(resource: Recorded): Recorded[] {
        const parent = this.all.find(({ key }) => key === resource.parent);
        return parent === undefined ? [] : [parent, ...this.ancestors(parent)];
    }
}

/**
 * Replaces the engine with mocks and gives the recorder of this program. Each call starts anew, so a
 * `beforeEach` isolates tests from each other.
 */
export async function startMocks(
    stack = "test",
    config: Readonly<Record<string, string>> = {},
    secretKeys: readonly string[] = [],
): Promise<Recorder> {
    const recorder = new Recorder();
    // The SDK takes a stack for each of its promises; jest's 100 frames, mapped to sources, take most of a test's time.
    Error.stackTraceLimit = Math.min(Error.stackTraceLimit, 10);
    // What an earlier test left under way would go to the new monitor, which does not know its parents.
    await pendingRequests();
    await pulumi.runtime.setMocks(
        {
            newResource: ({ type, name, inputs, custom }) => ({
                id: custom === true ? `${name}-id` : undefined,
                state: outputsOf(type, name, inputs as Record<string, unknown>),
            }),
            call: ({ token }) => {
                const details = `no mock answers the call ${token}`;
                // The SDK shows the `details` of an error, as a gRPC error has them, and drops its message.
                throw Object.assign(new Error(details), { details });
            },
        },
        "sutazai-mcp",
        stack,
    );
    const namespaced = Object.entries(config).map(([key, value]) => [withNamespace(key), value]);
    pulumi.runtime.setAllConfig(
        Object.fromEntries(namespaced) as Record<string, string>,
        secretKeys.map(withNamespace),
    );
    listen((request) => recorder.all.push(recorded(request)));
    return recorder;
}

/** The value of an output. */
export function valueOf<T>(output: pulumi.Output<T>): Promise<T> {
    return new Promise((resolve) => output.apply(resolve));
}

/** Whether an output is secret. */
export const isSecret = (output: pulumi.Output<unknown>): Promise<boolean> =>
    pulumi.isSecret(output);

/** Whether the input at the path is secret, itself or with one of the values around it. */
export function isSecretInput(resource: Recorded, path: string): boolean {
    return resource.secrets.some(
        (secret) =>
            path === secret || path.startsWith(`${secret}.`) || path.startsWith(`${secret}[`),
    );
}

/** SHA-256 in hexadecimal. */
export function sha256(text: string): string {
    return createHash("sha256").update(text).digest("hex");
}

function withNamespace(key: string): string {
    return key.includes(":") ? key : `sutazai-mcp:${key}`;
}

/** Waits for all requests to the monitor, those that others lead to included. In the SDK, but not in its types. */
function pendingRequests(): Promise<void> {
    return (pulumi.runtime as unknown as { waitForRPCs(this: void): Promise<void> }).waitForRPCs();
}

/** The mock monitor shows mocks neither parents nor options nor where secrets are; the requests carry them. */
function listen(note: (request: RegisterResourceRequest) => void): void {
    const monitor = pulumi.runtime.getMonitor() as unknown as {
        registerResource(request: RegisterResourceRequest, callback: unknown): unknown;
    };
    const register = monitor.registerResource.bind(monitor);
    monitor.registerResource = (request, callback) => {
        note(request);
        return register(request, callback);
    };
}

function recorded(request: RegisterResourceRequest): Recorded {
    const secrets: string[] = [];
    const inputs = opened(request.getObject()?.toJavaScript() ?? {}, "", secrets);
    const [type, name] = [request.getType(), request.getName()];
    const [parent, provider] = [request.getParent(), request.getProvider()];
    return {
        type,
        name,
        key: `${type}::${name}`,
        ...(parent === "" ? {} : { parent: keyOf(parent) }),
        ...(provider === "" ? {} : { provider: keyOf(provider).split("::")[1] ?? "" }),
        inputs: inputs as Record<string, unknown>,
        secrets,
        sources: sourcesOf(request),
        options: optionsOf(request),
    };
}

function sourcesOf(request: RegisterResourceRequest): Record<string, readonly string[]> {
    const entries = request.getPropertydependenciesMap().entries() as IterableIterator<
        [string, RegisterResourceRequest.PropertyDependencies]
    >;
    return Object.fromEntries(
        [...entries]
            .map(([input, from]): [string, string[]] => [input, from.getUrnsList().map(keyOf)])
            .filter(([, from]) => from.length > 0),
    );
}

function optionsOf(request: RegisterResourceRequest): RecordedOptions {
    const deletedWith = request.getDeletedwith();
    const ignoreChanges = request.getIgnorechangesList();
    const replaceOnChanges = request.getReplaceonchangesList();
    const replaceWith = request.getReplaceWithList();
    const trigger: unknown = request.getReplacementTrigger()?.toJavaScript();
    return {
        ...(request.getDeletebeforereplace() ? { deleteBeforeReplace: true } : {}),
        ...(deletedWith === "" ? {} : { deletedWith: keyOf(deletedWith) }),
        ...(ignoreChanges.length === 0 ? {} : { ignoreChanges }),
        ...(request.hasProtect() ? { protect: request.getProtect() } : {}),
        ...(replaceOnChanges.length === 0 ? {} : { replaceOnChanges }),
        ...(replaceWith.length === 0 ? {} : { replaceWith: replaceWith.map(keyOf) }),
        ...(trigger === undefined ? {} : { replacementTrigger: trigger }),
    };
}

/** `type::name` of a URN: `urn:pulumi:stack::project::parentType$type::name`, with an id behind it in a reference. */
function keyOf(urn: string): string {
    const [, , types = "", name = ""] = urn.split("::");
    return `${types.split("$").pop() ?? ""}::${name}`;
}

/** The value without the wrappings of secrets, whose places go into `secrets`. */
function opened(value: unknown, path: string, secrets: string[]): unknown {
    if (Array.isArray(value)) {
        return value.map((item, index) => opened(item, `${path}[${String(index)}]`, secrets));
    }
    if (typeof value !== "object" || value === null) return value;
    if (pulumi.runtime.isRpcSecret(value)) {
        secrets.push(path);
        return opened(pulumi.runtime.unwrapRpcSecret(value), path, secrets);
    }
    return Object.fromEntries(
        Object.entries(value).map(([key, part]) => [
            key,
            opened(part, path === "" ? key : `${path}.${key}`, secrets),
        ]),
    );
}
