import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import * as path from "node:path";

import { parse } from "yaml";

import { PROJECT_NAME } from "../project";
import { CliError } from "../errors";
import type { Session } from "../session";

/** How far apart the host ports of two stacks lie. */
const OFFSET_STEP = 100;

/** Most stacks side by side: each takes a slot of ports and subnets. */
const SLOTS = 90;

/** The port offset a settings file sets; a file that cannot be read sets none. */
function offsetOf(dir: string, file: string): number {
    try {
        const data = parse(readFileSync(path.join(dir, file), "utf8")) as {
            config?: Record<string, unknown>;
        } | null;
        return Number(data?.config?.[`${PROJECT_NAME}:portOffset`] ?? 0) || 0;
    } catch {
        return 0;
    }
}

/**
 * Writes the settings file of a new stack so that it lives beside the others: its own prefix, ports and subnets.
 * An existing file is left as it is.
 */
export function ensureSettings({ project, out }: Session): void {
    if (existsSync(project.settingsFile)) return;
    const others = readdirSync(project.dir).filter((file) => /^Pulumi\..+\.yaml$/.test(file));
    const taken = new Set(
        others.map((file) => Math.floor(offsetOf(project.dir, file) / OFFSET_STEP)),
    );
    const slot = Array.from({ length: SLOTS }, (_, index) => index).find(
        (index) => !taken.has(index),
    );
    if (slot === undefined) {
        throw new CliError(
            `${String(SLOTS)} stacks have settings files here, and no port offset is free`,
            "remove the Pulumi.<stack>.yaml of a stack that is gone",
        );
    }
    const prefix = project.stack
        .toLowerCase()
        .replace(/[^a-z0-9]+/g, "-")
        .replace(/^-+|-+$/g, "")
        .slice(0, 24);
    if (prefix === "") {
        throw new CliError(
            `--stack ${project.stack}: a stack needs a letter or digit in its name`,
            "choose another name, such as --stack second",
        );
    }
    const lines = [
        `# Settings of stack ${project.stack}, beside the others on this host; every key: config/settings.ts`,
        "config:",
        "  pulumi:disable-default-providers:",
        "    - docker",
        "    - consul",
        `  ${PROJECT_NAME}:publishServers: 13001-13010`,
        `  ${PROJECT_NAME}:namePrefix: ${prefix}-`,
        `  ${PROJECT_NAME}:portOffset: "${String(slot * OFFSET_STEP)}"`,
        `  ${PROJECT_NAME}:mainSubnet: 10.89.${String(slot)}.0/24`,
        `  ${PROJECT_NAME}:internalSubnet: 10.88.${String(slot)}.0/24`,
        `  ${PROJECT_NAME}:innerPool: 10.${String(90 + slot)}.0.0/16`,
        "",
    ];
    writeFileSync(project.settingsFile, lines.join("\n"), { flag: "wx" });
    out.say(
        `new stack ${project.stack}: settings written to ${path.basename(project.settingsFile)}`,
    );
}
