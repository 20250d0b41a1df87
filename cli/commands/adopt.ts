import { existsSync, writeFileSync } from "node:fs";
import * as path from "node:path";

import { parseManifest } from "../../config/manifest";
import { CliError } from "../errors";
import { ManagerClient } from "../manager/client";
import type { Session } from "../session";

/**
 * `./mcp adopt NAME`: writes the manifest of a server that was made through the manager's API, so that the next `up`
 * makes it the program's. Never writes over a file.
 */
export async function adopt({ project, out }: Session, server: string): Promise<void> {
    const manager = await ManagerClient.open(project, "read");
    const text = await manager.text(`/containers/${encodeURIComponent(server)}/manifest`);
    const { manifestsDir } = project.context().settings;
    const file = path.join(manifestsDir, `${server}.yml`);
    const { manifest, problems } = parseManifest(file, text);
    if (!manifest) {
        const [first] = problems;
        throw new CliError(`${file}: ${first?.field ?? ""} ${first?.problem ?? "no manifest"}`);
    }
    const full = path.resolve(project.dir, file);
    if (existsSync(full)) {
        throw new CliError(`${file} is there already`, "remove it, or rename the server");
    }
    writeFileSync(full, text.endsWith("\n") ? text : `${text}\n`, { flag: "wx" });
    out.result({ server, file }, () => `wrote ${file}; ./mcp up makes the server the program's`);
}
