/** Where in a manifest: keys and list indexes from the top. */
export type FieldPath = readonly (string | number)[];

/** Something wrong with a manifest, before its place in the file is known. */
export interface Issue {
    readonly path: FieldPath;
    readonly problem: string;
    readonly remedy: string;
}

/** A problem with a place and a way out. */
export interface ManifestProblem {
    /** Folder and name of the file, like "manifests/files-mcp.yml". */
    readonly file: string;
    /** From 1; 0 when the problem is not inside a file. */
    readonly line: number;
    /** From 1; 0 when the problem is not inside a file. */
    readonly column: number;
    /** Dotted path of the field, like "spec.volumes[0].path"; "" for the file as a whole. */
    readonly field: string;
    readonly problem: string;
    readonly remedy: string;
}

/** All problems of all manifests; the message has one line for each. */
export class ManifestError extends Error {
    public constructor(public readonly problems: readonly ManifestProblem[]) {
        super(problems.map(formatProblem).join("\n"));
        this.name = "ManifestError";
    }
}

/** One line: `manifests/x.yml:12:5 spec.port: 80 is not a free port; use ...`. */
export function formatProblem(p: ManifestProblem): string {
    const place = p.line === 0 ? p.file : `${p.file}:${p.line}:${p.column}`;
    return `${place}${p.field === "" ? "" : ` ${p.field}`}: ${p.problem}; ${p.remedy}`;
}

/** The path as people write it: `spec.volumes[0].path`. Odd keys are quoted and cut at 60 characters. */
export function formatPath(path: FieldPath): string {
    return path
        .map((part, index) => {
            if (typeof part === "number") return `[${part}]`;
            const plain = /^[A-Za-z_][A-Za-z0-9_-]{0,59}$/.test(part);
            if (!plain) return `[${JSON.stringify(part.slice(0, 60))}]`;
            return index === 0 ? part : `.${part}`;
        })
        .join("");
}
