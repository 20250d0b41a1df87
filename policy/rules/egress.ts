import { LABELS } from "../../config/defaults";
import { isEgressTarget } from "../../config/manifest-rules";
import type { Subject } from "../core/model";
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
