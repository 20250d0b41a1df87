import { MANAGER_NAME } from "../../config/defaults";
import { answeringDocker } from "../docker/host";
import { InnerDaemon } from "../docker/inner";
import { CliError } from "../errors";
import { askRestart } from "../manager/answers";
import { demandDeployed, managerOr } from "../manager/direct";
import type { Session } from "../session";
import { checkEndpoints } from "../stack/endpoints";

import { demandHealthy, endpointTable } from "./up";

/** Longest wait for the restarted server, in seconds. */
const PATIENCE = 60;

/** `./mcp restart SERVER`: restarts one server and waits until it answers. */
export async function restart(session: Session, server: string): Promise<void> {
    const { project, out } = session;
    out.say(`restarting ${server}`);
    const health =
        // It could not see its own restart to the end.
        server === MANAGER_NAME
            ? await direct(session, server)
            : await managerOr(
                  session,
                  "operate",
                  (manager) => askRestart(manager, server, PATIENCE),
                  () => direct(session, server),
              ).catch((error: unknown) => demandDeployed(session, server, error));
    if (health !== "healthy") {
        throw new CliError(
            `${server} was restarted and is ${health}`,
            `look at its log: ./mcp logs ${server}`,
        );
    }
    const manifests = project.manifests().filter((manifest) => manifest.name === server);
    const endpoints = await checkEndpoints(project, manifests, PATIENCE * 1000);
    out.result({ server, health, endpoints }, () =>
        endpoints.length > 0 ? endpointTable(endpoints) : `${server} is healthy`,
    );
    demandHealthy(endpoints);
}

/** Restarts it by the inner daemon and waits for its health check. */
async function direct({ project, out }: Session, server: string): Promise<string> {
    const docker = await answeringDocker(project.dir, out);
    const inner = new InnerDaemon(docker, project.context().names.orchestrator);
    if (!(await inner.containers()).some(({ name }) => name === server)) {
        project.manifest(server);
        throw new CliError(`${server} is not deployed`, `run ./mcp deploy ${server}`);
    }
    await inner.run(["restart", server], 90_000);
    const deadline = Date.now() + PATIENCE * 1000;
    for (;;) {
        const found = (await inner.containers()).find(({ name }) => name === server);
        const health = found?.health ?? "gone";
        if (health === "healthy" || Date.now() > deadline) return health;
        await new Promise((resolve) => setTimeout(resolve, 500));
    }
}
