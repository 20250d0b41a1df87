/** Makes, restarts and removes servers. Each container has one operation at a time. */
import { serverContainer, type ServerStack } from "../../../../config/server-container.ts";
import { MANAGED_BY, MAX_STOP_GRACE_SECONDS } from "../../../../config/defaults.ts";
import { pause } from "../../../reporter/src/deadline.ts";
import { ApiError } from "../api/errors.ts";
import { MOST_OPERATIONS, type Daemon } from "../daemon/daemon.ts";
import { DaemonError, troubleOf } from "../daemon/errors.ts";
import { originOf } from "../fleet/labels.ts";
import type { Sampler } from "../fleet/sampler.ts";
import type { ContainerView } from "../model.ts";
import { containerBody } from "./container-body.ts";
import { ensureImage } from "./image.ts";
import type { ReceivedManifest } from "./manifest-text.ts";
import { refuseWithoutRoom, type OrchestratorLimits, type Reserved } from "./room.ts";

/** How a container came out of an operation. */
export interface Outcome {
    readonly name: string;
    readonly state: string;
    /** Docker's health at the end. */
    readonly health: ContainerView["health"];
    /** Time until it was healthy, or until waiting ended. */
    readonly seconds: number;
}

/** What an operation may take beyond the stop grace, in milliseconds. */
const SPARE_MS = 5_000;
const START_MS = 20_000;
/** Looking for what is half made, and removing it: the caller waits for it with an error in hand. */
const FIND_MS = 2_000;
const UNDO_MS = 10_000;
const POLL_MS = 300;

export interface LifecycleOptions {
    readonly daemon: Daemon;
    readonly fleet: Sampler;
    readonly stack: ServerStack;
    readonly orchestrator: OrchestratorLimits;
    /** Images that `spec.build` may name, to content ids. */
    readonly images: ReadonlyMap<string, string>;
    /** Ends the waiting when the manager stops. */
    readonly signal: AbortSignal;
}

export class Lifecycle {
    readonly #options: LifecycleOptions;
    readonly #busy = new Set<string>();
    /** Servers that are being made: the snapshot does not have them yet. */
    readonly #making = new Map<string, Reserved>();
    #operations = 0;

    constructor(options: LifecycleOptions) {
        this.#options = options;
    }

