import { existsSync } from "node:fs";
import { homedir } from "node:os";

import { checkEndpoint, tokenOfEntry } from "../connect/check";
import { CLIENTS, type Client, type Token } from "../connect/clients";
import { connected, disconnected, serversIn, type Change } from "../connect/edit";
import { readConfig, removeConfig, writeConfig, type ConfigFile } from "../connect/file";
import { chooseTargets, everyTarget, type Endpoints } from "../connect/targets";
import { FormatIssue, type ConnectTarget, type Scope, type Surroundings } from "../connect/types";
import { CliError } from "../errors";
import { health, table } from "../output";
import { DEFAULT_STACK } from "../project";
import type { Session } from "../session";
import { edgeFetch, edgeServerUrl, edgeUrl } from "../stack/edge";

/** Options of `./mcp connect`. */
export interface ConnectOptions {
    /** @default project where the client has a file there, else user */
    readonly scope?: Scope;
    /** The single endpoint (true) or one entry a server (false). @default the single one where there is one */
    readonly allServers?: boolean;
    readonly print?: boolean;
    readonly remove?: boolean;
    readonly check?: boolean;
    /** Write the token itself where a client takes no reference to its environment. */
    readonly writeToken?: boolean;
}

/** Endpoints a stack has at its edge: all servers as one, and each of them; the same token opens both. */
export function publishedEndpoints(session: Session): Endpoints {
    const { project } = session;
    const context = project.context();
    const token = { tokenEnv: tokenVariable(project.stack), tokenFrom: tokenCommand(session) };
    const servers = project.manifests().map(({ name }) => ({
        name,
        url: edgeServerUrl(context, name),
        ...token,
    }));
    return {
        all: { name: `${context.settings.namePrefix}mcp`, url: edgeUrl(context), ...token },
        servers,
    };
}

/** Variable that a client finds its token in: by stack, so that several stacks can be used at once. */
export function tokenVariable(stack: string): string {
    return `MCP_TOKEN_${stack.toUpperCase().replace(/[^A-Z0-9]/g, "_")}`;
}

/** The client of a name; an unknown name is an error that lists the known ones. */
function clientOf(name: string): Client {
    const found = CLIENTS.find((client) => client.name === name);
    if (found) return found;
    const known = CLIENTS.map((client) => client.name).join(", ");
    throw new CliError(`${name}: no client of that name`, `use one of: ${known}`);
}

function surroundings(): Surroundings {
    return {
        home: homedir(),
        // The launcher changes into its own folder; the project is where it was called.
        project: process.env.MCP_CALLER_DIR ?? process.cwd(),
        platform: process.platform,
        env: process.env,
        exists: existsSync,
    };
}

/** The scope to use and the client's file in it. */
function placeOf(
    client: Client,
    wanted: Scope | undefined,
    place: Surroundings,
): { scope: Scope; file: string } {
    const scopes: Scope[] = wanted === undefined ? ["project", "user"] : [wanted];
    for (const scope of scopes) {
        const file = client.file(scope, place);
        if (file !== undefined) return { scope, file };
    }
    throw new CliError(
        `${client.name} has no configuration file for a project`,
        `run ./mcp connect ${client.name} --scope user`,
    );
}

/** How a target's token stands in the file; a client that takes no reference needs `--write-token`. */
function tokenIn(
    client: Client,
    target: ConnectTarget,
    scope: Scope,
    file: ConfigFile,
    options: ConnectOptions,
): Token | undefined {
    const { name, tokenEnv } = target;
    if (tokenEnv === undefined) return undefined;
    if (client.reference) return { variable: tokenEnv, reference: client.reference(tokenEnv) };
    if (options.writeToken !== true || scope !== "user") {
        throw new CliError(
            `${client.name} takes no token from its environment: ${name} would need it in the file`,
            "add --scope user --write-token to write it into your own file",
        );
    }
    if (file.mode !== undefined && (file.mode & 0o077) !== 0) {
        throw new CliError(
            `${file.real}: others can read it (mode ${file.mode.toString(8)}), and the token would be in it`,
            `run chmod 600 '${file.real}'`,
        );
    }
    if (options.print === true) return { variable: tokenEnv, reference: `<value of ${tokenEnv}>` };
    return { variable: tokenEnv, reference: tokenValue(target) };
}

/** The command that prints a token: of the client that may do everything, or else of the first that has one. */
function tokenCommand({ project }: Session): string {
    const names = project.clients().flatMap(({ name, oauthClient }) => (oauthClient ? [] : [name]));
    const client = names.includes("local") ? "local" : (names[0] ?? "NAME");
    const stack = project.stack === DEFAULT_STACK ? "" : `--stack ${project.stack} `;
    return `./mcp ${stack}client token ${client}`;
}

/** What puts the token into a shell. */
function exportOf({ tokenEnv = "", tokenFrom = "..." }: ConnectTarget): string {
    return `export ${tokenEnv}="$(${tokenFrom})"`;
}

function tokenValue(target: ConnectTarget): string {
    const { tokenEnv: variable = "" } = target;
    const value = process.env[variable];
    if (value !== undefined && value !== "") return value;
    throw new CliError(`${variable} is not set`, `run ${exportOf(target)}`);
}

