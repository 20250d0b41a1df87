import { SERVER_IMAGES } from "../images/catalog";
import { MAX_STOP_GRACE_SECONDS, RESERVED_LABEL_PREFIX } from "./defaults";
import { shown } from "./errors";
import { EGRESS_HOST, egressIssues } from "./egress/target";
import type { FieldPath, Issue } from "./manifest-issue";
import { COMPANION_PREFIX } from "./names";
import { holdsPrivateKey, holdsUrlPassword } from "./predicates";
import { parseDuration, parseMemory } from "./units";

/** Names of host-level services and of our own programs: a server of that name would shadow them. */
export const RESERVED_NAMES: readonly string[] = [
    ...["consul", "gateway", "manager", "postgres"],
    ...["mcp-clients", "mcp-edge", "mcp-gateway", "mcp-manager", "mcp-orchestrator"],
    ...["mcp-reporter", EGRESS_HOST],
];

/** Folders of the container that are the system's own: nothing is mounted on or below them. */
export const SYSTEM_FOLDERS: readonly string[] = [
    ...["/dev", "/etc", "/proc", "/run", "/sys", "/tmp", "/var/run"],
];

/** Longest `health.call.arguments`, as JSON: they are metadata of a Consul service, whose values end at 512. */
const MAX_CALL_ARGUMENTS = 500;

const SECRET_VARIABLE = /(PASSWORD|SECRET|TOKEN|API_?KEY|DSN)$/i;
const REFUSED_SERVER =
    /@?modelcontextprotocol\/server-postgres|(^|\/)mcp-server-postgres($|[@/])|^(docker\.io\/)?mcp\/postgres($|[:@])/i;

/** Whether a variable of that name holds a secret, by its name. */
export function looksSecret(variable: string): boolean {
    return SECRET_VARIABLE.test(variable);
}

/**
 * Whether an image or an argument names `@modelcontextprotocol/server-postgres`, whose read-only tool lets
 * clients write. Shared with the policy pack.
 */
export function namesRefusedServer(text: string): boolean {
    return REFUSED_SERVER.test(text);
}

/**
 * The rules a schema cannot say, or can only say badly. Works on data of any shape: a part that does not
 * have the right type is the schema's problem and is passed over here.
 */
export function ruleIssues(data: unknown): Issue[] {
    return [
        ...nameRules(data),
        ...serverRules(data),
        ...secretRules(data),
        ...resourceRules(data),
        ...volumeRules(data),
        ...egressRules(data),
        ...healthRules(data),
    ];
}

function nameRules(data: unknown): Issue[] {
    const name = at(data, ["metadata", "name"]);
    const reserved =
        typeof name === "string" &&
        (RESERVED_NAMES.includes(name) || name.startsWith(COMPANION_PREFIX));
    const issues: Issue[] = Object.keys(mapping(at(data, ["metadata", "labels"])))
        .filter((key) => key.startsWith(RESERVED_LABEL_PREFIX))
        .map((key) => ({
            path: ["metadata", "labels", key],
            problem: `labels that start with ${RESERVED_LABEL_PREFIX} belong to the stack`,
            remedy: "choose another prefix",
        }));
    if (!reserved) return issues;
    const problem = `${shown(name)} is the name of a part of the system`;
    return [
        { path: ["metadata", "name"], problem, remedy: `write it like ${name}-mcp` },
        ...issues,
    ];
}

function serverRules(data: unknown): Issue[] {
    const refused = {
        problem:
            "@modelcontextprotocol/server-postgres lets clients write through its read-only tool",
        remedy: "use build: dbhub, as in manifests/postgres-mcp.yml",
    };
    const image = at(data, ["spec", "image"]);
    const build = at(data, ["spec", "build"]);
    const command = list(at(data, ["spec", "command"]));
    const issues: Issue[] = command.flatMap((item, index) =>
        typeof item === "string" && namesRefusedServer(item)
            ? [{ path: ["spec", "command", index], ...refused }]
            : [],
    );
    if (typeof image === "string" && namesRefusedServer(image)) {
        issues.push({ path: ["spec", "image"], ...refused });
    }
    if (command[0] === "") issues.push(noProgram(["spec", "command", 0]));
    const known = SERVER_IMAGES.map(({ name }) => name);
    // A name of another form is the schema's problem.
    if (typeof build === "string" && /^[a-z0-9-]+$/.test(build) && !known.includes(build)) {
        const problem = `${shown(build)} is no image of this project`;
        issues.push({ path: ["spec", "build"], problem, remedy: `use one of ${known.join(", ")}` });
    }
    return issues;
}

function secretRules(data: unknown): Issue[] {
    const issues: Issue[] = [];
    for (const [key, value] of Object.entries(mapping(at(data, ["spec", "environment"])))) {
        const path = ["spec", "environment", key];
        const remedy = "use secrets: the server reads /run/secrets/<name>";
        if (looksSecret(key)) {
            issues.push({ path, problem: "looks like a secret by its name", remedy });
        } else if (typeof value === "string" && holdsUrlPassword(value)) {
            issues.push({ path, problem: "the value is a URL with a password", remedy });
        }
    }
    // As policy's secret-argument has it: a command is in every inspection.
    list(at(data, ["spec", "command"])).forEach((word, index) => {
        if (typeof word !== "string" || !(holdsUrlPassword(word) || holdsPrivateKey(word))) return;
        const path = ["spec", "command", index];
        const remedy = "use secrets: the server reads /run/secrets/<name>";
        issues.push({ path, problem: "the argument holds a secret", remedy });
    });
    const names = list(at(data, ["spec", "secrets"])).map((secret) => at(secret, ["name"]));
    return [...issues, ...repeated(names, (index) => ["spec", "secrets", index, "name"])];
}

