import { LABELS } from "../../config/defaults";
import { isEgressTarget } from "../../config/manifest-rules";
import type { Finding, Subject } from "../core/model";
import { COMPONENTS, INNER_NETWORKS, TYPES, labelOf } from "../known";

import { inner } from "./inner";
import { owaspMcp } from "./references";

/** The part of the bar that says where a container may go. */
export const egress = inner({
    settles: true,
    name: "bar-egress",
    description: "An inner container declares what it may reach, and is on the network that fits.",
    remediation: `Set the label ${LABELS.egress} to none or a list of host:port, and join the one network for it.`,
    references: [owaspMcp(2), owaspMcp(9)],
    *check(subject) {
        const declared = labelOf(subject, LABELS.egress);
        const none = declared === "none";
        const targets = declared?.split(" ") ?? [];
        if (declared === undefined) {
            yield { path: "labels", problem: `lacks ${LABELS.egress}` };
            return;
        }
        if (!none && !targets.every(isEgressTarget)) {
            yield { path: "labels", problem: `${LABELS.egress} is no list of host:port` };
        }
        // The manager's one target, the own Consul, is let out of the closed network by a rule for that address alone.
        if (subject.ancestors.at(-1) === COMPONENTS.gateway) {
            // It answers on both; of its own accord it leaves neither, which the orchestrator's entry script sees to.
            yield* gatewayNetworks(subject, none);
            return;
        }
        const closed = none || subject.ancestors.at(-1) === COMPONENTS.manager;
        const expected = closed ? INNER_NETWORKS.closed : INNER_NETWORKS.egress;
        const joined = subject.at("networksAdvanced").items();
        const [only] = joined;
        if (only === undefined || joined.length > 1) {
            yield { path: "networksAdvanced", problem: "is not exactly one network" };
            return;
        }
        if (networkName(subject, only.at("name")) !== expected) {
            yield {
                path: only.path,
                problem: `is not ${expected}, which fits the declared egress`,
            };
        }
    },
});

/** The gateway declares nothing, and joins exactly the servers' networks, each at a fixed address. */
function* gatewayNetworks(subject: Subject, none: boolean): Iterable<Finding> {
    if (!none) yield { path: "labels", problem: `${LABELS.egress} is not none` };
    const joined = subject.at("networksAdvanced").items();
    const names = joined.map((network) => network.at("name"));
    const known = names.flatMap((name) => (name.unknown ? [] : [name.text() ?? ""]));
    const allowed: readonly string[] = Object.values(INNER_NETWORKS);
    if (joined.length !== allowed.length || known.some((name) => !allowed.includes(name))) {
        yield { path: "networksAdvanced", problem: "is not exactly the two networks of servers" };
    }
    for (const network of joined) {
        const address = network.at("ipv4Address");
        if (!address.given) yield { path: address.path, problem: "is missing" };
    }
}

/** Name of a network; one that is not known yet through the one network it comes from. */
function networkName(subject: Subject, name: ReturnType<Subject["at"]>): string | undefined {
    if (name.unknown) {
        const [from, ...others] = subject.sourcesOf("networksAdvanced");
        if (from?.type === TYPES.network && others.length === 0) {
            const known = from.props.name;
            if (typeof known === "string") return known;
        }
    }
    return name.text();
}