/** Does something with the text of a file; what cannot be read or edited becomes one line with the place. */
function guarded<T>(file: string, work: () => T): T {
    try {
        return work();
    } catch (error) {
        if (!(error instanceof FormatIssue)) throw error;
        const place = error.line === undefined ? file : `${file}:${String(error.line)}`;
        throw new CliError(
            `${place}: ${error.message}; nothing was written`,
            "put that right by hand, then run this again",
        );
    }
}

/**
 * `./mcp connect CLIENT`: writes a stack's endpoints into the client's own configuration file, where everything else
 * stays as it is. `--print` shows the file instead, `--remove` takes the entries out, `--check` tries those in the file.
 */
export async function connect(
    session: Session,
    name: string,
    options: ConnectOptions,
    endpoints: Endpoints,
): Promise<void> {
    if (options.check === true && (options.print === true || options.remove === true)) {
        throw new CliError(
            "--check does not go with --print or --remove",
            "run them one after the other",
        );
    }
    const client = clientOf(name);
    const { scope, file } = placeOf(client, options.scope, surroundings());
    const config = readConfig(file);
    const known = everyTarget(endpoints);
    const targets = options.remove === true ? [] : chooseTargets(endpoints, options.allServers);
    if (options.check === true) return check(session, client, config, file, targets);
    const change = guarded(file, () =>
        options.remove === true
            ? disconnected(client, config.text, known)
            : connected(client, config.text, targets, known, (target) =>
                  tokenIn(client, target, scope, config, options),
              ),
    );
    if (options.print === true) return print(session, file, change.text);
    await save(config, client, scope, change);
    report(session, client, scope, file, config, change);
    hints(session, client, scope, targets);
}

function print({ out }: Session, file: string, text: string): void {
    out.result({ file, text }, () => text.replace(/\n$/, ""));
}

async function save(
    config: ConfigFile,
    client: Client,
    scope: Scope,
    change: Change,
): Promise<void> {
    if (change.text === config.text) return;
    const empty = change.text.trim() === "";
    if (empty && !config.linked) return removeConfig(config);
    const newMode = scope === "user" ? 0o600 : 0o666 & ~process.umask();
    await writeConfig(config, empty ? client.format.blank : change.text, newMode);
}

function report(
    { out }: Session,
    client: Client,
    scope: Scope,
    file: string,
    { text }: ConfigFile,
    { written, removed, text: after }: Change,
): void {
    const changed = after !== text;
    out.result({ client: client.name, scope, file, changed, written, removed }, () => {
        if (!changed) return `${file}: nothing to change`;
        const parts = [
            ...(written.length > 0 ? [`wrote ${written.join(", ")}`] : []),
            ...(removed.length > 0 ? [`removed ${removed.join(", ")}`] : []),
        ];
        return `${file}: ${parts.join("; ")}`;
    });
}

/** No client knows the stack's own authority. */
function authorityHint({ out, project }: Session, targets: readonly ConnectTarget[]): void {
    if (project.context().settings.edge.tls.mode !== "own" || targets.length === 0) return;
    out.say(
        `the client has to trust the stack's authority: ./mcp ca > mcp-ca.pem, and start it with ` +
            "NODE_EXTRA_CA_CERTS (Node) or SSL_CERT_FILE (others) naming that file; docs/edge.md says more",
    );
}

/** What has to be known or done besides; nothing after a removal, which has no targets. */
function hints(
    session: Session,
    client: Client,
    scope: Scope,
    targets: readonly ConnectTarget[],
): void {
    const { out } = session;
    const hint = client.hint?.[scope];
    authorityHint(session, targets);
    if (hint !== undefined && targets.length > 0) out.say(hint);
    if (!client.reference || client.support) return;
    const [target] = targets.filter(({ tokenEnv }) => tokenEnv !== undefined);
    if (target) out.say(`start ${client.name} with its token: ${exportOf(target)}`);
}

async function check(
    { out, project }: Session,
    client: Client,
    { text }: ConfigFile,
    file: string,
    targets: readonly ConnectTarget[],
): Promise<void> {
    const servers = guarded(file, () => serversIn(client, text));
    const entries = targets.map((target) => {
        const entry = servers[target.name];
        const address = entry?.[client.address];
        if (entry !== undefined && typeof address === "string" && URL.canParse(address))
            return {
                target,
                address,
                token: tokenOfEntry(client, entry, target, () => tokenValue(target)),
            };
        throw new CliError(
            `${file}: no entry with an address for ${target.name}`,
            `run ./mcp connect ${client.name}`,
        );
    });
    const through = await edgeFetch(project);
    const checked = await Promise.all(
        entries.map(({ target, address, token }) =>
            checkEndpoint(target.name, address, token, through),
        ),
    );
    out.result({ client: client.name, file, servers: checked }, () =>
        table(
            ["SERVER", "ENDPOINT", "STATE", "TOOLS"],
            checked.map(({ server, url, state, tools, detail }) => [
                server,
                url,
                health(state),
                state === "ok" ? tools.join(" ") : detail,
            ]),
        ),
    );
    const failed = checked.filter(({ state }) => state === "failed").map(({ server }) => server);
    if (failed.length > 0)
        throw new CliError(`no answer from ${failed.join(", ")}`, "run ./mcp status to see why");
}
