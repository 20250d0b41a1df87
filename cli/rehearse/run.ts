import { randomBytes } from "node:crypto";
import Docker from "dockerode";
import type { ConsulTarget } from "../consul/client";
import type { DockerThing, Ledger } from "./ledger";

/** Label of every container, network and volume a rehearsal makes; its value is the ledger's `run`. */
export const RUN_LABEL = "rehearse.run";

/** A resource to create: its inputs as the program gave them, secrets in clear. */
export interface Request {
    readonly type: string;
    readonly name: string;
    readonly inputs: Readonly<Record<string, unknown>>;
    /** `urn::id` of the explicit provider. */
    readonly provider?: string;
}

/** Creates a resource; gives its id and its outputs beyond the inputs. */
export type Creator = (
    request: Request,
    run: Run,
) => Promise<{ readonly id: string; readonly state: Record<string, unknown> }>;

/** The daemon of a docker.Provider. */
export interface Daemon {
    readonly client: Docker;
    /** Socket of the host-level daemon: this one, or the one that runs the container it lives in. */
    readonly socket: string;
    /** The container it lives in, for an inner daemon. */
    readonly within?: string;
}

/** A host-level container of this rehearsal: an inner daemon may live in it. */
export interface Home {
    readonly name: string;
    readonly socket: string;
    readonly published: readonly { readonly ip: string; readonly external: number }[];
    readonly addresses: readonly string[];
    /** Volume or host path mounted at /var/lib/docker. */
    readonly data?: string;
}

/** What the creators of one rehearsal share. */
export class Run {
    readonly homes: Home[] = [];
    /** By the id of the provider resource. */
    readonly daemons = new Map<string, Daemon>();
    /** By the id of the provider resource; `isOwn`: it runs in a container of this rehearsal. */
    readonly consuls = new Map<string, ConsulTarget & { readonly isOwn: boolean }>();

    constructor(
        readonly ledger: Ledger,
        /** Base of relative paths in inputs. */
        readonly projectDir: string,
        readonly signal?: AbortSignal,
    ) {}

    /** The daemon of a resource's provider. There is no default one: a rehearsal touches only what was named. */
    daemonOf(request: Request): Daemon {
        const daemon = this.daemons.get(request.provider?.split("::").pop() ?? "");
        if (daemon === undefined) {
            throw new Error("it has no explicit docker.Provider, and rehearse has no default one");
        }
        return daemon;
    }

    /** Makes a thing, with its intent in the ledger before and its id after; gives its id. */
    async make(
        { socket, within }: Daemon,
        thing: Pick<DockerThing, "kind" | "name" | "graceSeconds">,
        create: () => Promise<string>,
    ): Promise<string> {
        const number = this.ledger.intend({ ...thing, socket, within });
        try {
            const id = await create();
            this.ledger.made(number, id);
            return id;
        } catch (error) {
            const status = statusOf(error);
            if (status !== undefined) {
                // The daemon refused: nothing was made, and whatever has that name is not ours to remove.
                this.ledger.strike(number);
            }
            throw status === 409 ? existsAlready(thing.kind, thing.name) : error;
        }
    }
}

/** The error for a name that something else has. */
export function existsAlready(kind: string, name: string): Error {
    return new Error(
        `a ${kind} "${name}" exists that this rehearsal did not make; remove or rename it`,
    );
}

/** HTTP status of a daemon's refusal; undefined for any other error. */
export function statusOf(error: unknown): number | undefined {
    return (error as { statusCode?: number } | undefined)?.statusCode;
}

/** The result, or undefined where the daemon says that there is no such thing. */
export async function orNone<T>(result: Promise<T>): Promise<T | undefined> {
    try {
        return await result;
    } catch (error) {
        if (statusOf(error) === 404) {
            return undefined;
        }
        throw error;
    }
}

/** The given physical name, or one made from the logical name as Pulumi does. */
export function physicalName({ inputs, name }: Request): string {
    return (
        (inputs.name as string | undefined) ?? `${name}-${randomBytes(4).toString("hex").slice(1)}`
    );
}

/** Refuses inputs that a creator does not know: to leave one out in silence would make something else. */
export function refuseUnknown(what: string, inputs: object, known: readonly string[]): void {
    const unknown = Object.keys(inputs).filter((key) => !known.includes(key));
    if (unknown.length > 0) {
        const names = unknown.join(", ");
        throw new Error(`rehearse does not know ${names} of ${what}; see cli/rehearse/creators/`);
    }
}

/** Pulumi's list of labels as Docker's map. */
export function labelMap(labels: readonly { label: string; value: string }[] = []) {
    return Object.fromEntries(labels.map(({ label, value }) => [label, value]));
}
