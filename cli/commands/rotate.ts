import { requirePulumi } from "../engine/choose";
import type { Session } from "../session";

import { prepare, up } from "./up";

/** `./mcp rotate`: new server and client certificates with new keys. The orchestrator restarts once. */
export async function rotate(session: Session): Promise<void> {
    const { project, out } = session;
    // Whatever would refuse the run refuses it before the epoch is raised.
    await prepare(session, "pulumi");
    const engine = await requirePulumi(project, out, "rotating certificates");
    const epoch = project.context().settings.certificates.epoch + 1;
    await engine.setConfig("certEpoch", String(epoch));
    out.say(`certificates: issuing epoch ${String(epoch)}; the orchestrator restarts once`);
    await up(session, { engine: "pulumi" });
}
