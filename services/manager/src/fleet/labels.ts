/** Whose a container is, from its labels: the same ones Pulumi's program and this API put on what they make. */
import { LABELS, MANAGED_BY } from "../../../../config/defaults.ts";
import type { Origin } from "../model.ts";

type Labels = Readonly<Record<string, string>> | undefined;

/** Component of the containers that carry secrets onto volumes; they never run. */
const SECRETS_CARRIER = "server-secrets";

/** Who made it. */
export function originOf(labels: Labels): Origin {
    if (labels?.[LABELS.managed] !== "true") return "foreign";
    const by = labels[LABELS.managedBy];
    if (by === MANAGED_BY.manager) return "api";
    if (by !== MANAGED_BY.program) return "foreign";
    return labels[LABELS.component] === "server" ? "manifest" : "system";
}

/** Whether it is a part of a server rather than something that runs. */
export function isSecretsCarrier(labels: Labels): boolean {
    return labels?.[LABELS.component] === SECRETS_CARRIER && originOf(labels) !== "foreign";
}

/** The manifest a container was made from through the API; undefined for any other container. */
export function manifestTextOf(labels: Labels): string | undefined {
    return originOf(labels) === "api" ? labels?.[LABELS.manifest] : undefined;
}
