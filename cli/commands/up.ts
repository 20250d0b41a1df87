import * as path from "node:path";

import type { StackContext } from "../../components/stack-context";
import type { ServerManifest } from "../../config/manifest";
import { ensureDocker, hostContainers, hostDocker, runs } from "../docker/host";
import { chooseEngine, type EngineChoice } from "../engine/choose";
import { engineFailure } from "../engine/failure";
import { isLocked, liveRun } from "../engine/local-backend";
import { PulumiEngine } from "../engine/pulumi";
import type { Engine, OnStep, Step } from "../engine/types";
import { CliError } from "../errors";
import { health, seconds, table, type Output } from "../output";
import { managerUrl } from "../manager/client";
import { demand, preflight } from "../preflight";
import type { Session } from "../session";
import { checkEdge, checkEndpoints, edgeLine, type CheckedEndpoint } from "../stack/endpoints";
import { heal } from "../stack/heal";
import { ensureImages } from "../stack/images";
import { meshLine, meshStates } from "../stack/mesh";
import { ensureSettings } from "../stack/settings-file";

/** Types worth a line of progress; the rest takes no time. */
const SHOWN = /docker:index\/(container|remoteImage|network)/;

/** A step as a line of progress, or nothing when it is not worth one. */
function stepLine(step: Step): string | undefined {
    if (!SHOWN.test(step.type) && step.operation !== "failed") return undefined;
    // An image is forgotten with the volume it lies on; nothing is removed one by one.
    if (step.operation === "delete" && step.type.includes("remoteImage")) return undefined;
    // The engine reports a replacement as three steps; the one that makes the new thing carries the time.
    const past = {
        create: "created",
        update: "updated",
        "create-replacement": "replaced",
        delete: "removed",
        failed: "failed",
    }[step.operation];
    if (past === undefined) return undefined;
    const time = step.seconds === undefined ? "" : ` (${step.seconds.toFixed(1)}s)`;
    return `${past} ${step.name}${time}`;
}

/** Shows the steps of a run worth a line, as they come. */
export function showSteps(out: Output): OnStep {
    return (step) => {
        const line = stepLine(step);
        if (line !== undefined) out.say(line);
    };
}

/** What `prepare` has found and made ready. */
export interface Prepared {
    readonly engine: Engine;
    readonly context: StackContext;
    readonly manifests: readonly ServerManifest[];
}

/**
 * Everything before the engine touches something: Docker, images, settings, manifests, preflight, losses. `looking`
 * leaves the stack and its state as they are.
 */
export async function prepare(
    session: Session,
    choice: EngineChoice,
    looking = false,
): Promise<Prepared> {
    const { project, out } = session;
    ensureSettings(session);
    // Settings and manifests first: the cheapest check, and the one people get wrong most.
    let context = project.context();
    const manifests = project.manifests();
    project.clients();
    const docker = await ensureDocker(project.dir, out);
    // Before the state is opened, which a run under way may be writing.
    if (!looking && choice !== "rehearse" && liveRun(project.stateDir(), project.stack)) {
        throw locked();
    }
    const engine = await chooseEngine(project, out, choice);
    out.say(engine.why);
    demand(await preflight(docker, context), out);
    await ensureImages(session, docker);
    context = project.context();
    if (engine instanceof PulumiEngine && !looking) {
        // Before anything is touched: a stack that another run holds is that run's.
        if (isLocked(project.stateDir(), project.stack)) {
            throw locked();
        }
        await heal(session, docker, engine);
    }
    return { engine, context, manifests };
}

/** In the words the engine itself would use. */
function locked(): CliError {
    return engineFailure([{ message: "the stack is currently locked by 1 lock" }]);
}

/** The table people read at the end of `up`. */
export function endpointTable(endpoints: readonly CheckedEndpoint[]): string {
    return table(
        ["SERVER", "ENDPOINT", "STATE", "TOOLS", "ANSWER"],
        endpoints.map((endpoint) => [
            endpoint.server,
            endpoint.url,
            health(endpoint.state),
            endpoint.tools === undefined ? "-" : String(endpoint.tools),
            endpoint.detail || seconds(endpoint.milliseconds),
        ]),
    );
}

/** Fails when a published server does not answer. */
export function demandHealthy(endpoints: readonly CheckedEndpoint[]): void {
    const dead = endpoints.filter((endpoint) => endpoint.state === "unhealthy");
    const [first] = dead;
    if (!first) return;
    const names = dead.map((endpoint) => `${endpoint.server} (${endpoint.detail})`).join(", ");
    throw new CliError(`not healthy: ${names}`, `look at its log: ./mcp logs ${first.server}`);
}

/** `./mcp up`: from whatever is there to a stack whose every endpoint answered. */
export async function up(
    session: Session,
    options: { readonly engine: EngineChoice; readonly policy?: boolean },
): Promise<void> {
    const begun = Date.now();
    const prepared = await prepare(session, options.engine);
    if (options.policy === true && prepared.engine.kind === "rehearse") {
        throw new CliError(
            "--policy needs the Pulumi CLI, which runs the policy pack",
            "run ./mcp check, which asks the same rules, then ./mcp up",
        );
    }
    const policyPacks = options.policy === true ? [path.join(session.project.dir, "policy")] : [];
    await bringUp(session, prepared, begun, policyPacks);
}

/** How long the reporter may take to report on what is new, in milliseconds. */
const REPORT_PATIENCE_MS = 10_000;

/** The part of `up` after its preparation. `begun` is when the command began, in milliseconds. */
export async function bringUp(
    session: Session,
    { engine, context, manifests }: Prepared,
    begun: number,
    policyPacks: readonly string[] = [],
): Promise<void> {
    const { out } = session;
    const changes = await engine.up(showSteps(out), { policyPacks });
    const endpoints = await checkEndpoints(session.project, manifests, 30_000);
    // After them: it answers for all servers once each of them does.
    const edge = await checkEdge(session.project, 30_000);
    const consul = await meshStates(context, manifests, REPORT_PATIENCE_MS);
    const more = [
        edgeLine(context, edge),
        meshLine(consul),
        `dashboard: ${managerUrl(session.project)} (./mcp token prints a token)`,
    ];
    out.result(
        {
            engine: engine.kind,
            changes,
            seconds: (Date.now() - begun) / 1000,
            edge,
            endpoints,
            consul,
        },
        () => {
            const summary = Object.entries(changes)
                .map(([operation, count]) => `${String(count)} ${operation}`)
                .join(", ");
            return `\n${endpointTable(endpoints)}\n\n${more.join("\n")}\n\n${summary || "nothing to change"} in ${seconds(Date.now() - begun)}`;
        },
    );
    demandHealthy([...endpoints, edge]);
    const sick = (await hostContainers(hostDocker(), session.project.stack)).find(
        (container) => runs(container) && container.health !== "healthy",
    );
    if (sick) {
        throw new CliError(
            `not healthy: ${sick.name} (${sick.health})`,
            `look at its log: docker logs --tail 20 ${sick.name}`,
        );
    }
}
