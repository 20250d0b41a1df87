import { answeringDocker } from "../docker/host";
import { InnerDaemon } from "../docker/inner";
import { requirePulumi } from "../engine/choose";
import { CliError } from "../errors";
import type { Session } from "../session";
import { checkEndpoints } from "../stack/endpoints";
import { innerImage } from "../../images/catalog";

import { demandHealthy, endpointTable, prepare, showSteps, up } from "./up";

/** The server's container name on the inner daemon, known by manifest or by what runs. */
async function containerName(
    session: Session,
    inner: InnerDaemon,
    server: string,
): Promise<string> {
    const running = await inner.containers();
    if (running.some((container) => container.name === server && container.component === "server"))
        return server;
    session.project.manifest(server);
    throw new CliError(`${server} is not deployed`, `run ./mcp deploy ${server}`);
}

/** `./mcp logs SERVER`: what the server wrote; stops at the end, or with --follow at Ctrl-C. */
export async function logs(
    session: Session,
    server: string,
    options: { readonly tail: string; readonly follow?: boolean; readonly since?: string },
): Promise<void> {
    const { project, out } = session;
    if (!/^(\d+|all)$/.test(options.tail)) {
        throw new CliError(
            `--tail ${options.tail}: must be a number of lines, or all`,
            "for example: --tail 200",
        );
    }
    const docker = await answeringDocker(project.dir, out);
    const inner = new InnerDaemon(docker, project.context().names.orchestrator);
    const name = await containerName(session, inner, server);
    await inner.streamLogs(name, [
        "--timestamps",
        "--tail",
        options.tail,
        ...(options.follow === true ? ["--follow"] : []),
        ...(options.since === undefined ? [] : ["--since", options.since]),
    ]);
}

/** `./mcp restart SERVER`: restarts one server and waits until it answers. */
export async function restart(session: Session, server: string): Promise<void> {
    const { project, out } = session;
    const docker = await answeringDocker(project.dir, out);
    const context = project.context();
    const inner = new InnerDaemon(docker, context.names.orchestrator);
    const name = await containerName(session, inner, server);
    out.say(`restarting ${server}`);
    await inner.run(["restart", name], 90_000);
    const manifests = project.manifests().filter((manifest) => manifest.name === server);
    const endpoints = await checkEndpoints(context, manifests, 60_000);
    out.result({ endpoints }, () => endpointTable(endpoints));
    demandHealthy(endpoints);
}

/** `./mcp deploy [SERVER]`: `up` for one server and what it stands on; without a name, for all. */
export async function deploy(session: Session, server: string | undefined): Promise<void> {
    if (server === undefined) {
        await up(session, { engine: "auto" });
        return;
    }
    const { project, out } = session;
    const manifest = project.manifest(server);
    await requirePulumi(project, out, "deploying a single server");
    const { engine, context } = await prepare(session, "auto");
    const images = manifest.source.kind === "build" ? imageChain(manifest.source.image) : [];
    const names = [
        server,
        `${server}-container`,
        `${server}-secrets`,
        `${server}-secrets-volume`,
        `${server}-secrets-carrier`,
        `${server}-registration`,
    ];
    const changes = await engine.up(showSteps(out), {
        target: [...names, ...images.map((image) => `images-${image}`), "inner", "mesh"].map(
            (name) => `**::${name}`,
        ),
    });
    const endpoints = await checkEndpoints(context, [manifest], 30_000);
    out.result({ changes, endpoints }, () => endpointTable(endpoints));
    demandHealthy(endpoints);
}

/** An image and all it builds on. */
function imageChain(name: string): string[] {
    const { parent } = innerImage(name);
    return parent === undefined ? [name] : [...imageChain(parent), name];
}
