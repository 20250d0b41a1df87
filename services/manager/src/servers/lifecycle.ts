/** Makes, restarts and removes servers. Each container has one operation at a time. */
import type Docker from "dockerode";

import { serverContainer, type ServerStack } from "../../../../config/server-container.ts";
import { MANAGED_BY, MAX_STOP_GRACE_SECONDS } from "../../../../config/defaults.ts";
import { pause } from "../../../reporter/src/deadline.ts";
import { ApiError } from "../api/errors.ts";
import type { Daemon } from "../daemon/daemon.ts";
import { classify } from "../daemon/errors.ts";
import type { Sampler } from "../fleet/sampler.ts";
import type { ContainerView } from "../model.ts";
import { containerBody } from "./container-body.ts";
import type { ReceivedManifest } from "./manifest-text.ts";

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
const PULL_MS = 120_000;
const POLL_MS = 300;

export interface LifecycleOptions {
    readonly daemon: Daemon;
    readonly fleet: Sampler;
    readonly stack: ServerStack;
    /** Images that `spec.build` may name, to content ids. */
    readonly images: ReadonlyMap<string, string>;
    /** Ends the waiting when the manager stops. */
    readonly signal: AbortSignal;
}

export class Lifecycle {
    readonly #options: LifecycleOptions;
    readonly #busy = new Set<string>();

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
     * @throws ApiError 409 when name or port are taken; DaemonError
     */
    async create({ manifest, text }: ReceivedManifest, waitSeconds: number): Promise<Outcome> {
        const { daemon, stack } = this.#options;
        const container = serverContainer(stack, manifest, MANAGED_BY.manager);
        return this.#alone(container.containerName, async () => {
            this.#refuseTaken(container.containerName, manifest.port);
            const image = await this.#image(manifest.source);
            const body = containerBody(container, image, text);
            const query = { _query: { name: container.containerName }, _body: body };
            const { id } = await daemon.call((docker, abort) =>
                docker.createContainer({ ...query, ...abort }),
            );
            try {
                await daemon.call((docker, abort) => docker.getContainer(id).start(abort), 20_000);
            } catch (error) {
                await this.#removeForce(id);
                throw error;
            }
            return this.#untilHealthy(container.containerName, id, waitSeconds);
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
            // Tells a frozen daemon within the limit of a call, which the restart itself may not have.
            const { Config } = await daemon.call((docker, abort) =>
                docker.getContainer(view.id).inspect(abort),
            );
            fleet.note("restart-asked", name);
            await daemon.call(
                (docker, abort) => docker.getContainer(view.id).restart(abort),
                graceMs(Config) + SPARE_MS,
            );
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
        await this.#alone(name, async () => {
            const { Config } = await daemon.call((docker, abort) =>
                docker.getContainer(view.id).inspect(abort),
            );
            await daemon.call(
                (docker, abort) => docker.getContainer(view.id).stop(abort),
                graceMs(Config) + SPARE_MS,
            );
            await this.#removeForce(view.id);
        });
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
        for (const view of this.#options.fleet.snapshot.containers) {
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
        const { ref } = source;
        try {
            await daemon.call((docker) => docker.getImage(ref).inspect());
        } catch (error) {
            if (classify(error).trouble !== "not-found") throw error;
            await daemon.call((docker, abort) => pull(docker, ref, abort.abortSignal), PULL_MS);
        }
        return ref;
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

    async #removeForce(id: string): Promise<void> {
        await this.#options.daemon.call(
            (docker, abort) => docker.getContainer(id).remove({ force: true, v: true, ...abort }),
            MAX_STOP_GRACE_SECONDS * 1000,
        );
    }

    async #alone<T>(name: string, work: () => Promise<T>): Promise<T> {
        if (this.#busy.has(name)) {
            throw new ApiError(409, "busy", `another operation on ${name} is under way`, {
                remedy: "wait until it has ended",
            });
        }
        this.#busy.add(name);
        try {
            const result = await work();
            // So that whoever asks next sees what was done.
            await this.#options.fleet.refresh();
            return result;
        } finally {
            this.#busy.delete(name);
        }
    }
}

function graceMs(config: object): number {
    const { StopTimeout: seconds } = config as { StopTimeout?: number };
    return Math.min(seconds ?? 10, MAX_STOP_GRACE_SECONDS) * 1000;
}

async function pull(docker: Docker, ref: string, signal: AbortSignal): Promise<void> {
    const stream = await docker.pull(ref, { abortSignal: signal });
    await new Promise<void>((resolve, reject) => {
        // A pull that fails says so in its progress, not in its status.
        docker.modem.followProgress(stream, (error) => (error ? reject(error) : resolve()));
    });
}
