import { LABELS } from "../../config/defaults";
import { urnParts } from "../core/graph";
import type { ResourceRule, Rule, StackRule } from "../core/model";
import { inEach } from "../core/stack";
import { TYPES, labelOf, onInner, partOf } from "../known";

import { owaspMcp } from "./references";

const protectedData: StackRule = {
    scope: "stack",
    enforcement: "mandatory",
    severity: "high",
    name: "data-protected",
    description: "In a protected stack every volume that holds data is protected.",
    remediation: "Set protect in the stack's settings.",
    config: {
        stacks: {
            type: "array",
            items: { type: "string" },
            description:
                "Stacks that are protected by name. Any other is, as soon as one of its volumes is protected.",
            default: ["prod", "production"],
        },
        disposable: {
            type: "array",
            items: { type: "string" },
            description: `Volumes that hold no data, by their label ${LABELS.component}: a cache, certificates, the catalog, which is registered anew, and the edge's files, which are written anew.`,
            default: [
                "volume-data",
                "volume-certs-ca",
                "volume-certs-client",
                "volume-consul",
                "edge",
            ],
        },
    },
    *check(graph, { stacks, disposable }) {
        // The inner daemon's volumes lie on the host's: protecting those would only get in the way.
        const volumes = graph.ofType(TYPES.volume).filter((volume) => !onInner(volume));
        const named = volumes.some(({ urn }) => {
            return Array.isArray(stacks) && stacks.includes(urnParts(urn).stack);
        });
        if (!named && !volumes.some((volume) => volume.protect === true)) return;
        yield* inEach(graph, volumes, function* (subject) {
            const part = partOf(subject);
            if (Array.isArray(disposable) && disposable.includes(part)) return;
            if (subject.record.protect !== true) {
                yield { path: "", problem: "holds data and is not protected" };
            }
        });
    },
};

const ownership: ResourceRule = {
    scope: "resource",
    types: [TYPES.container, TYPES.network, TYPES.volume],
    enforcement: "mandatory",
    severity: "medium",
    name: "data-ownership",
    description: "Containers, networks and volumes say in labels whose they are.",
    remediation: "Label them with ownerLabels(stack, component).",
    references: [owaspMcp(9)],
    *check(subject) {
        const { stack } = urnParts(subject.record.urn);
        const expected: Readonly<Record<string, string>> = {
            [LABELS.managed]: "true",
            [LABELS.managedBy]: "sutazai-mcp",
            [LABELS.stack]: stack,
        };
        for (const [key, value] of Object.entries(expected)) {
            const found = labelOf(subject, key);
            if (found === undefined) yield { path: "labels", problem: `lacks ${key}` };
            else if (found !== value) yield { path: "labels", problem: `${key} is another's` };
        }
        if ((partOf(subject) ?? "") === "") {
            yield { path: "labels", problem: `lacks ${LABELS.component}` };
        }
    },
};

export const dataRules: readonly Rule[] = [protectedData, ownership];
