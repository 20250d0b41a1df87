/** Finds and removes what nobody of the stack has made on the inner daemon. */
import { LABELS } from "../../../../config/defaults.ts";
import type { Daemon } from "../daemon/daemon.ts";
import { DaemonError } from "../daemon/errors.ts";
import { originOf } from "../fleet/labels.ts";

/** One thing that is left over. */
export interface Leftover {
    readonly kind: "container" | "volume" | "network";
    readonly name: string;
    readonly why: string;
    /** Undefined in a dry run. */
    readonly removed: boolean | undefined;
    /** Why it could not be removed. */
    readonly problem: string | undefined;
}

/** Name of a volume that nobody has named. */
const UNNAMED = /^[0-9a-f]{64}$/;
const BUILT_IN = new Set(["bridge", "host", "none"]);
const REMOVE_MS = 20_000;
/** No creation takes longer from the making of a container to its start, in milliseconds. */
const UNSTARTED_MS = 60_000;

interface Found {
    readonly kind: Leftover["kind"];
    readonly id: string;
    readonly name: string;
    readonly why: string;
    /** Remove it even while it runs. */
    readonly force: boolean;
}

/**
 * Lists what is left over and removes it unless `dryRun`: containers without an owner, running ones included, those of
 * this API that were never started, unnamed volumes that no container uses, and networks without an owner and without
 * containers. What else Pulumi or this API has made, carriers of secrets included, is never touched, nor any volume
 * with a name.
 *
 * @throws DaemonError when it cannot be listed; what cannot be removed is told at its place
 */
export async function cleanUp(daemon: Daemon, dryRun: boolean): Promise<Leftover[]> {
    const found = [
        ...(await strayContainers(daemon)),
        ...(await strayVolumes(daemon)),
        ...(await strayNetworks(daemon)),
    ];
    const done: Leftover[] = [];
    for (const one of found) {
        const { kind, name, why } = one;
        const problem = dryRun ? undefined : await remove(daemon, one);
        const removed = dryRun ? undefined : problem === undefined;
        done.push({ kind, name, why, removed, problem });
    }
    return done;
}

async function strayContainers(daemon: Daemon): Promise<Found[]> {
    const all = await daemon.call((docker, abort) =>
        docker.listContainers({ all: true, ...abort }),
    );
    return all.flatMap<Found>(({ Id, Names, Labels, State, Created }) => {
        const found = {
            kind: "container",
            id: Id,
            name: (Names[0] ?? Id).replace(/^\//, ""),
        } as const;
        const origin = originOf(Labels);
        if (origin === "foreign") {
            return [{ ...found, why: `no owner's labels; ${State}`, force: true }];
        }
        const unstarted = State === "created" && Date.now() - Created * 1000 > UNSTARTED_MS;
        // Without force: if someone starts it at this moment, Docker refuses.
        return origin === "api" && unstarted
            ? [{ ...found, why: "made through the API and never started", force: false }]
            : [];
    });
}

async function strayVolumes(daemon: Daemon): Promise<Found[]> {
    const { Volumes: volumes } = await daemon.call((docker, abort) =>
        docker.listVolumes({ filters: { dangling: ["true"] }, ...abort }),
    );
    return (volumes ?? [])
        .filter(({ Name, Labels }) => UNNAMED.test(Name) && Labels?.[LABELS.managed] !== "true")
        .map(({ Name }) => ({
            kind: "volume",
            id: Name,
            name: Name,
            why: "unnamed, and no container uses it",
            force: false,
        }));
}

async function strayNetworks(daemon: Daemon): Promise<Found[]> {
    const all = await daemon.call((docker, abort) =>
        docker.listNetworks({ filters: { dangling: ["true"] }, ...abort }),
    );
    return all
        .filter(({ Name, Labels }) => !BUILT_IN.has(Name) && Labels?.[LABELS.managed] !== "true")
        .map(({ Id, Name }) => ({
            kind: "network",
            id: Id,
            name: Name,
            why: "no owner's labels, and no container uses it",
            force: false,
        }));
}

/** Why it could not be removed; undefined when it is gone. */
async function remove(
    daemon: Daemon,
    { kind, id, force }: Pick<Found, "kind" | "id" | "force">,
): Promise<string | undefined> {
    try {
        await daemon.call(
            (docker, abort): Promise<unknown> => {
                if (kind === "volume") return docker.getVolume(id).remove(abort);
                if (kind === "network") return docker.getNetwork(id).remove(abort);
                return docker.getContainer(id).remove({ force, v: true, ...abort });
            },
            REMOVE_MS,
            "operations",
        );
        return undefined;
    } catch (error) {
        if (!(error instanceof DaemonError)) throw error;
        return error.trouble === "not-found" ? undefined : error.message;
    }
}
