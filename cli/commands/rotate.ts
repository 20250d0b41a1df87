import { requirePulumi } from "../engine/choose";
import type { Session } from "../session";

import { up } from "./up";

/** `./mcp rotate`: new certificates with new keys. The orchestrator restarts once, and its servers with it. */
export async function rotate(session: Session): Promise<void> {
    const { project, out } = session;
    const engine = await requirePulumi(project, out, "rotating certificates");
    const epoch = project.context().settings.certificates.epoch + 1;
    await engine.setConfig("certEpoch", String(epoch));
    out.say(`certificates: issuing epoch ${String(epoch)}; the orchestrator restarts once`);
    await up(session, { engine: "pulumi" });
}
