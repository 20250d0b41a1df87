import { innerImage } from "../../images/catalog";
import { requirePulumi } from "../engine/choose";
import type { Session } from "../session";
import { checkEndpoints } from "../stack/endpoints";

import { demandHealthy, endpointTable, prepare, showSteps, up } from "./up";

/** `./mcp deploy [SERVER]`: `up` for one server and what it stands on; without a name, for all. */
export async function deploy(session: Session, server: string | undefined): Promise<void> {
    if (server === undefined) {
        await up(session, { engine: "auto" });
        return;
    }
    const { project, out } = session;
    const manifest = project.manifest(server);
    await requirePulumi(project, out, "deploying a single server");
    const { engine } = await prepare(session, "auto");
    const images = [
        ...(manifest.source.kind === "build" ? imageChain(manifest.source.image) : []),
        ...(manifest.egress.length > 0 ? imageChain("egress") : []),
    ];
    const names = [
        server,
        `${server}-container`,
        `${server}-secrets`,
        `${server}-secrets-volume`,
        `${server}-secrets-carrier`,
        `${server}-registration`,
        ...["egress", "egress-link", "egress-container"].map((part) => `${server}-${part}`),
        // Ports, tools and clients' rights are the gateway's, which reads its configuration as it changes.
        ...["gateway-config", "gateway-config-volume", "gateway-config-carrier"],
    ];
    const changes = await engine.up(showSteps(out), {
        target: [...names, ...images.map((image) => `images-${image}`), "inner", "mesh"].map(
            (name) => `**::${name}`,
        ),
    });
    const endpoints = await checkEndpoints(project, [manifest], 30_000);
    out.result({ changes, endpoints }, () => endpointTable(endpoints));
    demandHealthy(endpoints);
}

/** An image and all it builds on. */
function imageChain(name: string): string[] {
    const { parent } = innerImage(name);
    return parent === undefined ? [name] : [...imageChain(parent), name];
}
