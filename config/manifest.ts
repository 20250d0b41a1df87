import { GATEWAY_NAME, MANAGER_NAME } from "./defaults";
import { inOrder, placed, readDocument, readFolder, type Folder } from "./document-files";
import { compareText } from "./errors";
import { ManifestError, type FieldPath, type ManifestProblem } from "./manifest-issue";
import { normalise, type ServerManifest } from "./manifest-normalise";
import { at, ruleIssues } from "./manifest-rules";
import { isRawManifest, schemaIssues } from "./manifest-schema";
import type { YamlDocument } from "./yaml-document";

export { formatProblem, ManifestError, type ManifestProblem } from "./manifest-issue";
export { canonicalJson, type ServerManifest } from "./manifest-normalise";

export { LARGEST_MANIFEST } from "./document-files";

const FOLDER: Folder = { of: "manifests", one: "server", setting: "manifestsDir" };

/** A value with its place, for rules that compare files. */
interface Claim {
    readonly field: "metadata.name" | "spec.port";
    readonly value: string | number;
    readonly file: string;
    readonly line: number;
    readonly column: number;
}

interface Parsed {
    readonly manifest?: ServerManifest;
    readonly problems: ManifestProblem[];
    readonly claims: readonly Claim[];
    /** Places of the egress list's items. */
    readonly places?: readonly { readonly line: number; readonly column: number }[];
}

/**
 * Reads every *.yml and *.yaml file of a folder (not of its subfolders; hidden files are left out).
 *
 * @param dir folder of the manifests; an empty one is fine
 * @returns the servers, sorted by name, whatever order the file system lists the files in
 * @throws ManifestError with all problems of all files
 */
export function loadManifests(dir: string): ServerManifest[] {
    const parsed = readFolder(dir, FOLDER).map(({ file, text, problem }) =>
        problem === undefined
            ? parse(file, text)
            : { manifest: undefined, problems: [problem], claims: [] },
    );
    const problems = inOrder([
        ...parsed.flatMap((one) => one.problems),
        ...duplicates(parsed.flatMap((one) => one.claims)),
        ...inwardTargets(parsed),
    ]);
    if (problems.length > 0) throw new ManifestError(problems);
    return parsed.flatMap((one) => one.manifest ?? []).sort((a, b) => compareText(a.name, b.name));
}

/**
 * Reads one manifest. Rules that compare files (names, ports) are `loadManifests`'s.
 *
 * @param file how the file is called in problems
 * @param text its content
 */
export function parseManifest(
    file: string,
    text: string,
): { manifest?: ServerManifest; problems: ManifestProblem[] } {
    const { manifest, problems } = parse(file, text);
    return manifest === undefined ? { problems } : { manifest, problems };
}

function parse(file: string, text: string): Parsed {
    const { doc, problems: broken } = readDocument(file, text, FOLDER);
    if (doc === undefined) return { problems: broken, claims: [] };
    const issues = [...schemaIssues(doc.data), ...ruleIssues(doc.data)];
    const problems = inOrder([...broken, ...issues.map((issue) => placed(file, doc, issue))]);
    const claims = claimsOf(file, doc);
    return problems.length === 0 && isRawManifest(doc.data)
        ? { manifest: normalise(file, doc.data), problems, claims, places: egressPlaces(doc) }
        : { problems, claims };
}

function egressPlaces(doc: YamlDocument): NonNullable<Parsed["places"]> {
    const egress = at(doc.data, ["spec", "egress"]);
    if (!Array.isArray(egress)) return [];
    return egress.map((_, index) => doc.locate(["spec", "egress", index]));
}

/** One problem for each egress target with the name of a container in here, which servers would take that name for. */
function inwardTargets(parsed: readonly Parsed[]): ManifestProblem[] {
    const inside = new Set([GATEWAY_NAME, MANAGER_NAME]);
    for (const { manifest } of parsed) if (manifest) inside.add(manifest.name);
    return parsed.flatMap(({ manifest, places = [] }) =>
        (manifest?.egress ?? []).flatMap((text, index) => {
            const host = text.slice(0, text.lastIndexOf(":"));
            if (manifest === undefined || !inside.has(host)) return [];
            const problem = `${host} is a container of this stack, which no server reaches`;
            const remedy = "name a host outside by another name or by its address";
            const { line, column } = places[index] ?? { line: 0, column: 0 };
            const field = `spec.egress[${index}]`;
            return [{ file: manifest.file, line, column, field, problem, remedy }];
        }),
    );
}

function claimsOf(file: string, doc: YamlDocument): Claim[] {
    const claim = (where: FieldPath, field: Claim["field"]): Claim[] => {
        const value = at(doc.data, where);
        if (typeof value !== "string" && typeof value !== "number") return [];
        return [{ field, value, file, ...doc.locate(where) }];
    };
    return [
        ...claim(["metadata", "name"], "metadata.name"),
        ...claim(["spec", "port"], "spec.port"),
    ];
}

/** One problem for each claim on something an earlier file has. */
function duplicates(claims: readonly Claim[]): ManifestProblem[] {
    const first = new Map<string, Claim>();
    return claims.flatMap((claim) => {
        const key = `${claim.field} ${JSON.stringify(claim.value)}`;
        const taken = first.get(key);
        if (taken === undefined) {
            first.set(key, claim);
            return [];
        }
        const { field, file, line, column } = claim;
        const thing = field === "spec.port" ? "port" : "name";
        const problem = `this ${thing} is taken by ${taken.file}:${taken.line}`;
        const remedy = `give each server its own ${thing}`;
        return [{ file, line, column, field, problem, remedy }];
    });
}
