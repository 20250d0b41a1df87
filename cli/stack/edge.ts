import type { LookupFunction } from "node:net";

import { Agent, fetch as fetchThrough } from "undici";

import type { StackContext } from "../../components/stack-context";
import { PATHS, PORTS } from "../../config/defaults";
import { readEdgeFiles } from "../../config/edge-files";
import { edgeScheme } from "../../config/edge-settings";
import { serverPath } from "../../config/gateway";
import { hostPort } from "../../config/names";
import { hostDocker } from "../docker/host";
import { InnerDaemon } from "../docker/inner";
import { CliError } from "../errors";
import type { Project } from "../project";

/**
 * Where the edge is published, as scheme, host and port. Published on every address, it is asked on loopback; with a
 * certificate that the stack was given, by the first of the names it is for.
 */
export function edgeOrigin({ settings }: StackContext): string {
    const { tls, hosts } = settings.edge;
    const address = askedAt(settings);
    const host = tls.mode === "files" ? (hosts[0] ?? address) : address;
    return `${edgeScheme(settings.edge)}://${host}:${String(hostPort(PORTS.edge.host, settings.portOffset))}`;
}

/** Address of this host that leads to the edge. */
function askedAt({ edge, bindAddress }: StackContext["settings"]): string {
    return edge.bindAddress === "0.0.0.0" ? bindAddress : edge.bindAddress;
}

/** Where clients have the endpoint of all servers. */
export function edgeUrl(context: StackContext): string {
    return `${edgeOrigin(context)}/mcp`;
}

/** Where clients have one server. */
export function edgeServerUrl(context: StackContext, server: string): string {
    return `${edgeOrigin(context)}${serverPath(server)}`;
}

/**
 * A `fetch` that knows the edge's certificate, if it has one: an own certificate is verified against the stack's authority. Of one that was given, it is looked
 * whether it is the one that answers, whatever the names in it.
 */
export async function edgeFetch(project: Project): Promise<typeof fetch> {
    const { settings } = project.context();
    const { tls } = settings.edge;
    if (tls.mode === "none") return fetch;
    const given = readEdgeFiles(project.dir, tls)?.cert;
    const dispatcher = new Agent({
        // Nothing is kept: the command ends when it has its answers.
        pipelining: 0,
        connect:
            given === undefined
                ? { ca: await stackCa(project) }
                : {
                      ca: given,
                      ...{ allowPartialTrustChain: true, checkServerIdentity: () => undefined },
                      lookup: here(askedAt(settings)),
                  },
    });
    return ((input: string | URL, init?: object) =>
        fetchThrough(input, { ...init, dispatcher })) as unknown as typeof fetch;
}

/** A look-up that leads every name to where the edge is published, wherever the name leads clients. */
function here(address: string): LookupFunction {
    return (_name, { all }, done) =>
        all === true ? done(null, [{ address, family: 4 }]) : done(null, address, 4);
}

/** The certificate of the stack's authority, PEM: what a client has to trust where `edgeTls` is own. */
export async function stackCa(project: Project): Promise<string> {
    const inner = new InnerDaemon(hostDocker(), project.context().names.orchestrator);
    const file = `${PATHS.certs}/ca/cert.pem`;
    const pem = await inner.file(file);
    if (pem?.includes("BEGIN CERTIFICATE")) return pem;
    throw new CliError("the stack has no authority yet", "run ./mcp up");
}
