import * as fs from "node:fs";
import * as path from "node:path";
import { compareText, errorCode } from "./errors";
import {
    formatPath,
    ManifestError,
    type FieldPath,
    type Issue,
    type ManifestProblem,
} from "./manifest-issue";
import { normalise, type ServerManifest } from "./manifest-normalise";
import { at, ruleIssues } from "./manifest-rules";
import { isRawManifest, schemaIssues } from "./manifest-schema";
import { readYaml, type YamlDocument } from "./yaml-document";

export { formatProblem, ManifestError, type ManifestProblem } from "./manifest-issue";
export { canonicalJson, type ServerManifest } from "./manifest-normalise";

/** Largest manifest, in bytes. */
export const LARGEST_MANIFEST = 256 * 1024;

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
}

/**
 * Reads every *.yml and *.yaml file of a folder (not of its subfolders; hidden files are left out).
 *
 * @param dir folder of the manifests; an empty one is fine
 * @returns the servers, sorted by name, whatever order the file system lists the files in
 * @throws ManifestError with all problems of all files
 */
export function loadManifests(dir: string): ServerManifest[] {
    const folder = path.basename(path.resolve(dir));
    const parsed = listManifests(dir, folder).map((name) => {
        const file = `${folder}/${name}`;
        const { text, problem } = readManifest(path.join(dir, name), file);
        return problem === undefined
            ? parse(file, text)
            : { manifest: undefined, problems: [problem], claims: [] };
    });
    const problems = [
        ...parsed.flatMap((one) => one.problems),
        ...duplicates(parsed.flatMap((one) => one.claims)),
    ].sort(byPlace);
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
    if (Buffer.byteLength(text) > LARGEST_MANIFEST) {
        return { problems: [tooLarge(file)], claims: [] };
    }
    const doc = readYaml(text);
    const broken = doc.issues.map((issue) => ({ file, ...issue }));
    if (doc.data === undefined) return { problems: broken, claims: [] };
    if (doc.data === null) {
        const problem = wholeFile(
            file,
            1,
            "the file is empty",
            "start with apiVersion: mcp/v1, or remove it",
        );
        return { problems: [...broken, problem], claims: [] };
    }
    const issues = [...schemaIssues(doc.data), ...ruleIssues(doc.data)];
    const problems = [...broken, ...issues.map((issue) => placed(file, doc, issue))]
        .sort(byPlace)
        .filter((problem, index, all) => index === 0 || byPlace(problem, all[index - 1]) !== 0);
    const claims = claimsOf(file, doc);
    return problems.length === 0 && isRawManifest(doc.data)
        ? { manifest: normalise(file, doc.data), problems, claims }
        : { problems, claims };
}

function placed(file: string, doc: YamlDocument, issue: Issue): ManifestProblem {
    const { path: where, problem, remedy } = issue;
    return { file, ...doc.locate(where), field: formatPath(where), problem, remedy };
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

function listManifests(dir: string, folder: string): string[] {
    try {
        return fs
            .readdirSync(dir)
            .filter((name) => /\.ya?ml$/.test(name) && !name.startsWith("."))
            .sort(compareText);
    } catch (error) {
        const missing = errorCode(error) === "ENOENT";
        const problem = missing
            ? "the folder of the manifests does not exist"
            : `the folder of the manifests cannot be read (${errorCode(error) ?? "unknown error"})`;
        const remedy = "create it, or set it with: pulumi config set manifestsDir <folder>";
        throw new ManifestError([wholeFile(folder, 0, problem, remedy)]);
    }
}

function readManifest(
    location: string,
    file: string,
): { text: string; problem?: undefined } | { text?: undefined; problem: ManifestProblem } {
    try {
        const stat = fs.statSync(location);
        if (!stat.isFile()) {
            const remedy = "move it away, or give it another ending";
            return { problem: wholeFile(file, 0, "is not a file", remedy) };
        }
        if (stat.size > LARGEST_MANIFEST) return { problem: tooLarge(file) };
        const bytes = fs.readFileSync(location);
        return { text: new TextDecoder("utf-8", { fatal: true }).decode(bytes) };
    } catch (error) {
        const code = errorCode(error);
        const [problem, remedy] =
            code === "ERR_ENCODING_INVALID_ENCODED_DATA"
                ? ["is not UTF-8", "save it as UTF-8"]
                : [`cannot be read (${code ?? "unknown error"})`, "check its permissions"];
        return { problem: wholeFile(file, 0, problem, remedy) };
    }
}

function tooLarge(file: string): ManifestProblem {
    return wholeFile(file, 1, "the file is larger than 256 KiB", "write one server a file");
}

function wholeFile(file: string, line: 0 | 1, problem: string, remedy: string): ManifestProblem {
    return { file, line, column: line, field: "", problem, remedy };
}

/** Order in the text; 0 for one problem that the schema and a rule have both found. */
function byPlace(a: ManifestProblem, b: ManifestProblem | undefined): number {
    if (b === undefined) return 1;
    return (
        compareText(a.file, b.file) ||
        a.line - b.line ||
        a.column - b.column ||
        compareText(a.field, b.field) ||
        compareText(a.problem, b.problem)
    );
}
