import type * as automation from "@pulumi/pulumi/automation";

import type { OnStep, PolicyNote, PreviewStep, Step } from "./types";

/** Hands a finished step on; `started` keeps when each began. */
export function reportStep(
    event: automation.EngineEvent,
    started: Map<string, number>,
    onStep: OnStep,
): void {
    const before = event.resourcePreEvent?.metadata;
    if (before) started.set(before.urn, Date.now());
    const after = event.resOutputsEvent?.metadata ?? event.resOpFailedEvent?.metadata;
    if (!after || after.op === "same" || after.op === "read") return;
    const begun = started.get(after.urn);
    const step: Step = {
        type: after.type,
        name: after.urn.split("::").at(-1) ?? after.urn,
        operation: event.resOpFailedEvent ? "failed" : after.op,
        ...(begun === undefined ? {} : { seconds: (Date.now() - begun) / 1000 }),
    };
    onStep(step);
}

/** What a preview does to one resource, in one word; the engine reports a replacement as three steps. */
const OPERATIONS: Readonly<Record<string, PreviewStep["operation"]>> = {
    create: "create",
    import: "create",
    same: "same",
    update: "update",
    delete: "delete",
    replace: "replace",
    "create-replacement": "replace",
    "delete-replaced": "replace",
};

/** Collects what a preview says of resources and policies. */
export class PreviewEvents {
    private readonly byUrn = new Map<string, PreviewStep>();
    readonly policies: PolicyNote[] = [];

    /** What was collected so far. */
    collected(): { steps: readonly PreviewStep[]; policies: readonly PolicyNote[] } {
        return { steps: [...this.byUrn.values()], policies: this.policies };
    }

    note(event: automation.EngineEvent): void {
        const { policyEvent, resourcePreEvent } = event;
        if (policyEvent) this.policies.push(policyNote(policyEvent));
        const metadata = resourcePreEvent?.metadata;
        if (!metadata) return;
        const operation = OPERATIONS[metadata.op];
        if (operation === undefined) return;
        const { urn, type, old, new: fresh, diffs, detailedDiff } = metadata;
        const known = this.byUrn.get(urn);
        this.byUrn.set(urn, {
            ...{ urn, type },
            name: urn.split("::").at(-1) ?? urn,
            operation: known?.operation === "replace" ? "replace" : operation,
            before: old?.inputs ?? known?.before,
            after: fresh?.inputs ?? known?.after,
            changed: [
                ...new Set([
                    ...(known?.changed ?? []),
                    ...(diffs ?? []),
                    ...Object.keys(detailedDiff ?? {}).map((path) => path.split(/[.[]/)[0] ?? path),
                ]),
            ].sort(),
        });
    }
}

/** Colours are for terminals, and the pack's name is not news. */
export function policyNote(event: automation.PolicyEvent): PolicyNote {
    const { policyName, enforcementLevel, resourceUrn, message } = event;
    return {
        policy: policyName,
        mandatory: enforcementLevel === "mandatory",
        ...(resourceUrn === undefined ? {} : { urn: resourceUrn }),
        message: message.replace(/\u001b\[[0-9;]*m|<\{%[^%]*%\}>/g, "").trim(),
    };
}
