import type { ServerManifest } from "../../config/manifest";
import { LABELS, MANAGED_BY } from "../../config/defaults";
import { answeringDocker } from "../docker/host";
import { InnerDaemon, type InnerContainer } from "../docker/inner";
import { askContainers, type ManagedContainer } from "../manager/answers";
import { managerOr } from "../manager/direct";
import type { Session } from "../session";

/** One server, as its manifest wants it and as it runs. `undefined`: not known. */
export interface ServerRow {
    readonly server: string;
    /** Who made it: a manifest by `up`, or the manager's API. */
    readonly origin: "manifest" | "api";
    readonly port: number | undefined;
    readonly state: string;
    /** Whether it runs as the manifest says; `missing`: there is no manifest (any more). */
    readonly manifest: "current" | "changed" | "missing" | "-";
    readonly tools: number | undefined;
    readonly memoryBytes: number | undefined;
    readonly memoryLimitBytes: number | undefined;
    readonly cpus: number | undefined;
    readonly restarts: number | undefined;
    readonly image: string;
    readonly egress: string;
}

/** What is known of a container that runs. */
interface Running {
    readonly row: Omit<ServerRow, "manifest">;
    readonly hash: string | undefined;
}

/** The servers of manifests and of the inner daemon: from the manager, or without it from Docker itself. */
export async function serverRows(session: Session): Promise<ServerRow[]> {
    const running = await managerOr(
        session,
        "read",
        async (manager) =>
            (await askContainers(manager)).filter(isServer).map((container) => managed(container)),
        async () => {
            const docker = await answeringDocker(session.project.dir, session.out);
            const orchestrator = session.project.context().names.orchestrator;
            const containers = await new InnerDaemon(docker, orchestrator)
                .containers()
                .catch(() => []);
            return containers.filter(isServer).map((container) => direct(container));
        },
    );
    return joined(session.project.manifests(), running);
}

const isServer = ({ component }: { readonly component: string }): boolean => component === "server";

function managed(container: ManagedContainer): Running {
    const { name, origin, health, state, mcp, usage, limits } = container;
    const row = {
        server: name,
        origin: origin === "api" ? ("api" as const) : ("manifest" as const),
        port: container.port,
        state: health === "none" || state !== "running" ? state : health,
        tools: mcp?.up === true ? mcp.tools.length : undefined,
        memoryBytes: usage?.memoryBytes,
        memoryLimitBytes: limits.memoryBytes,
        cpus: usage?.cpus,
        restarts: container.restarts,
        image: container.image,
        egress: container.egress.join(" ") || "none",
    };
    return { row, hash: container.manifestHash };
}

function direct({ name, health, labels }: InnerContainer): Running {
    const row = {
        ...unknown(name, health),
        origin: labels[LABELS.managedBy] === MANAGED_BY.manager ? ("api" as const) : "manifest",
        egress: labels[LABELS.egress] ?? "-",
    } as const;
    return { row, hash: labels[LABELS.manifestHash] };
}

/** A row of which nothing but name and state is known. */
function unknown(server: string, state: string): Omit<ServerRow, "manifest"> {
    return {
        ...{ server, origin: "manifest", state, port: undefined, tools: undefined },
        ...{ memoryBytes: undefined, memoryLimitBytes: undefined, cpus: undefined },
        ...{ restarts: undefined, image: "-", egress: "-" },
    };
}

function joined(manifests: readonly ServerManifest[], running: readonly Running[]): ServerRow[] {
    const wanted = manifests.map((manifest): ServerRow => {
        const { name, port, source, egress, hash } = manifest;
        const found = running.find(({ row }) => row.server === name);
        return {
            ...(found?.row ?? unknown(name, "not deployed")),
            port,
            image: source.kind === "build" ? `images/${source.image}` : source.ref,
            egress: egress.join(" ") || "none",
            manifest: !found || found.hash === hash ? "current" : "changed",
        };
    });
    const unwanted = running
        .filter(({ row }) => !manifests.some(({ name }) => name === row.server))
        .map(({ row }): ServerRow => ({
            ...row,
            manifest: row.origin === "api" ? "-" : "missing",
        }));
    return [...wanted, ...unwanted];
}
