import * as fs from "node:fs";
import * as path from "node:path";
import { compareText, errorCode } from "./errors";
import { formatPath, ManifestError, type Issue, type ManifestProblem } from "./manifest-issue";
import { readYaml, type YamlDocument } from "./yaml-document";

/** Largest manifest or client file, in bytes. */
export const LARGEST_MANIFEST = 256 * 1024;

/** A folder of YAML files that describe one kind of thing. */
export interface Folder {
    /** What the files describe, in the plural. */
    readonly of: "manifests" | "clients";
    /** What one file describes. */
    readonly one: "server" | "client";
    /** Setting that names the folder. */
    readonly setting: string;
}

/** A file that was read, or why it could not be. */
export type FolderFile = { readonly file: string } & (
    | { readonly text: string; readonly problem?: undefined }
    | { readonly text?: undefined; readonly problem: ManifestProblem }
);

/**
 * Every *.yml and *.yaml file of a folder, by name (not of its subfolders; hidden files are left out).
 *
 * @throws ManifestError when the folder cannot be read
 */
export function readFolder(dir: string, kind: Folder): FolderFile[] {
    const folder = path.basename(path.resolve(dir));
    return listFiles(dir, folder, kind).map((name) => {
        const file = `${folder}/${name}`;
        return { file, ...readFile(path.join(dir, name), file, kind) };
    });
}

/** A text as YAML, or the problems that keep it from being looked at; `first` begins such a file. */
export function readDocument(
    file: string,
    text: string,
    kind: Folder,
): { readonly doc: YamlDocument | undefined; readonly problems: ManifestProblem[] } {
    if (Buffer.byteLength(text) > LARGEST_MANIFEST) {
        return { doc: undefined, problems: [tooLarge(file, kind)] };
    }
    const doc = readYaml(text);
    const problems = doc.issues.map((issue) => ({ file, ...issue }));
    if (doc.data === undefined) return { doc: undefined, problems };
    if (doc.data !== null) return { doc, problems };
    const remedy = "start with apiVersion: mcp/v1, or remove it";
    const empty = wholeFile(file, 1, "the file is empty", remedy);
    return { doc: undefined, problems: [...problems, empty] };
}

/** An issue at its place in the text. */
export function placed(file: string, doc: YamlDocument, issue: Issue): ManifestProblem {
    const { path: where, problem, remedy } = issue;
    return { file, ...doc.locate(where), field: formatPath(where), problem, remedy };
}

/** Problems in the order of the text, each once: the schema and a rule may have found the same. */
export function inOrder(problems: readonly ManifestProblem[]): ManifestProblem[] {
    return [...problems]
        .sort(byPlace)
        .filter((problem, index, all) => index === 0 || byPlace(problem, all[index - 1]) !== 0);
}

function listFiles(dir: string, folder: string, kind: Folder): string[] {
    try {
        return fs
            .readdirSync(dir)
            .filter((name) => /\.ya?ml$/.test(name) && !name.startsWith("."))
            .sort(compareText);
    } catch (error) {
        const missing = errorCode(error) === "ENOENT";
        const problem = missing
            ? `the folder of the ${kind.of} does not exist`
            : `the folder of the ${kind.of} cannot be read (${errorCode(error) ?? "unknown error"})`;
        const remedy = `create it, or set it with: pulumi config set ${kind.setting} <folder>`;
        throw new ManifestError([wholeFile(folder, 0, problem, remedy)]);
    }
}

function readFile(
    location: string,
    file: string,
    kind: Folder,
): { text: string; problem?: undefined } | { text?: undefined; problem: ManifestProblem } {
    try {
        const stat = fs.statSync(location);
        if (!stat.isFile()) {
            const remedy = "move it away, or give it another ending";
            return { problem: wholeFile(file, 0, "is not a file", remedy) };
        }
        if (stat.size > LARGEST_MANIFEST) return { problem: tooLarge(file, kind) };
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

function tooLarge(file: string, { one }: Folder): ManifestProblem {
    return wholeFile(file, 1, "the file is larger than 256 KiB", `write one ${one} a file`);
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
