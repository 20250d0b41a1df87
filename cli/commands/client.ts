import { readFileSync, writeFileSync } from "node:fs";
import * as path from "node:path";

import { isScalar, parseDocument } from "yaml";

import type { ClientFile } from "../../config/clients";
import { requirePulumi } from "../engine/choose";
import { CliError } from "../errors";
import { table } from "../output";
import type { Project } from "../project";
import type { Session } from "../session";
import { clientToken } from "../stack/client-tokens";
import { edgeUrl } from "../stack/edge";

import { tokenVariable } from "./connect";
import { bringUp, prepare } from "./up";

/** `./mcp client list`: the clients of the gateway, and what each may see. */
export function listClients({ project, out }: Session): void {
    const clients = project.clients();
    out.result({ url: edgeUrl(project.context()), clients }, () =>
        table(
            ["CLIENT", "SERVERS", "TOOLS", "CALLS A MINUTE", "AT ONCE", "EPOCH"],
            clients.map(({ name, servers, tools, limits, tokenEpoch }) => [
                name,
                servers.join(" "),
                [...tools.allow, ...tools.deny.map((pattern) => `not ${pattern}`)].join(", "),
                String(limits.callsPerMinute),
                String(limits.concurrent),
                String(tokenEpoch),
            ]),
        ),
    );
}

/** `./mcp client token NAME`: the token of a client, for its environment. */
export async function showClientToken({ project, out }: Session, name: string): Promise<void> {
    const { name: client } = withToken(project.client(name));
    const token = await clientToken(project, client);
    const data = { url: edgeUrl(project.context()), variable: tokenVariable(project.stack) };
    out.result({ client, ...data, token }, () => token);
}

/** A client that has a token. @throws CliError for one that comes with access tokens */
function withToken(client: ClientFile): ClientFile {
    if (client.oauthClient === undefined) return client;
    throw new CliError(
        `${client.name} has no token: it comes with access tokens for ${client.oauthClient}`,
        `remove oauthClient from ${client.file} to give it one`,
    );
}

/** `./mcp client rotate NAME`: raises the epoch in the client's file and deploys; the old token ends at once. */
export async function rotateClient(session: Session, name: string): Promise<void> {
    const begun = Date.now();
    const { project, out } = session;
    const client = withToken(project.client(name));
    // Whatever would refuse the run refuses it before the file is written.
    await requirePulumi(project, out, "rotating a token");
    const prepared = await prepare(session, "pulumi");
    raiseEpoch(project, client);
    out.say(`${client.file}: tokenEpoch ${String(client.tokenEpoch + 1)}`);
    await bringUp(session, prepared, begun);
}

/** Writes the next epoch into a client's file; everything else in it stays as it is. */
export function raiseEpoch(project: Project, client: ClientFile): void {
    const { clientsDir } = project.context().settings;
    const file = path.join(path.resolve(project.dir, clientsDir), path.basename(client.file));
    const text = readFileSync(file, "utf8");
    const document = parseDocument(text);
    const where = ["spec", "tokenEpoch"];
    const next = String(client.tokenEpoch + 1);
    const written = document.getIn(where, true);
    if (isScalar(written) && written.range) {
        const [begin, end] = written.range;
        writeFileSync(file, text.slice(0, begin) + next + text.slice(end));
        return;
    }
    document.setIn(where, client.tokenEpoch + 1);
    writeFileSync(file, document.toString({ lineWidth: 0, flowCollectionPadding: false }));
}
