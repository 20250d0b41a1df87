import type Docker from "dockerode";

import { answeringDocker, hostContainers } from "../docker/host";
import { chooseEngine } from "../engine/choose";
import { dropHalfWritten, liveRun } from "../engine/local-backend";
import { PulumiEngine } from "../engine/pulumi";
import { CliError } from "../errors";
import type { Session } from "../session";
import { recordLosses } from "../stack/heal";
import { idsOf, removeHostStrays, removeInnerStrays } from "../stack/strays";

import { up } from "./up";

/**
 * `./mcp repair`: puts right what a killed run left. Takes back its lock, forgets creations that never finished,
 * removes labelled containers and networks the state does not know, then runs `up`. Never removes a volume.
 */
export async function repair(session: Session, options: { readonly up: boolean }): Promise<void> {
    const { project, out } = session;
    const docker = await answeringDocker(project.dir, out);
    // First of all: what looks half written may be what a live run is writing.
    const alive = liveRun(project.stateDir(), project.stack);
    if (alive !== undefined) {
        throw new CliError(
            `another run of this stack is under way (process ${String(alive)})`,
            "wait for its end, or stop it with Ctrl-C there",
        );
    }
    dropHalfWritten(project.stateDir());
    const engine = await chooseEngine(project, out, "auto");
    if (!(engine instanceof PulumiEngine)) {
        throw new CliError(
            "a throw-away bring-up keeps no state to repair",
            "run ./mcp down, then ./mcp up",
        );
    }
    await engine.cancel();
    const cleared = await engine.clearPending();
    if (cleared > 0) out.say(`forgot ${String(cleared)} operations that never finished`);
    const known = idsOf(await engine.state());
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
