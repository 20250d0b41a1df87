import { createInterface } from "node:readline";

import type Docker from "dockerode";

import { hostDocker } from "../cli/docker/host";
import { packContext } from "../cli/rehearse/creators/image";

import { HealthWatch, innerDocker } from "./daemon";
import type { ContainerPlan, ImagePlan, LayerPlan, Plan } from "./plan";

/** Containers a daemon makes at a time: more only makes it wait for itself. */
const AT_A_TIME = 8;

/** When each part of a bring-up was done, in seconds from its start. */
export type Phases = Record<string, number>;

/**
 * The same things made by nothing but the Docker API: what no tool that makes them can undercut by much. It keeps the
 * program's order where one thing needs another and does everything else at the same time.
 */
export class Floor {
    private readonly host = hostDocker();

    constructor(
        private readonly plan: Plan,
        /** Name of the container whose daemon is the inner one. */
        private readonly orchestrator: string,
        private readonly signal: AbortSignal,
    ) {}

    /** From nothing to every container healthy. */
    async up(): Promise<Phases> {
        const begun = Date.now();
        const phases: Phases = {};
        const done = (phase: string): void => {
            phases[phase] = (Date.now() - begun) / 1000;
        };
        const watch = await HealthWatch.open(this.host);
        const { host } = this.plan;
        try {
            await this.grounds(this.host, host);
            done("host networks and volumes");
            const others = host.containers.filter((one) => one.name !== this.orchestrator);
            await Promise.all([
                ...others.map((one) => this.container(this.host, one, watch)),
                ...host.containers
                    .filter((one) => one.name === this.orchestrator)
                    .map(async (one) => {
                        await this.container(this.host, one, watch);
                        done("orchestrator healthy");
                        await this.inside(done);
                    }),
            ]);
        } finally {
            watch.close();
        }
        return phases;
    }

    /** One inner container stopped, removed, and made again with another environment, until it is healthy. */
    async change(name: string, variable: string): Promise<void> {
        const docker = innerDocker(this.plan.connection);
        const plan = this.plan.inner.containers.find((one) => one.name === name);
        if (!plan) throw new Error(`bench: no container ${name}`);
        const watch = await HealthWatch.open(docker);
        try {
            await this.remove(docker, plan);
            const body = { ...plan.body, Env: [...(plan.body.Env ?? []), variable] };
            await this.container(docker, { ...plan, body }, watch);
        } finally {
            watch.close();
        }
    }

    /** Everything on the host stopped in order and removed; what is inside goes with its volume. */
    async down(): Promise<void> {
        const { containers, networks, volumes } = this.plan.host;
        await Promise.all(containers.map((one) => this.remove(this.host, one)));
        await Promise.all([
            ...networks.map((one) => this.host.getNetwork(one.Name).remove() as Promise<unknown>),
            ...volumes.map(
                (one) => this.host.getVolume(one.Name ?? "").remove() as Promise<unknown>,
            ),
        ]);
    }

    private async inside(done: (phase: string) => void): Promise<void> {
        const docker = innerDocker(this.plan.connection);
        const watch = await HealthWatch.open(docker);
        const { inner } = this.plan;
        try {
            const grounds = this.grounds(docker, inner);
            const images = this.images(docker, inner.images);
            void Promise.all([...images.values()]).then(
                () => {
                    done("inner images");
                },
                () => undefined,
            );
            const ready = async (plan: ContainerPlan): Promise<void> => {
                await grounds;
                await images.get(plan.body.Image ?? "");
            };
            // Containers that only carry files go before those that mount the same volume.
            const carriers = inner.containers.filter((one) => !one.start);
            const carried = new Map(
                carriers.map((one) => [
                    one,
                    ready(one).then(() => this.container(docker, one, watch)),
                ]),
            );
            const limit = limited(AT_A_TIME);
            await Promise.all([
                ...carried.values(),
                ...inner.containers
                    .filter((one) => one.start)
                    .map(async (one) => {
                        await ready(one);
                        for (const [carrier, finished] of carried) {
                            if (carrier.volumes.some((name) => one.volumes.includes(name))) {
                                await finished;
                            }
                        }
                        await limit(() => this.container(docker, one, watch));
                    }),
            ]);
            done("servers healthy");
        } finally {
            watch.close();
        }
    }

    private async grounds(docker: Docker, layer: LayerPlan): Promise<void> {
        this.signal.throwIfAborted();
        await Promise.all([
            ...layer.networks.map((one) => docker.createNetwork(one)),
            ...layer.volumes.map((one) => docker.createVolume(one)),
        ]);
    }

    /** Starts every build as soon as its parent is there; the promise of each by its tag. */
    private images(docker: Docker, plans: readonly ImagePlan[]): Map<string, Promise<void>> {
        const building = new Map<string, Promise<void>>();
        for (const plan of plans) {
            const parents = Object.values(plan.buildArgs).flatMap((tag) => building.get(tag) ?? []);
            building.set(
                plan.tag,
                Promise.all(parents).then(() => this.build(docker, plan)),
            );
        }
        return building;
    }

    private async build(docker: Docker, plan: ImagePlan): Promise<void> {
        this.signal.throwIfAborted();
        const stream = await docker.buildImage(packContext(plan.context, "Dockerfile"), {
            t: plan.tag,
            buildargs: { ...plan.buildArgs },
            forcerm: true,
        });
        for await (const line of createInterface({ input: stream })) {
            const { error } = JSON.parse(line || "{}") as { error?: string };
            if (error !== undefined) throw new Error(`bench: build of ${plan.tag}: ${error}`);
        }
    }

    private async container(
        docker: Docker,
        plan: ContainerPlan,
        watch: HealthWatch,
    ): Promise<void> {
        this.signal.throwIfAborted();
        const container = await docker.createContainer(plan.body);
        for (const { network, endpoint } of plan.connect) {
            await docker
                .getNetwork(network)
                .connect({ Container: container.id, EndpointConfig: endpoint });
        }
        if (plan.archive) await container.putArchive(plan.archive, { path: "/" });
        if (plan.start) await container.start();
        if (plan.start && plan.wait) await watch.until(container.id);
    }

    private async remove(docker: Docker, plan: ContainerPlan): Promise<void> {
        this.signal.throwIfAborted();
        const container = docker.getContainer(plan.name);
        await container.stop({ t: plan.stopSeconds });
        await container.remove({ force: true, v: true });
    }
}

/** Runs at most so many at a time, in the order they came. */
function limited(size: number): <T>(work: () => Promise<T>) => Promise<T> {
    let running = 0;
    const queue: (() => void)[] = [];
    return async (work) => {
        if (running >= size) await new Promise<void>((resolve) => queue.push(resolve));
        else running += 1;
        try {
            return await work();
        } finally {
            const next = queue.shift();
            if (next) next();
            else running -= 1;
        }
    };
}
