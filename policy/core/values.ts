import { UNKNOWN, type Finding, type Value } from "./model";

/** A value decides the rule and is not known yet. */
export class Undecided extends Error {
    constructor(readonly path: string) {
        super(`${path} is not known yet`);
    }
}

/** A value is of a type the rule does not know how to judge. */
export class Mistyped extends Error {
    constructor(
        readonly path: string,
        readonly expected: string,
    ) {
        super(`${path} is not ${expected}`);
    }
}

/** A property with its path; see `Value`. */
export function valueAt(value: unknown, path: string): Value {
    // The provider's form of "not set", and of what it adds to every mapping.
    const missing = value === undefined || value === null;
    const known = (): unknown => {
        if (value === UNKNOWN) throw new Undecided(path);
        return value;
    };
    const typed = <T>(expected: string, is: (item: unknown) => item is T): T | undefined => {
        const found = known();
        if (missing) return undefined;
        if (!is(found)) throw new Mistyped(path, expected);
        return found;
    };
    const mapping = (): Record<string, unknown> => typed("a mapping", isMapping) ?? {};
    return {
        path,
        given: !missing,
        unknown: value === UNKNOWN,
        at: (key) => valueAt(ownValue(mapping(), key), path === "" ? key : `${path}.${key}`),
        text: () => typed("text", (item): item is string => typeof item === "string"),
        number: () =>
            typed("a number", (item): item is number => {
                return typeof item === "number" && Number.isFinite(item);
            }),
        flag: () => typed("true or false", (item): item is boolean => typeof item === "boolean"),
        items: () =>
            (typed("a list", (item): item is unknown[] => Array.isArray(item)) ?? []).map(
                (item, index) => valueAt(item, `${path}[${String(index)}]`),
            ),
        keys: () =>
            Object.keys(mapping())
                .filter((key) => key !== "__defaults")
                .sort(),
    };
}

/**
 * What a check finds, where reading an unknown or mistyped value is a finding and not the end: of several concerns,
 * or several members of a list, none hides what is wrong with another.
 */
export function* guarded(...checks: readonly (() => Iterable<Finding>)[]): Iterable<Finding> {
    for (const check of checks) {
        try {
            yield* check();
        } catch (error) {
            yield findingOf(error);
        }
    }
}

/** What a check finds with each member of a list. */
export function* each(list: Value, check: (item: Value) => Iterable<Finding>): Iterable<Finding> {
    yield* guarded(function* () {
        for (const item of list.items()) yield* guarded(() => check(item));
    });
}

function findingOf(error: unknown): Finding {
    if (error instanceof Undecided) {
        return { path: error.path, problem: "is not known before up", undecided: true };
    }
    if (error instanceof Mistyped) return { path: error.path, problem: `is not ${error.expected}` };
    throw error;
}

function isMapping(value: unknown): value is Record<string, unknown> {
    return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Own properties only: `constructor` is no input. */
function ownValue(record: Readonly<Record<string, unknown>>, key: string): unknown {
    return Object.hasOwn(record, key) ? record[key] : undefined;
}
