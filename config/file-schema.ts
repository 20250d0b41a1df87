import Ajv, { type ErrorObject, type ValidateFunction } from "ajv";
import { readFileSync } from "node:fs";
import { shown } from "./errors";
import type { FieldPath, Issue } from "./manifest-issue";
import { closest } from "./suggest";

/** A schema of a kind of file, with our words for what does not fit it (`x-is`, `x-remedy`, `x-show`). */
export interface FileSchema<T> {
    /** Whether the data has the shape (`issues` finds nothing). */
    fits(data: unknown): data is T;
    /** What the schema finds wrong, in its own order. */
    readonly issues: (data: unknown) => Issue[];
}

/** Wrappers around the error that says what is wrong. */
const WRAPPERS: ReadonlySet<string> = new Set(["propertyNames", "if"]);

/** The schema in a JSON file, read and compiled at its first use. */
export function fileSchema<T>(schemaFile: string): FileSchema<T> {
    let compiled: ValidateFunction<T> | undefined;
    const validator = (): ValidateFunction<T> => (compiled ??= compile<T>(schemaFile));
    return {
        fits: (data): data is T => validator()(data),
        issues: (data) => {
            const validate = validator();
            return validate(data) ? [] : issuesOf(validate.errors ?? []);
        },
    };
}

function compile<T>(schemaFile: string): ValidateFunction<T> {
    const ajv = new Ajv({
        allErrors: true,
        verbose: true,
        strict: true,
        strictRequired: false, // the branches of oneOf name fields of the object around them
        allowUnionTypes: true,
    });
    ajv.addVocabulary(["x-is", "x-remedy", "x-show"]);
    return ajv.compile<T>(JSON.parse(readFileSync(schemaFile, "utf8")) as object);
}

function issuesOf(errors: readonly ErrorObject[]): Issue[] {
    const issues = errors
        .filter((error) => !WRAPPERS.has(error.keyword) && !error.schemaPath.includes("/oneOf/"))
        .filter((error) => error.keyword !== "oneOf" || isMapping(error.data))
        .map(issueOf);
    const seen = new Set<string>();
    return issues.filter((issue) => {
        const text = JSON.stringify(issue);
        return !seen.has(text) && seen.add(text);
    });
}

function issueOf(error: ErrorObject): Issue {
    const at = pointer(error);
    const schema: unknown = error.parentSchema;
    const words = wordsOf(schema);
    const param = (name: string): string => String((error.params as Record<string, unknown>)[name]);
    switch (error.keyword) {
        case "required":
        case "dependencies": {
            const field = param("missingProperty");
            const remedy = wordsOf(member(member(schema, "properties"), field)).remedy;
            return { path: [...at, field], problem: "is missing", remedy };
        }
        case "additionalProperties": {
            const field = param("additionalProperty");
            const known = Object.keys(member(schema, "properties") ?? {});
            return {
                path: [...at, field],
                problem: "is not a known field",
                remedy: meant(field, known),
            };
        }
        case "oneOf": {
            const both = error.params.passingSchemas !== null;
            return both
                ? {
                      path: [...at, "image"],
                      problem: "build and image are both given",
                      remedy: "keep one of them",
                  }
                : {
                      path: at,
                      problem: "neither build nor image is given",
                      remedy: "add build: <folder under images/> or image: <name@sha256:...>",
                  };
        }
        case "minItems":
            return { path: at, problem: "the list is empty", remedy: words.remedy };
        case "maxItems": {
            const problem = `the list has more than ${param("limit")} items`;
            return { path: at, problem, remedy: "shorten it" };
        }
        case "uniqueItems": {
            const items = [Number(param("i")), Number(param("j"))];
            return {
                path: [...at, Math.max(...items)],
                problem: `is the same as item ${Math.min(...items)}`,
                remedy: "keep one of them",
            };
        }
        default:
            return { path: at, problem: misfit(error, words), remedy: words.remedy };
    }
}

interface Words {
    readonly is: string;
    readonly remedy: string;
    readonly show: boolean;
}

function wordsOf(schema: unknown): Words {
    const text = (key: string, fallback: string): string => {
        const value = member(schema, key);
        return typeof value === "string" ? value : fallback;
    };
    return {
        is: text("x-is", "what belongs here"),
        remedy: text("x-remedy", "see the schema.json beside the file"),
        show: member(schema, "x-show") === true,
    };
}

/** A value is repeated only where the schema allows it: elsewhere it may be a secret. */
function misfit(error: ErrorObject, words: Words): string {
    const value: unknown = error.data;
    if (error.propertyName !== undefined) return `is not ${words.is}`;
    if (value === null || value === undefined) return "has no value";
    if (Array.isArray(value) || typeof value === "object" || words.show) {
        return `${shown(value)} is not ${words.is}`;
    }
    if (error.keyword !== "type") return `the value is not ${words.is}`;
    const kind = { string: "text", number: "a number", boolean: "true or false" } as const;
    return `${kind[typeof value as keyof typeof kind] ?? "the value"} is not ${words.is}`;
}

function meant(field: string, known: readonly string[]): string {
    const near = closest(field, known);
    if (near !== undefined) return `did you mean ${near}?`;
    return `known fields here: ${known.join(", ")}`;
}

function pointer(error: ErrorObject): FieldPath {
    // Numbers are list indexes or keys that look like one; the place in the file is found either way.
    const parts = error.instancePath
        .split("/")
        .slice(1)
        .map((part) => part.replace(/~1/g, "/").replace(/~0/g, "~"))
        .map((part) => (/^(0|[1-9][0-9]*)$/.test(part) ? Number(part) : part));
    return error.propertyName === undefined ? parts : [...parts, error.propertyName];
}

function isMapping(value: unknown): boolean {
    return typeof value === "object" && value !== null && !Array.isArray(value);
}

function member(value: unknown, key: string): unknown {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
    return (value as Record<string, unknown>)[key];
}
