import type { ResourceRule } from "../core/model";
import { TYPES, onHost } from "../known";

/** What the rules of the bar share. */
export const onBoth = {
    scope: "resource",
    types: [TYPES.container],
    enforcement: "mandatory",
    severity: "high",
} as const;

/** A rule for the inner daemon's containers, and for those on no known daemon. */
export function inner(rule: Omit<ResourceRule, keyof typeof onBoth>): ResourceRule {
    const { check, ...rest } = rule;
    return {
        ...onBoth,
        ...rest,
        *check(subject, config) {
            if (!onHost(subject.record)) yield* check(subject, config);
        },
    };
}
