import type { LookupFunction } from "node:net";

import { Agent, fetch as fetchThrough } from "undici";

import type { StackContext } from "../../components/stack-context";
import { PATHS, PORTS } from "../../config/defaults";
import { readEdgeFiles } from "../../config/edge-files";
import { serverPath } from "../../config/gateway";
import { hostPort } from "../../config/names";
import { hostDocker } from "../docker/host";
import { InnerDaemon } from "../docker/inner";
import { CliError } from "../errors";
import type { Project } from "../project";

/** How long the orchestrator may take to read a file, in milliseconds. */
const PATIENCE_MS = 10_000;

/**
 * Where the edge is published, as scheme, host and port. Published on every address, it is asked on loopback; with a
 * certificate that the stack was given, by the first of the names it is for.
 */
export function edgeOrigin({ settings }: StackContext): string {
    const { tls, bindAddress, hosts } = settings.edge;
    const scheme = tls.mode === "none" ? "http" : "https";
    const address = bindAddress === "0.0.0.0" ? settings.bindAddress : bindAddress;
    const host = tls.mode === "files" ? (hosts[0] ?? address) : address;
    return `${scheme}://${host}:${String(hostPort(PORTS.edge.host, settings.portOffset))}`;
}

/** Where clients have the endpoint of all servers. */
export function edgeUrl(context: StackContext): string {
    return `${edgeOrigin(context)}/mcp`;
}

/** Where clients have one server. */
export function edgeServerUrl(context: StackContext, server: string): string {
    return `${edgeOrigin(context)}${serverPath(server)}`;
}

/** A `fetch` that knows the certificate of a stack's edge; undefined where there is none, or the system knows it. */
export type EdgeFetch = typeof fetch | undefined;

/**
 * How to ask the edge: an own certificate is verified against the stack's authority. Of one that was given, it is looked
 * whether it is the one that answers, whatever the names in it.
 */
export async function edgeFetch(project: Project): Promise<EdgeFetch> {
    const { settings } = project.context();
    const { bindAddress, tls } = settings.edge;
    if (tls.mode === "none") return undefined;
    const given = readEdgeFiles(project.dir, tls)?.cert;
    const address = bindAddress === "0.0.0.0" ? settings.bindAddress : bindAddress;
    const dispatcher = new Agent({
        // Nothing is kept: the command ends when it has its answers.
        pipelining: 0,
        connect:
            given === undefined
                ? { ca: await stackCa(project) }
                : {
                      ca: given,
                      ...{ allowPartialTrustChain: true, checkServerIdentity: () => undefined },
                      lookup: here(address),
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
    const { code, stdout } = await inner.exec(["cat", file], PATIENCE_MS);
    if (code === 0 && stdout.includes("BEGIN CERTIFICATE")) return stdout;
    throw new CliError("the stack has no authority yet", "run ./mcp up");
}
