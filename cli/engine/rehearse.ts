import { existsSync, readFileSync, rmSync } from "node:fs";
import * as path from "node:path";

import { CliError } from "../errors";
import { PROJECT_NAME, type Project } from "../project";
import { rehearseDown, rehearseUp, type RehearseEvent } from "../rehearse";

import type { Engine, OnStep, PreviewResult } from "./types";

/** The throw-away bring-up: the same program, no state. See docs/architecture.md, "Which engine runs it". */
export class RehearseEngine implements Engine {
    readonly kind = "rehearse";

    constructor(
        private readonly project: Project,
        readonly why: string,
    ) {}

    async up(onStep: OnStep): Promise<Readonly<Record<string, number>>> {
        const { project } = this;
        const encrypted = project.encryptedKeys();
        if (encrypted.length > 0) {
            throw new CliError(
                `${path.basename(project.settingsFile)}: ${encrypted.join(", ")} is encrypted, and without a Pulumi CLI it cannot be read`,
                "install the Pulumi CLI, or use a stack without encrypted settings",
            );
        }
        // Without state there is no update: what an earlier bring-up made goes first, data volumes included.
        if (project.rehearsed) await this.down(onStep);
        const run = rehearseUp({
            projectDir: project.dir,
            project: PROJECT_NAME,
            stack: project.stack,
            config: project.config(),
            ledgerFile: project.ledgerFile,
            // eslint-disable-next-line @typescript-eslint/no-require-imports
            program: () => Promise.resolve(require(path.join(project.dir, "index.ts"))),
            onEvent: (event) => {
                forward(event, onStep);
            },
        });
        const { resources } = await run.catch((error: unknown) => {
            // A ledger that lists nothing (its first line names the run) must not keep this stack from another engine.
            const listed = existsSync(project.ledgerFile)
                ? readFileSync(project.ledgerFile, "utf8").trim().split("\n").length - 1
                : 0;
            if (listed === 0) rmSync(project.ledgerFile, { force: true });
            throw error;
        });
        return { create: resources };
    }

    async down(onStep: OnStep): Promise<void> {
        await rehearseDown({
            ledgerFile: this.project.ledgerFile,
            consulToken: this.project.config()[`${PROJECT_NAME}:consulToken`],
            onEvent: (event) => {
                forward(event, onStep);
            },
        });
    }

    preview(): Promise<PreviewResult> {
        throw new CliError(
            "a preview needs the Pulumi CLI: a throw-away bring-up has no state to compare with",
            "install the Pulumi CLI, then run ./mcp preview",
        );
    }
}

function forward(event: RehearseEvent, onStep: OnStep): void {
    const operation = { created: "create", removed: "delete", failed: "failed" }[
        event.kind as string
    ];
    if (operation !== undefined)
        onStep({ type: event.type, name: event.name, operation, seconds: event.seconds });
}
