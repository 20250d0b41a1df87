import type Docker from "dockerode";

import { LABELS } from "../../config/defaults";
import type { PulumiEngine, StateResource } from "../engine/pulumi";
import { hostContainers, type HostContainer } from "../docker/host";
import { InnerDaemon } from "../docker/inner";
import { CliError, messageOf } from "../errors";
import type { Session } from "../session";

import { inConsul, lostRegistrations } from "./mesh";
import { idsOf, removeHostStrays, removeInnerStrays } from "./strays";

/** Kinds of Docker objects a state can lose. */
const LOSABLE: Readonly<Record<string, "container" | "network" | "volume">> = {
    "docker:index/container:Container": "container",
    "docker:index/network:Network": "network",
    "docker:index/volume:Volume": "volume",
};

/** URN parts that tell the two layers apart. */
const onInner = (resource: StateResource): boolean =>
    resource.urn.includes("$mcp:inner:") || resource.urn.includes("::mcp:inner:");

async function exists(
    docker: Docker,
    kind: "container" | "network" | "volume",
    id: string,
): Promise<boolean> {
    const look = {
        container: () => docker.getContainer(id).inspect(),
        network: () => docker.getNetwork(id).inspect(),
        volume: () => docker.getVolume(id).inspect(),
    }[kind] as () => Promise<unknown>;
    return look().then(
        () => true,
        // Only "not found" is a loss: a daemon that hiccups must not empty the state.
        (error: unknown) => (error as { statusCode?: number }).statusCode !== 404,
    );
}

/** URNs of host-level resources that the state has and the daemon has not. */
async function lostOnHost(
    docker: Docker,
    resources: readonly StateResource[],
): Promise<StateResource[]> {
    const checked = await Promise.all(
        resources.map(async (resource) => {
            const kind = LOSABLE[resource.type];
            if (!kind || resource.id === undefined || onInner(resource)) return undefined;
            return (await exists(docker, kind, resource.id)) ? undefined : resource;
        }),
    );
    return checked.filter((resource) => resource !== undefined);
}

/** Inner containers and volumes that the state has and the inner daemon has not. Empty when it does not answer. */
async function lostInside(
    inner: InnerDaemon,
    resources: readonly StateResource[],
): Promise<StateResource[]> {
    const listed = await Promise.all([
        inner.run(["ps", "--all", "--no-trunc", "--format", "{{.ID}}"]),
        inner.run(["volume", "ls", "--format", "{{.Name}}"]),
        inner.run(["network", "ls", "--no-trunc", "--format", "{{.ID}}"]),
    ]).catch(() => undefined);
    if (!listed) return [];
    const known = new Set(listed.flatMap((text) => text.split("\n")));
    return resources.filter(
        (resource) =>
            LOSABLE[resource.type] &&
            onInner(resource) &&
            resource.id !== undefined &&
            !known.has(resource.id),
    );
}

/** Starts host-level containers of the stack that somebody stopped or paused, and waits until they are healthy. */
async function startStopped(
    { project, out }: Session,
    docker: Docker,
    resources: readonly StateResource[],
): Promise<void> {
    // Only what the state knows: a half-made container of a run that died is repair's, and cannot start.
    const known = new Set(resources.map((resource) => resource.id));
    const idle = (await hostContainers(docker, project.stack)).filter(
        (container) => known.has(container.id) && (isIdle(container) || isSickConsul(container)),
    );
    for (const container of idle) {
        const handle = docker.getContainer(container.id);
        const sick = isSickConsul(container);
        const found = sick ? "unhealthy" : container.state;
        out.warn(`${container.name} was ${found}; ${sick ? "restarting" : "starting"} it`);
        const start = { paused: () => handle.unpause(), exited: () => handle.start() }[
            container.state
        ];
        await (start ?? (() => handle.restart()))().catch((error: unknown) => {
            throw new CliError(`${container.name}: ${messageOf(error)}`, "run ./mcp doctor");
        });
    }
    const ids = new Set(idle.map((container) => container.id));
    const deadline = Date.now() + START_PATIENCE_MS;
    for (;;) {
        const containers = await hostContainers(docker, project.stack);
        const sick = containers.find(({ id, health }) => ids.has(id) && health !== "healthy");
        if (!sick) break;
        if (Date.now() > deadline) {
            throw new CliError(
                `${sick.name} was started again and is ${sick.health}`,
                `look at its log: docker logs --tail 20 ${sick.name}`,
            );
        }
        await new Promise((resolve) => setTimeout(resolve, 500));
    }
    await startInside(out, new InnerDaemon(docker, project.context().names.orchestrator));
}

