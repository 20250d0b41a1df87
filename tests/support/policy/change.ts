import type { ResourceRecord } from "../../../policy/core/model";

/** One change of a record. */
export type Change = (record: ResourceRecord) => ResourceRecord;

/** Sets inputs by path, such as `ports[0].ip`; `undefined` removes one. */
export function props(values: Readonly<Record<string, unknown>>): Change {
    return (record) => {
        const copy = structuredCloneKeeping(record.props) as Record<string, unknown>;
        for (const [path, value] of Object.entries(values)) set(copy, path, value);
        return { ...record, props: copy };
    };
}

/** Sets parts of a record other than its inputs. */
export function part(values: Partial<ResourceRecord>): Change {
    return (record) => ({ ...record, ...values });
}

/** Adds one to a list. */
export function added(key: string, item: unknown): Change {
    return (record) => {
        const list = record.props[key];
        const before: readonly unknown[] = Array.isArray(list) ? list : [];
        return { ...record, props: { ...record.props, [key]: [...before, item] } };
    };
}

/** A record below another parent type, as its URN says. */
export function below(...types: readonly string[]): Change {
    return (record) => {
        const [head = "", project = "", , ...name] = record.urn.split("::");
        const chain = [...types, record.type].join("$");
        return { ...record, urn: [head, project, chain, ...name].join("::") };
    };
}

/** Several changes, in order. */
export function all(...changes: readonly Change[]): Change {
    return (record) => changes.reduce((changed, change) => change(changed), record);
}

/** Keys of a path: `a.b[0]` is a, b, 0; a key with dots is written in quotes, `options["a.b"]`. */
function keysOf(path: string): string[] {
    return [...path.matchAll(/"([^"]+)"|[^.[\]"]+/g)].map(([whole, quoted]) => quoted ?? whole);
}

function set(target: Record<string, unknown>, path: string, value: unknown): void {
    const keys = keysOf(path);
    const last = keys.pop() ?? "";
    let holder = target;
    for (const key of keys) {
        holder[key] ??= {};
        holder = holder[key] as Record<string, unknown>;
    }
    if (value !== undefined) holder[last] = value;
    else if (Array.isArray(holder)) holder.splice(Number(last), 1);
    else Reflect.deleteProperty(holder, last);
}

/** A deep copy that keeps symbols, which `structuredClone` refuses. */
export function structuredCloneKeeping(value: unknown): unknown {
    if (Array.isArray(value)) return value.map(structuredCloneKeeping);
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(
        Object.entries(value).map(([key, inner]) => [key, structuredCloneKeeping(inner)]),
    );
}
