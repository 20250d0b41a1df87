import { CliError } from "../errors";
import type { Output } from "../output";
import type { Project } from "../project";

import { hasState } from "./local-backend";
import { PulumiEngine, pulumiReady } from "./pulumi";
import { RehearseEngine } from "./rehearse";
import type { Engine } from "./types";

/** Which engine the user asked for. */
export type EngineChoice = "auto" | "pulumi" | "rehearse";

/**
 * The engine for a stack: the Pulumi CLI wherever one can be had, else the throw-away bring-up. A stack made by one
 * engine is never handed to the other.
 */
export async function chooseEngine(
    project: Project,
    out: Output,
    choice: EngineChoice,
): Promise<Engine> {
    if (choice === "rehearse" && hasState(project)) {
        throw new CliError(
            `stack ${project.stack} belongs to the Pulumi CLI`,
            "run it without --engine, or choose another --stack",
        );
    }
    if (choice !== "rehearse" && !project.rehearsed) {
        const ready = await pulumiReady(project, out);
        if ("cli" in ready) return PulumiEngine.open(project, ready.cli);
        if (choice === "pulumi" || hasState(project)) {
            throw new CliError(
                ready.missing,
                "install the Pulumi CLI and its plugins, then run the command again",
            );
        }
        return new RehearseEngine(
            project,
            `engine: throw-away bring-up, because there is ${ready.missing}; it keeps no state, and every up starts anew`,
        );
    }
    if (choice === "pulumi") {
        throw new CliError(
            `stack ${project.stack} is a throw-away bring-up`,
            "run ./mcp down first, then ./mcp up --engine pulumi",
        );
    }
    return new RehearseEngine(
        project,
        project.rehearsed
            ? "engine: throw-away bring-up, which made this stack"
            : "engine: throw-away bring-up, as asked; it keeps no state, and every up starts anew",
    );
}

/** The real engine, for commands that need state. */
export async function requirePulumi(
    project: Project,
    out: Output,
    what: string,
): Promise<PulumiEngine> {
    const engine = await chooseEngine(project, out, "auto");
    if (engine instanceof PulumiEngine) return engine;
    throw new CliError(
        `${what} needs the Pulumi CLI: a throw-away bring-up keeps no state`,
        "run ./mcp down and ./mcp up instead",
    );
}