function resourceRules(data: unknown): Issue[] {
    const text = at(data, ["spec", "resources", "memory"]);
    if (typeof text !== "string" || !/^[1-9][0-9]{0,11}(Ki|Mi|Gi)$/.test(text)) return [];
    const path = ["spec", "resources", "memory"];
    const megabytes = parseMemory(text);
    if (megabytes === undefined) {
        const problem = `${shown(text)} is not a whole number of Mi`;
        return [{ path, problem, remedy: "write it like 256Mi or 1Gi" }];
    }
    if (megabytes >= 64 && megabytes <= 1048576) return [];
    const problem = `${shown(text)} is not from 64Mi to 1024Gi`;
    return [{ path, problem, remedy: "write it like 256Mi or 1Gi" }];
}

function volumeRules(data: unknown): Issue[] {
    const paths = list(at(data, ["spec", "volumes"])).map((volume) => at(volume, ["path"]));
    const place = (index: number): FieldPath => ["spec", "volumes", index, "path"];
    const issues: Issue[] = [];
    paths.forEach((text, index) => {
        if (typeof text !== "string") return;
        const path = place(index);
        const system = SYSTEM_FOLDERS.find((f) => text === f || text.startsWith(`${f}/`));
        if (/(^|\/)\.\.?(\/|$)/.test(text)) {
            const problem = `${shown(text)} has "." or ".." in it`;
            issues.push({ path, problem, remedy: "write the folder out, like /data" });
        } else if (system !== undefined) {
            const problem = `${shown(text)} is in ${system}, which is the system's own`;
            issues.push({ path, problem, remedy: "use another folder, like /data" });
        }
    });
    return [...issues, ...repeated(paths, place)];
}

function egressRules(data: unknown): Issue[] {
    const items = list(at(data, ["spec", "egress"])).flatMap((item, index) =>
        typeof item === "string" ? [{ item, index }] : [],
    );
    return egressIssues(items.map(({ item }) => item)).map(({ index, problem, remedy }) => ({
        ...{ path: ["spec", "egress", items[index]?.index ?? 0], problem, remedy },
    }));
}

/** Durations with the range each may have, in seconds. */
const DURATIONS = [
    { path: ["spec", "health", "interval"], min: 1, max: 3600, range: "1s to 1h" },
    { path: ["spec", "health", "timeout"], min: 1, max: 600, range: "1s to 10m" },
    { path: ["spec", "health", "startPeriod"], min: 0, max: 3600, range: "0s to 1h" },
    {
        path: ["spec", "stopGrace"],
        min: 1,
        max: MAX_STOP_GRACE_SECONDS,
        range: `1s to ${MAX_STOP_GRACE_SECONDS}s`,
    },
] as const;

function healthRules(data: unknown): Issue[] {
    const issues: Issue[] = DURATIONS.flatMap(({ path, min, max, range }) => {
        const text = at(data, path);
        const seconds = typeof text === "string" ? parseDuration(text) : undefined;
        if (seconds === undefined || (seconds >= min && seconds <= max)) return [];
        return [
            { path, problem: `${shown(text)} is not from ${range}`, remedy: "write it like 10s" },
        ];
    });
    const program = list(at(data, ["spec", "health", "test"]))[0];
    const path = ["spec", "health", "test", 0];
    const given = mapping(at(data, ["spec", "health", "call", "arguments"]));
    if (JSON.stringify(given).length > MAX_CALL_ARGUMENTS) {
        const problem = `the arguments are longer than ${MAX_CALL_ARGUMENTS} characters of JSON`;
        const remedy = "choose a simpler call: it runs every few seconds";
        issues.push({ path: ["spec", "health", "call", "arguments"], problem, remedy });
    }
    if (program === "") issues.push(noProgram(path));
    if (typeof program === "string" && /^(CMD|CMD-SHELL|NONE)$/.test(program)) {
        const problem = `${program} is Docker's notation, not a program`;
        issues.push({ path, problem, remedy: "write program and arguments only" });
    }
    return issues;
}

function noProgram(path: FieldPath): Issue {
    return { path, problem: "is empty", remedy: "write the program to run" };
}

/** One issue for each text that was there before. */
function repeated(values: readonly unknown[], path: (index: number) => FieldPath): Issue[] {
    return values.flatMap((value, index) =>
        typeof value === "string" && values.indexOf(value) < index
            ? [
                  {
                      path: path(index),
                      problem: `is the same as that of item ${values.indexOf(value)}`,
                      remedy: "keep one of them, or give it another one",
                  },
              ]
            : [],
    );
}

/** The value at a path of own properties, `undefined` when there is none. */
export function at(data: unknown, path: FieldPath): unknown {
    let value: unknown = data;
    for (const part of path) {
        if (typeof value !== "object" || value === null || !Object.hasOwn(value, part))
            return undefined;
        value = (value as Record<string | number, unknown>)[part];
    }
    return value;
}

function list(value: unknown): readonly unknown[] {
    return Array.isArray(value) ? value : [];
}

function mapping(value: unknown): Readonly<Record<string, unknown>> {
    if (typeof value !== "object" || value === null || Array.isArray(value)) return {};
    return value as Readonly<Record<string, unknown>>;
}
