import { INNER_VOLUMES } from "../config/defaults";

import type { Subject } from "./core/model";
import { COMPONENTS, TYPES, isOrchestrator, neverRuns, onInner } from "./known";

/** A resource that a rule does not hold for, by name and with its reason: there is no other way around a rule. */
export interface Exception {
    readonly rules: readonly string[];
    /** Which resource, for people. */
    readonly resource: string;
    readonly why: string;
    matches(subject: Subject): boolean;
}

/** Every exception there is. docs/policy.md lists them; a test holds each to one resource of the dev stack. */
export const EXCEPTIONS: readonly Exception[] = [
    {
        rules: ["privilege-no-privileged", "bar-cap-drop-all", "bar-no-new-privileges"],
        resource: "the container right below mcp:host:Orchestrator, on the host's daemon",
        why: "a Docker daemon in a container needs mounts, cgroups and network rules (README, What is privileged)",
        matches: isOrchestrator,
    },
    {
        rules: [
            ...["bar-read-only-root", "bar-cpus", "bar-processes", "bar-init", "bar-restart"],
            ...["bar-log-rotation", "bar-health", "bar-egress"],
        ],
        resource:
            "a server's secrets carrier: below mcp:inner:ServerSecrets, never started, no network",
        why: "an upload is refused on a read-only root, and of a container that never starts nothing runs (decision 3)",
        matches: (subject) =>
            subject.ancestors.at(-1) === COMPONENTS.serverSecrets && neverRuns(subject),
    },
    {
        rules: ["bar-cpus", "bar-restart", "bar-log-rotation", "bar-health"],
        resource:
            "the carrier of the edge's files: below mcp:host:Files, never started, no network",
        why: "the edge's root is read-only as well; of a container that never starts nothing runs (decision 3)",
        matches: (subject) =>
            subject.ancestors.at(-1) === COMPONENTS.hostFiles && neverRuns(subject),
    },
    ...Object.values(INNER_VOLUMES).map(({ name, folder }): Exception => ({
        rules: ["privilege-no-bind-volumes"],
        resource: `the inner volume bound to ${folder}`,
        why: `that folder of the orchestrator is the host's volume ${name}, not a path of the host`,
        matches: (subject) =>
            subject.record.type === TYPES.volume &&
            onInner(subject.record) &&
            subject.at("driverOpts").at("device").text() === folder,
    })),
];
