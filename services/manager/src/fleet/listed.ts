/** What Docker's list of the containers tells without an inspection. */
import type { ContainerInfo } from "dockerode";

import { manifestTextOf } from "./labels.ts";

/** The name of one; Docker has none for a container that is being removed. */
export function nameOf({ Names: names }: { readonly Names: readonly string[] | null }): string {
    return (names?.[0] ?? "").replace(/^\//, "");
}

/**
 * Manifests of the servers made through the API, sorted by the name of the container. A server that cannot be
 * inspected, not even once, is there all the same.
 */
export function manifestsIn(listed: readonly ContainerInfo[]): string[] {
    return listed
        .toSorted((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1))
        .flatMap(({ Labels }) => manifestTextOf(Labels) ?? []);
}
