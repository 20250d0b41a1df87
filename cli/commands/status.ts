import type { ServerManifest } from "../../config/manifest";
import { LABELS } from "../../config/defaults";
import { answeringDocker, hostContainers, type HostContainer } from "../docker/host";
import { InnerDaemon, type InnerContainer } from "../docker/inner";
import { CliError, messageOf } from "../errors";
import { health, table } from "../output";
import { daysUntil } from "../preflight/certificates";
import type { Session } from "../session";
import { checkEndpoints, type CheckedEndpoint } from "../stack/endpoints";
import { meshLine, meshStates } from "../stack/mesh";

/** One server, as its manifest wants it and as it runs. */
interface ServerRow {
    readonly server: string;
    readonly port: number | undefined;
    readonly state: string;
    readonly manifest: "current" | "changed" | "missing";
    readonly image: string;
    readonly egress: string;
}

function rows(
    manifests: readonly ServerManifest[],
    running: readonly InnerContainer[],
): ServerRow[] {
    const servers = running.filter((container) => container.component === "server");
    const wanted = manifests.map((manifest): ServerRow => {
        const container = servers.find((candidate) => candidate.name === manifest.name);
        const current = container?.labels[LABELS.manifestHash] === manifest.hash;
        return {
            server: manifest.name,
            port: manifest.port,
            state: container?.health ?? "not deployed",
            manifest: !container || current ? "current" : "changed",
            image:
                manifest.source.kind === "build"
                    ? `images/${manifest.source.image}`
                    : manifest.source.ref,
            egress: manifest.egress.join(" ") || "none",
        };
    });
    const unwanted = servers
        .filter((container) => !manifests.some((manifest) => manifest.name === container.name))
        .map((container): ServerRow => ({
            server: container.name,
            port: undefined,
            state: container.health,
            manifest: "missing",
            image: "-",
            egress: container.labels[LABELS.egress] ?? "-",
        }));
    return [...wanted, ...unwanted];
}

/** `./mcp list`: servers by manifest and by what runs. */
export async function list({ project, out }: Session): Promise<void> {
    const manifests = project.manifests();
    const docker = await answeringDocker(project.dir, out);
    const inner = new InnerDaemon(docker, project.context().names.orchestrator);
    const servers = rows(manifests, await inner.containers().catch(() => []));
    out.result({ servers }, () =>
        table(
            ["SERVER", "PORT", "STATE", "MANIFEST", "IMAGE", "EGRESS"],
            servers.map((row) => [
                row.server,
                String(row.port ?? "-"),
                health(row.state),
                row.manifest,
                row.image,
                row.egress,
            ]),
        ),
    );
}

/** `./mcp status`: the whole stack, each endpoint asked; fails unless all is healthy. */
export async function status({ project, out }: Session): Promise<void> {
    const context = project.context();
    const manifests = project.manifests();
    const docker = await answeringDocker(project.dir, out);
    const containers = await hostContainers(docker, project.stack);
    if (containers.length === 0) {
        out.result(
            { stack: project.stack, running: false },
            () => `stack ${project.stack} is down`,
        );
        throw new CliError(`stack ${project.stack} is not running`, "run ./mcp up");
    }
    const inner = new InnerDaemon(docker, context.names.orchestrator);
    const [endpoints, end, running, consul] = await Promise.all([
        checkEndpoints(context, manifests, 0),
        inner.certificateEnd(),
        inner.containers().catch((error: unknown) => {
            out.warn(messageOf(error));
            return [];
        }),
        meshStates(context, manifests, 0),
    ]);
    const certificates = end ? { end: end.toISOString(), days: daysUntil(end) } : undefined;
    const servers = rows(manifests, running);
    const data = {
        stack: project.stack,
        running: true,
        containers,
        servers,
        endpoints,
        consul,
        certificates,
    };
    const mesh = meshLine(consul);
    out.result(data, () => statusText(containers, servers, endpoints, mesh, certificates));
    demandAllHealthy(containers, endpoints);
}

function statusText(
    containers: readonly HostContainer[],
    servers: readonly ServerRow[],
    endpoints: readonly CheckedEndpoint[],
    mesh: string,
    certificates: { readonly end: string; readonly days: number } | undefined,
): string {
    const host = table(
        ["CONTAINER", "STATE"],
        containers.map((container) => [container.name, health(container.health)]),
    );
    const inner = table(
        ["SERVER", "STATE", "MANIFEST", "ENDPOINT", "ANSWERS", "TOOLS"],
        servers.map((row) => {
            const endpoint = endpoints.find((candidate) => candidate.server === row.server);
            return [
                row.server,
                health(row.state),
                row.manifest,
                endpoint?.url ?? "-",
                endpoint ? health(endpoint.state) : "-",
                String(endpoint?.tools ?? "-"),
            ];
        }),
    );
    const expiry = certificates
        ? `certificates end on ${certificates.end.slice(0, 10)}, in ${String(certificates.days)} days`
        : "certificates: unknown (the orchestrator does not answer)";
    return `${host}\n\n${inner}\n\n${mesh}\n${expiry}`;
}

function demandAllHealthy(
    containers: readonly HostContainer[],
    endpoints: readonly CheckedEndpoint[],
): void {
    const sick = [
        ...containers
            .filter((container) => container.health !== "healthy")
            .map((container) => container.name),
        ...endpoints
            .filter((endpoint) => endpoint.state === "unhealthy")
            .map((endpoint) => endpoint.server),
    ];
    if (sick.length > 0)
        throw new CliError(
            `not healthy: ${sick.join(", ")}`,
            "run ./mcp up, or look at ./mcp logs <server>",
        );
}