    /** Names that a manifest may give under `spec.build`. */
    get imageNames(): ReadonlySet<string> {
        return new Set(this.#options.images.keys());
    }

    /**
     * Makes a server and starts it; what is half made when it fails is removed.
     *
     * @param waitSeconds longest wait until it is healthy; it stays when it is not
     * @throws ApiError 409 when name or port are taken or there is no room, 422 or 502 for its image; DaemonError
     */
    async create({ manifest, text }: ReceivedManifest, waitSeconds: number): Promise<Outcome> {
        const { daemon, fleet, orchestrator, stack } = this.#options;
        const container = serverContainer(stack, manifest, MANAGED_BY.manager);
        const name = container.containerName;
        return this.#alone(name, async () => {
            const { containers } = fleet.snapshot;
            this.#refuseTaken(name, manifest.port);
            refuseWithoutRoom(container, orchestrator, containers, this.#making);
            // Without a pause since the checks: nobody else can have passed them.
            this.#making.set(name, { memoryMb: container.memoryMb, port: manifest.port });
            const id = await this.#admitted(async () => {
                const image = await this.#image(manifest.source);
                const query = { _query: { name }, _body: containerBody(container, image, text) };
                let made: string | undefined;
                try {
                    made = await daemon.call(
                        async (docker, abort) =>
                            (await docker.createContainer({ ...query, ...abort })).id,
                    );
                    await this.#start(made);
                    return made;
                } catch (error) {
                    await this.#undo(name, made, error);
                    throw error;
                }
            });
            return this.#untilHealthy(name, id, waitSeconds);
        });
    }

    /**
     * Restarts a container with its own stop grace.
     *
     * @throws ApiError 404 or 409; DaemonError
     */
    async restart(name: string, waitSeconds: number): Promise<Outcome> {
        const { daemon, fleet } = this.#options;
        const view = this.#server(name, "restart it with: ./mcp restart");
        return this.#alone(name, async () => {
            await this.#admitted(async () => {
                const limitMs = await this.#stopLimitMs(view.id);
                fleet.note("restart-asked", name);
                await daemon.call(
                    (docker, abort) => docker.getContainer(view.id).restart(abort).catch(alreadySo),
                    limitMs,
                    "operations",
                );
            });
            return this.#untilHealthy(name, view.id, waitSeconds);
        });
    }

    /**
     * Removes a server that was made through the API, its anonymous volumes included.
     *
     * @throws ApiError 404, or 409 for any other container; DaemonError
     */
    async remove(name: string): Promise<void> {
        const { daemon } = this.#options;
        const view = this.#server(name, "it goes with the stack: ./mcp down");
        if (view.origin === "manifest") {
            const file = view.manifestFile ?? "its manifest";
            throw new ApiError(409, "managed-by-pulumi", `${name} is described in ${file}`, {
                remedy: `remove ${file}, then run: ./mcp up`,
            });
        }
        const work = async (): Promise<void> => {
            const limitMs = await this.#stopLimitMs(view.id);
            await daemon.call(
                (docker, abort) => docker.getContainer(view.id).stop(abort).catch(alreadySo),
                limitMs,
                "operations",
            );
            await this.#removeForce(view.id, MAX_STOP_GRACE_SECONDS * 1000);
        };
        await this.#alone(name, () => this.#admitted(work));
    }

    /** A server that operations may touch. */
    #server(name: string, remedy: string): ContainerView {
        const view = this.#options.fleet.snapshot.containers.find((one) => one.name === name);
        if (!view) throw ApiError.noContainer(name);
        if (view.origin === "manifest" || view.origin === "api") return view;
        const what = view.origin === "system" ? "a part of the system" : "no server of this stack";
        throw new ApiError(409, "not-a-server", `${name} is ${what}`, {
            remedy: view.origin === "system" ? remedy : "see POST /cleanup",
        });
    }

    #refuseTaken(name: string, port: number): void {
        const { containers } = this.#options.fleet.snapshot;
        const making = [...this.#making].map(([made, reserved]) => ({ ...reserved, name: made }));
        for (const view of [...containers, ...making]) {
            if (view.name === name) {
                throw new ApiError(409, "name-taken", `there is a container ${name} already`, {
                    remedy: "choose another metadata.name, or remove that container first",
                });
            }
            if (view.port === port) {
                throw new ApiError(409, "port-taken", `port ${port} belongs to ${view.name}`, {
                    remedy: "choose another spec.port",
                });
            }
        }
    }

    async #image(source: ReceivedManifest["manifest"]["source"]): Promise<string> {
        const { daemon, images } = this.#options;
        if (source.kind === "build") return images.get(source.image) ?? source.image;
        await ensureImage(daemon, source.ref);
        return source.ref;
    }

    async #start(id: string): Promise<void> {
        await this.#options.daemon.call(
            (docker, abort) => docker.getContainer(id).start(abort).catch(alreadySo),
            START_MS,
            "operations",
        );
    }

    /** Asking tells a frozen daemon within the limit of a short call, which a stop itself may not have. */
    async #stopLimitMs(id: string): Promise<number> {
        const { Config: config } = await this.#options.daemon.call((docker, abort) =>
            docker.getContainer(id).inspect(abort),
        );
        const { StopTimeout: seconds } = config as { StopTimeout?: number };
        return Math.min(seconds ?? 10, MAX_STOP_GRACE_SECONDS) * 1000 + SPARE_MS;
    }

    /**
     * Removes what a failed creation has left. The daemon may have made it although its answer did not come; what it
     * makes only later is listed by `POST /cleanup`. Never throws: the first error is the one to tell.
     *
     * @param id undefined when there was no answer to the creation
     */
    async #undo(name: string, id: string | undefined, cause: unknown): Promise<void> {
        const trouble = troubleOf(cause);
        // Not sent, or the name is somebody else's.
        if (id === undefined && (trouble === "busy" || trouble === "conflict")) return;
        try {
            const left = id ?? (await this.#findCreated(name));
            if (left === undefined) return;
            await this.#removeForce(left, UNDO_MS);
            await this.#options.fleet.refresh();
        } catch {
            // Then it stays, and can be removed like any server that the API made.
        }
    }

    async #findCreated(name: string): Promise<string | undefined> {
        const all = await this.#options.daemon.call(
            (docker, abort) => docker.listContainers({ all: true, ...abort }),
            FIND_MS,
        );
        return all.find(
            ({ Names, Labels, State }) =>
                Names.includes(`/${name}`) && originOf(Labels) === "api" && State === "created",
        )?.Id;
    }

    async #untilHealthy(name: string, id: string, waitSeconds: number): Promise<Outcome> {
        const { daemon, signal } = this.#options;
        const begun = performance.now();
        for (;;) {
            const { State: state } = await daemon.call((docker, abort) =>
                docker.getContainer(id).inspect(abort),
            );
            const seconds = Math.round((performance.now() - begun) / 100) / 10;
            const health = (state.Health?.Status ?? "none") as Outcome["health"];
            const decided = state.Running && (health === "healthy" || health === "none");
            if (decided || seconds >= waitSeconds || signal.aborted) {
                return { name, state: state.Status, health, seconds };
            }
            await pause(POLL_MS, signal);
        }
    }

    async #removeForce(id: string, limitMs: number): Promise<void> {
        await this.#options.daemon.call(
            (docker, abort) => docker.getContainer(id).remove({ force: true, v: true, ...abort }),
            limitMs,
            "operations",
        );
    }

    async #alone<T>(name: string, work: () => Promise<T>): Promise<T> {
        const { fleet } = this.#options;
        if (this.#busy.has(name)) {
            throw new ApiError(409, "busy", `another operation on ${name} is under way`, {
                remedy: "wait until it has ended",
            });
        }
        this.#busy.add(name);
        try {
            const result = await work();
            // So that whoever asks next sees what was done.
            await fleet.refresh();
            return result;
        } catch (error) {
            void fleet.refresh();
            throw error;
        } finally {
            this.#busy.delete(name);
            this.#making.delete(name);
        }
    }

    /** The part of an operation that keeps the daemon at work, for so many at once. */
    async #admitted<T>(work: () => Promise<T>): Promise<T> {
        if (this.#operations >= MOST_OPERATIONS) {
            throw new DaemonError("busy", `${this.#operations} operations are under way already`);
        }
        this.#operations++;
        try {
            return await work();
        } finally {
            this.#operations--;
        }
    }
}

/** Docker's 304: it was started or stopped already, which is what was asked for. */
function alreadySo(error: unknown): void {
    if ((error as { statusCode?: unknown }).statusCode !== 304) throw error;
}
