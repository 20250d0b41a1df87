import { answeringDocker, hostContainers, runs, type HostContainer } from "../docker/host";
import { InnerDaemon } from "../docker/inner";
import { CliError } from "../errors";
import { managerUrl } from "../manager/client";
import { health, table } from "../output";
import { daysUntil } from "../preflight/certificates";
import type { Session } from "../session";
import { checkEdge, checkEndpoints, edgeLine, type CheckedEndpoint } from "../stack/endpoints";
import { meshLine, meshStates } from "../stack/mesh";
import { serverRows, type ServerRow } from "../stack/servers";

/** `./mcp status`: the whole stack, each endpoint asked; fails unless all is healthy. */
export async function status(session: Session): Promise<void> {
    const { project, out } = session;
    const context = project.context();
    const manifests = project.manifests();
    const docker = await answeringDocker(project.dir, out);
    const containers = (await hostContainers(docker, project.stack)).filter(runs);
    if (containers.length === 0) {
        out.result(
            { stack: project.stack, running: false },
            () => `stack ${project.stack} is down`,
        );
        throw new CliError(`stack ${project.stack} is not running`, "run ./mcp up");
    }
    const inner = new InnerDaemon(docker, context.names.orchestrator);
    const [edge, endpoints, end, servers, consul] = await Promise.all([
        checkEdge(project, 0),
        checkEndpoints(project, manifests, 0),
        inner.certificateEnd(),
        serverRows(session),
        meshStates(context, manifests, 0),
    ]);
    const certificates = end ? { end: end.toISOString(), days: daysUntil(end) } : undefined;
    const data = {
        stack: project.stack,
        running: true,
        containers,
        servers,
        edge,
        endpoints,
        consul,
        certificates,
    };
    const more = [
        edgeLine(context, edge),
        meshLine(consul),
        `dashboard: ${managerUrl(project)} (./mcp token prints a token)`,
    ];
    out.result(data, () => statusText(containers, servers, endpoints, more, certificates));
    demandAllHealthy(containers, [...endpoints, edge]);
}

function statusText(
    containers: readonly HostContainer[],
    servers: readonly ServerRow[],
    endpoints: readonly CheckedEndpoint[],
    more: readonly string[],
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
    return [host, "", inner, "", ...more, expiry].join("\n");
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
