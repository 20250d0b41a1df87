import type Docker from "dockerode";

import { LABELS } from "../../config/defaults";
import { answeringDocker, hostContainers } from "../docker/host";
import { InnerDaemon } from "../docker/inner";
import { chooseEngine } from "../engine/choose";
import { dropHalfWritten, liveRun } from "../engine/local-backend";
import { PulumiEngine, type StateResource } from "../engine/pulumi";
import { CliError, messageOf } from "../errors";
import type { Session } from "../session";
import { recordLosses } from "../stack/heal";

import { up } from "./up";

/**
 * `./mcp repair`: puts right what a killed run left. Takes back its lock, forgets creations that never finished,
 * removes labelled containers and networks the state does not know, then runs `up`. Never removes a volume.
 */
export async function repair(session: Session, options: { readonly up: boolean }): Promise<void> {
    const { project, out } = session;
    const docker = await answeringDocker(project.dir, out);
    dropHalfWritten(project.stateDir());
    const engine = await chooseEngine(project, out, "auto");
    if (!(engine instanceof PulumiEngine)) {
        throw new CliError(
            "a throw-away bring-up keeps no state to repair",
            "run ./mcp down, then ./mcp up",
        );
    }
    const alive = liveRun(project.stateDir(), project.stack);
    if (alive !== undefined) {
        throw new CliError(
            `another run of this stack is under way (process ${String(alive)})`,
            "wait for its end, or stop it with Ctrl-C there",
        );
    }
    await engine.cancel();
    const cleared = await engine.clearPending();
    if (cleared > 0) out.say(`forgot ${String(cleared)} operations that never finished`);
    const known = new Set(
        (await engine.state()).flatMap((resource: StateResource) =>
            resource.id === undefined ? [] : [resource.id],
        ),
    );
    await refuseForeign(docker, project.stack, known);
    const removed = [
        ...(await removeInnerStrays(session, docker, known)),
        ...(await removeHostStrays(docker, project.stack, known)),
    ];
    for (const name of removed) out.say(`removed stray ${name}`);
    if (options.up) await up(session, { engine: "auto" });
    else {
        await recordLosses(session, docker, engine, await engine.state());
        out.result({ cleared, removed }, () => "repaired; run ./mcp up");
    }
}

/** An empty state beside a healthy stack of the same name means that the stack is another folder's. */
async function refuseForeign(
    docker: Docker,
    stack: string,
    known: ReadonlySet<string>,
): Promise<void> {
    if (known.size > 0) return;
    const running = (await hostContainers(docker, stack)).filter(
        (container) => container.health === "healthy",
    );
    const [first] = running;
    if (!first) return;
    throw new CliError(
        `stack ${stack} runs (${first.name}), and this folder has no state of it: it belongs to another folder or backend`,
        `run ./mcp there; or, if its state is lost for good: docker rm -f ${running.map((container) => container.name).join(" ")}`,
    );
}

/** Containers and networks of this stack on the host that the state does not know. */
async function removeHostStrays(
    docker: Docker,
    stack: string,
    known: ReadonlySet<string>,
): Promise<string[]> {
    const filters = { label: [`${LABELS.stack}=${stack}`, `${LABELS.managed}=true`] };
    const removed: string[] = [];
    for (const container of await docker.listContainers({ all: true, filters })) {
        if (known.has(container.Id)) continue;
        const handle = docker.getContainer(container.Id);
        // In order, not by force: an orchestrator that is killed leaves its inner daemon to recover.
        await handle.stop({ t: 50 }).catch(() => undefined);
        await handle.remove({ force: true });
        removed.push((container.Names[0] ?? container.Id).replace(/^\//, ""));
    }
    for (const network of await docker.listNetworks({ filters })) {
        if (known.has(network.Id)) continue;
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

/** The same inside the orchestrator, when it answers and is one the state knows. */
async function removeInnerStrays(
    { project }: Session,
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
    const removed: string[] = [];
    for (const container of await inner.containers()) {
        if (known.has(container.id)) continue;
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
