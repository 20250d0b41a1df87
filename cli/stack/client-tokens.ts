import { CLIENTS_NAME, PATHS } from "../../config/defaults";
import { hostDocker } from "../docker/host";
import { InnerDaemon } from "../docker/inner";
import { CliError } from "../errors";
import type { Project } from "../project";

/**
 * The token of a client, read from where nothing but the inner daemon has it, by way of the host's daemon, which whoever
 * may use it could do anyway.
 */
export async function clientToken(project: Project, client: string): Promise<string> {
    const inner = new InnerDaemon(hostDocker(), project.context().names.orchestrator);
    const file = `${PATHS.dockerData}/volumes/${CLIENTS_NAME}.secrets/_data/${client}`;
    const token = await inner.file(file);
    if (token !== undefined) return token.trim();
    throw new CliError(`${client} has no token yet`, "run ./mcp up");
}
