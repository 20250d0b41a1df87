import type Docker from "dockerode";

import { LABELS, MANAGED_BY } from "../../config/defaults";
import { InnerDaemon } from "../docker/inner";
import type { StateResource } from "../engine/pulumi";
import { CliError, messageOf } from "../errors";
import type { Session } from "../session";

/** What the state knows, by Docker id. */
export function idsOf(resources: readonly StateResource[]): ReadonlySet<string> {
    return new Set(resources.flatMap(({ id }) => (id === undefined ? [] : [id])));
}

/**
 * Removes containers and networks of this stack on the host that the state does not know, and gives their names. `ours`
 * narrows it to names that are this folder's for certain: a stack of another folder may carry the same label.
 */
export async function removeHostStrays(
    docker: Docker,
    stack: string,
    known: ReadonlySet<string>,
    ours: (name: string) => boolean = () => true,
): Promise<string[]> {
    const filters = { label: [`${LABELS.stack}=${stack}`, `${LABELS.managed}=true`] };
    const removed: string[] = [];
    for (const container of await docker.listContainers({ all: true, filters })) {
        const name = (container.Names[0] ?? container.Id).replace(/^\//, "");
        if (known.has(container.Id) || !ours(name)) continue;
        const handle = docker.getContainer(container.Id);
        // In order, not by force: an orchestrator that is killed leaves its inner daemon to recover.
        await handle.stop({ t: 50 }).catch(() => undefined);
        await handle.remove({ force: true });
        removed.push(name);
    }
    for (const network of await docker.listNetworks({ filters })) {
        if (known.has(network.Id) || !ours(network.Name)) continue;
        await docker
            .getNetwork(network.Id)
            .remove()
            .then(() => removed.push(network.Name))
            .catch((error: unknown) => {
                throw new CliError(
                    `network ${network.Name}: ${messageOf(error)}`,
                    "remove the container that uses it, then run ./mcp repair again",
                );
            });
    }
    return removed;
}

/** The same inside the orchestrator, when it runs and is one the state knows. */
export async function removeInnerStrays(
    { project }: Pick<Session, "project">,
    docker: Docker,
    known: ReadonlySet<string>,
): Promise<string[]> {
    const orchestrator = project.context().names.orchestrator;
    const inspected = await docker
        .getContainer(orchestrator)
        .inspect()
        .catch(() => undefined);
    if (inspected?.State.Running !== true || !known.has(inspected.Id)) return [];
    const inner = new InnerDaemon(docker, orchestrator);
    // One that hangs is found out at the price of one question; what is wrong with it is told by what needs it.
    const answers = await inner.run(["version"], 10_000).then(
        () => true,
        () => false,
    );
    if (!answers) return [];
    const removed: string[] = [];
    const manifests = new Map(project.manifests().map(({ name, hash }) => [name, hash]));
    for (const container of await inner.containers()) {
        if (known.has(container.id)) continue;
        const { [LABELS.managedBy]: by, [LABELS.manifestHash]: hash } = container.labels;
        if (by === MANAGED_BY.manager) {
            // The API's own stay; one whose manifest has been adopted makes room for the program's.
            const wanted = manifests.get(container.name);
            if (wanted === undefined) continue;
            if (wanted !== hash) {
                throw new CliError(
                    `${container.name} was made through the manager's API, and a manifest has that name`,
                    `rename the manifest, or take its own first: remove the file, ./mcp adopt ${container.name}`,
                );
            }
        }
        await inner.run(["rm", "--force", container.id]);
        removed.push(container.name);
    }
    const networks = await inner.run([
        "network",
        "ls",
        "--no-trunc",
        "--filter",
        `label=${LABELS.managed}=true`,
        "--format",
        "{{.ID}} {{.Name}}",
    ]);
    for (const line of networks.split("\n").filter((text) => text !== "")) {
        const [id = "", name = ""] = line.split(" ");
        if (known.has(id)) continue;
        await inner.run(["network", "rm", id]);
        removed.push(name);
    }
    return removed;
}
