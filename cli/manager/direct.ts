import { CliError } from "../errors";
import type { Session } from "../session";

import { ManagerAway, ManagerClient, ManagerRefusal, type Role } from "./client";

/** An error about a server that is not there, in the words of the manifests: which there are, and what to do. */
export function demandDeployed({ project }: Session, server: string, error: unknown): never {
    if (error instanceof ManagerRefusal && error.code === "no-such-container") {
        project.manifest(server);
        throw new CliError(`${server} is not deployed`, `run ./mcp deploy ${server}`);
    }
    throw error;
}

/** Asks the manager; where it does not answer, says so and does the same without it. */
export async function managerOr<T>(
    { project, out }: Session,
    role: Role,
    ask: (manager: ManagerClient) => Promise<T>,
    without: () => Promise<T>,
): Promise<T> {
    try {
        return await ask(await ManagerClient.open(project, role));
    } catch (error) {
        if (!(error instanceof ManagerAway)) throw error;
        out.warn(`${error.message}; asking Docker itself`);
        return without();
    }
}
