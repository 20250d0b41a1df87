import { createHash } from "node:crypto";

import { canonicalJson } from "../../config/manifest";
import { TYPES } from "../../policy/known";
import type { PreviewStep } from "../engine/types";

/** A resource of a graph, small enough to hand from process to process. */
export interface GraphResource {
    readonly urn: string;
    readonly type: string;
    readonly name: string;
    /** Inputs, with secrets as hashes. */
    readonly props: Readonly<Record<string, unknown>>;
    /** URNs of what the inputs come from. */
    readonly sources: Readonly<Record<string, readonly string[]>>;
    /** What replaces it when it changes. */
    readonly trigger?: unknown;
}

/** Inputs of a container that the provider changes while it runs, or that only the state knows. */
const LIVE: readonly string[] = [
    ...["restart", "maxRetryCount", "memory", "memorySwap", "memoryReservation"],
    ...["cpuShares", "cpuSet", "destroyGraceSeconds", "removeVolumes"],
];

/** Types of which any change is a replacement. */
const REPLACED: readonly string[] = [TYPES.network, TYPES.volume, TYPES.image];

/** What lies between two graphs, as the engine would most likely say it. */
export function stepsBetween(
    base: readonly GraphResource[],
    head: readonly GraphResource[],
): PreviewStep[] {
    const old = new Map(base.map((one) => [one.urn, one]));
    const fresh = new Map(head.map((one) => [one.urn, one]));
    const made = new Set<string>();
    const steps = inOrderOfUse(head).map((after): PreviewStep => {
        const before = old.get(after.urn);
        const { urn, type, name } = after;
        if (before === undefined) {
            return { urn, type, name, operation: "create", after: after.props, changed: [] };
        }
        const changed = differing(before, after);
        // Key material comes anew with its key, which no input shows: mocks give it by name.
        const renewed = Object.entries(after.sources)
            .filter(([, from]) => from.some((one) => made.has(one)))
            .map(([key]) => key);
        const reasons = [...new Set([...changed, ...renewed])].sort();
        const operation = operationOf(before, after, reasons);
        if (operation === "replace" && type.startsWith("tls:")) made.add(urn);
        return {
            ...{ urn, type, name, operation },
            before: before.props,
            after: after.props,
            changed: reasons,
        };
    });
    const gone = base
        .filter(({ urn }) => !fresh.has(urn))
        .map(({ urn, type, name, props }): PreviewStep => {
            return { urn, type, name, operation: "delete", before: props, changed: [] };
        });
    return [...steps, ...gone].sort((a, b) => (a.urn < b.urn ? -1 : 1));
}

function operationOf(
    before: GraphResource,
    after: GraphResource,
    reasons: readonly string[],
): PreviewStep["operation"] {
    const { type } = after;
    if (canonicalJson(before.trigger ?? null) !== canonicalJson(after.trigger ?? null)) {
        return "replace";
    }
    if (reasons.length === 0) return "same";
    if (type === TYPES.container)
        return reasons.every((key) => LIVE.includes(key)) ? "update" : "replace";
    return REPLACED.includes(type) || type.startsWith("tls:") ? "replace" : "update";
}

function differing(before: GraphResource, after: GraphResource): string[] {
    const keys = new Set([...Object.keys(before.props), ...Object.keys(after.props)]);
    return [...keys].filter((key) => {
        const [old, fresh] = [before.props[key] ?? null, after.props[key] ?? null];
        return canonicalJson(old) !== canonicalJson(fresh);
    });
}

/** Sources before what uses them. */
function inOrderOfUse(resources: readonly GraphResource[]): GraphResource[] {
    const byUrn = new Map(resources.map((one) => [one.urn, one]));
    const done = new Set<string>();
    const ordered: GraphResource[] = [];
    const visit = (one: GraphResource): void => {
        if (done.has(one.urn)) return;
        done.add(one.urn);
        for (const urn of Object.values(one.sources).flat()) {
            const source = byUrn.get(urn);
            if (source !== undefined) visit(source);
        }
        ordered.push(one);
    };
    resources.forEach(visit);
    return ordered;
}

/** A value without its secrets: they are told apart by hashes. */
export function maskedProps(
    props: Readonly<Record<string, unknown>>,
    secretPaths: readonly string[],
): Record<string, unknown> {
    const masked = (value: unknown, path: string): unknown => {
        if (secretPaths.includes(path)) {
            return `[secret ${createHash("sha256").update(canonicalJson(value)).digest("hex").slice(0, 12)}]`;
        }
        if (Array.isArray(value)) {
            return value.map((item, index) => masked(item, `${path}[${String(index)}]`));
        }
        if (typeof value !== "object" || value === null) return value;
        return Object.fromEntries(
            Object.entries(value).map(([key, part]) => {
                return [key, masked(part, path === "" ? key : `${path}.${key}`)];
            }),
        );
    };
    return masked(props, "") as Record<string, unknown>;
}
