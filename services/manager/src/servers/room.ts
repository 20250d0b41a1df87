/** Whether one more server fits into the orchestrator. */
import { ApiError } from "../api/errors.ts";
import type { ContainerView } from "../model.ts";

/** Limits of the orchestrator's container, and with them of all containers in it together. */
export interface OrchestratorLimits {
    readonly cpus: number;
    readonly memoryMb: number;
}

/** What a server asks for. */
export interface Wanted {
    readonly cpus: number;
    readonly memoryMb: number;
}

/** What a server has from the moment on that it is being made. */
export interface Reserved {
    readonly memoryMb: number;
    /** Where it is reached from outside. */
    readonly port: number;
}

/** Memory the daemon itself needs. */
const OWN_MEMORY_MB = 512;
/** Servers made through the API: each is sampled, asked and logged. */
export const MOST_API_SERVERS = 50;
const MIB = 1024 * 1024;

const REMEDY = "lower spec.resources, remove a server, or give the orchestrator more: ./mcp up";

/**
 * Refuses what would not fit beside what is there; containers that do not run count, since they may be started.
 *
 * @param making servers that are being made, by name; the snapshot may not have them yet
 * @throws ApiError 409
 */
export function refuseWithoutRoom(
    { cpus, memoryMb }: Wanted,
    orchestrator: OrchestratorLimits,
    containers: readonly ContainerView[],
    making: ReadonlyMap<string, Reserved>,
): void {
    if (cpus > orchestrator.cpus) {
        throw new ApiError(
            409,
            "too-many-cpus",
            `spec.resources.cpus is ${cpus}, the orchestrator has ${orchestrator.cpus}`,
            { remedy: REMEDY },
        );
    }
    const known = new Set(containers.map(({ name }) => name));
    const unseen = [...making].filter(([name]) => !known.has(name));
    const servers = containers.filter(({ origin }) => origin === "api").length + unseen.length;
    if (servers >= MOST_API_SERVERS) {
        throw new ApiError(409, "too-many-servers", `the API has made ${servers} servers already`, {
            remedy: "remove one, or put manifests into manifests/ and run ./mcp up",
        });
    }
    const seenMb = containers.reduce((sum, { limits }) => sum + limits.memoryBytes / MIB, 0);
    const takenMb = Math.ceil(
        unseen.reduce((sum, [, unseenOne]) => sum + unseenOne.memoryMb, seenMb),
    );
    const wholeMb = orchestrator.memoryMb - OWN_MEMORY_MB;
    if (takenMb + memoryMb <= wholeMb) return;
    throw new ApiError(
        409,
        "no-memory-left",
        `spec.resources.memory is ${memoryMb} MiB; ${takenMb} of ${wholeMb} MiB are given away ` +
            `(the orchestrator's ${orchestrator.memoryMb} without ${OWN_MEMORY_MB} for the daemon)`,
        { remedy: REMEDY },
    );
}
