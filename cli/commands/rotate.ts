import { PulumiEngine } from "../engine/pulumi";
import { CliError } from "../errors";
import type { Session } from "../session";

import { bringUp, prepare } from "./up";

/** `./mcp rotate`: new server and client certificates with new keys. The orchestrator restarts once. */
export async function rotate(session: Session): Promise<void> {
    const begun = Date.now();
    // Whatever would refuse the run refuses it before the epoch is raised.
    const prepared = await prepare(session, "pulumi");
    const { engine, context } = prepared;
    if (!(engine instanceof PulumiEngine)) {
        throw new CliError(
            "rotating certificates needs the Pulumi CLI",
            "install it, then run ./mcp rotate",
        );
    }
    const epoch = context.settings.certificates.epoch + 1;
    await engine.setConfig("certEpoch", String(epoch));
    session.out.say(`certificates: issuing epoch ${String(epoch)}; the orchestrator restarts once`);
    await bringUp(session, prepared, begun);
}
