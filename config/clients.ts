import * as path from "node:path";

import { CLIENT_DEFAULTS, SYSTEM_CLIENT } from "./defaults";
import { inOrder, placed, readDocument, readFolder, type Folder } from "./document-files";
import { compareText, shown } from "./errors";
import { fileSchema } from "./file-schema";
import { ManifestError, type Issue, type ManifestProblem } from "./manifest-issue";
import { toolAccess, type ToolAccess } from "./manifest-normalise";

export type { ToolAccess } from "./manifest-normalise";

/** One client of the gateway, checked, with every default filled in. */
export interface ClientFile {
    /** Folder and name of the file, like "clients/local.yml". */
    readonly file: string;
    /** Unique in the stack. */
    readonly name: string;
    /** Names of servers, or `*`. */
    readonly servers: readonly string[];
    readonly tools: ToolAccess;
    readonly limits: {
        readonly callsPerMinute: number;
        /** Calls at once, and as many streams. */
        readonly concurrent: number;
        readonly bodyBytes: number;
        readonly sessions: number;
    };
    /** What its access tokens call it (`oauthClientClaim`); it has no token of its own then. */
    readonly oauthClient: string | undefined;
    /** Another number is another token. */
    readonly tokenEpoch: number;
}

/** A client file as it is written, after the schema has accepted it. */
interface RawClient {
    readonly metadata: { readonly name: string };
    readonly spec: {
        readonly servers: readonly string[];
        readonly tools?: Partial<ToolAccess>;
        readonly limits?: Partial<ClientFile["limits"]>;
        readonly oauthClient?: string;
        readonly tokenEpoch?: number;
    };
}

const FOLDER: Folder = { of: "clients", one: "client", setting: "clientsDir" };
const SCHEMA = fileSchema<RawClient>(path.join(__dirname, "..", "clients", "schema.json"));

/**
 * Reads every *.yml and *.yaml file of a folder.
 *
 * @param dir folder of the client files; an empty one is fine: then only the system's own client gets in
 * @param servers names of the servers there are, which a client may name
 * @param oauth whether the stack takes access tokens, which a client with `oauthClient` comes with
 * @returns the clients, sorted by name
 * @throws ManifestError with all problems of all files
 */
export function loadClients(dir: string, servers: readonly string[], oauth: boolean): ClientFile[] {
    const taken = new Map<string, string>([[SYSTEM_CLIENT, "the system"]]);
    const read = readFolder(dir, FOLDER).map(({ file, text, problem }) =>
        problem === undefined
            ? parse(file, text, { servers, oauth }, taken)
            : { problems: [problem] },
    );
    const problems = inOrder(read.flatMap((one) => one.problems));
    if (problems.length > 0) throw new ManifestError(problems);
    return read.flatMap(({ client }) => client ?? []).sort((a, b) => compareText(a.name, b.name));
}

/** What of the stack a client's file has to fit. */
interface Stack {
    readonly servers: readonly string[];
    readonly oauth: boolean;
}

interface Parsed {
    readonly client?: ClientFile;
    readonly problems: readonly ManifestProblem[];
}

function parse(file: string, text: string, stack: Stack, taken: Map<string, string>): Parsed {
    const { doc, problems: broken } = readDocument(file, text, FOLDER);
    if (doc === undefined) return { problems: broken };
    const { data } = doc;
    if (!SCHEMA.fits(data)) {
        const issues = SCHEMA.issues(data).map((issue) => placed(file, doc, issue));
        return { problems: [...broken, ...issues] };
    }
    const issues = [
        ...nameIssues(file, data, taken),
        ...serverIssues(data, stack),
        ...oauthIssues(data, stack),
    ];
    const problems = [...broken, ...issues.map((issue) => placed(file, doc, issue))];
    return problems.length > 0 ? { problems } : { client: normalise(file, data), problems };
}

function nameIssues(file: string, { metadata }: RawClient, taken: Map<string, string>): Issue[] {
    const { name } = metadata;
    const by = taken.get(name);
    if (by === undefined) {
        taken.set(name, file);
        return [];
    }
    const problem = `this name is taken by ${by}`;
    return [{ path: ["metadata", "name"], problem, remedy: "give each client its own name" }];
}

function oauthIssues({ spec }: RawClient, { oauth }: Stack): Issue[] {
    if (oauth || spec.oauthClient === undefined) return [];
    const problem = "this stack takes no access tokens";
    const remedy = "set oauthIssuer, oauthJwksUri and oauthAudience, or remove it for a token";
    return [{ path: ["spec", "oauthClient"], problem, remedy }];
}

function serverIssues({ spec }: RawClient, { servers }: Stack): Issue[] {
    return spec.servers.flatMap((name, index) =>
        name === "*" || servers.includes(name)
            ? []
            : [
                  {
                      path: ["spec", "servers", index],
                      problem: `${shown(name)} is no server of this stack`,
                      remedy: `use one of ${servers.join(", ") || "(none)"}, or "*" for all`,
                  },
              ],
    );
}

function normalise(file: string, { metadata, spec }: RawClient): ClientFile {
    const { callsPerMinute, concurrent, bodyBytes, sessions } = {
        ...CLIENT_DEFAULTS,
        ...spec.limits,
    };
    return {
        file,
        name: metadata.name,
        servers: [...spec.servers],
        tools: toolAccess(spec.tools),
        limits: { callsPerMinute, concurrent, bodyBytes, sessions },
        oauthClient: spec.oauthClient,
        tokenEpoch: spec.tokenEpoch ?? CLIENT_DEFAULTS.tokenEpoch,
    };
}