function isIdle({ state }: HostContainer): boolean {
    return ["exited", "paused"].includes(state);
}

/** Consul makes its tokens hold at every start: one that lost them is mended by a restart. */
function isSickConsul({ component, health }: HostContainer): boolean {
    return component === "consul" && health === "unhealthy";
}

/** Starts servers inside the orchestrator that somebody stopped. */
async function startInside(out: Session["out"], inner: InnerDaemon): Promise<void> {
    const filters = [`label=${LABELS.component}=server`, "status=exited"];
    const listed = await inner
        .run(["ps", ...filters.flatMap((text) => ["--filter", text]), "--format", "{{.Names}}"])
        .catch(() => "");
    for (const server of listed.split("\n").filter((line) => line !== "")) {
        out.warn(`${server} was stopped; starting it`);
        await inner.run(["start", server]);
    }
}

/** How long a started container may take to become healthy, in milliseconds. */
const START_PATIENCE_MS = 90_000;

/**
 * Records what was lost behind the engine's back, so that the next `up` makes it again. A plain `up` trusts its
 * state and would change nothing; a refresh of everything would dial an inner daemon that may be gone.
 */
export async function recordLosses(
    { project, out }: Session,
    docker: Docker,
    engine: PulumiEngine,
    resources: readonly StateResource[],
): Promise<void> {
    const host = await lostOnHost(docker, resources);
    const inner = new InnerDaemon(docker, project.context().names.orchestrator);
    const lost = (name: string): boolean =>
        host.some((resource) => resource.urn.endsWith(`::${name}`));
    const volumeLost = lost("volumes-data");
    const consulLost = lost("consul-data");
    // With the inner daemon's volume gone, all that was in it is gone too, whatever the state says.
    const inside = volumeLost
        ? resources.filter((resource) => onInner(resource) && resource.provider)
        : await lostInside(inner, resources);
    const name = (resource: StateResource): string => resource.urn.split("::").at(-1) ?? "";
    if (host.length > 0) {
        out.warn(`lost outside this program: ${host.map(name).join(", ")}; making it again`);
        await engine.refresh(host.map((resource) => resource.urn));
    }
    if (volumeLost) {
        for (const resource of inside) await engine.forgetResource(resource.urn);
    } else if (inside.length > 0) {
        out.warn(`lost inside the orchestrator: ${inside.map(name).join(", ")}; making it again`);
        await engine.refresh(inside.map((resource) => resource.urn));
    }
    if (consulLost) {
        for (const { urn } of resources.filter(inConsul)) await engine.forgetResource(urn);
        return;
    }
    const gone = await lostRegistrations(project.context(), resources);
    if (gone.length > 0) {
        out.warn(`lost in Consul: ${gone.map(name).join(", ")}; registering it again`);
        await engine.refresh(gone.map((resource) => resource.urn));
    }
}

/**
 * Removes what an interrupted run made and could not record: a creation that is called off gives the engine no id, while
 * the daemon may have made the container all the same. Its fixed name would stop the next `up`.
 */
async function removeUnrecorded(
    { project, out }: Session,
    docker: Docker,
    resources: readonly StateResource[],
): Promise<void> {
    const known = idsOf(resources);
    const { orchestrator, postgres, consul, reporter, mainNetwork, internalNetwork } =
        project.context().names;
    const ours = new Set([orchestrator, postgres, consul, reporter, mainNetwork, internalNetwork]);
    const removed = [
        ...(await removeInnerStrays({ project }, docker, known)),
        ...(await removeHostStrays(docker, project.stack, known, (name) => ours.has(name))),
    ];
    if (removed.length > 0)
        out.warn(
            `not in the state (an interrupted run, or an adopted manifest): ${removed.join(", ")}; removed`,
        );
}

/** Puts state and daemons in line before an `up`: what was stopped runs again, what was lost is recorded. */
export async function heal(session: Session, docker: Docker, engine: PulumiEngine): Promise<void> {
    const resources = await engine.state();
    if (resources.length === 0) return;
    await removeUnrecorded(session, docker, resources);
    await startStopped(session, docker, resources);
    await recordLosses(session, docker, engine, resources);
}
