import { INNER_NETWORKS, LABELS, POSTGRES_HOST } from "../../config/defaults";
import { planEgress } from "../../config/egress/plan";
import { EGRESS_HOST, egressIssues } from "../../config/egress/target";
import { namesFor } from "../../config/names";
import type { Finding, Subject } from "../core/model";
import { guarded } from "../core/values";
import { COMPONENTS, TYPES, labelOf } from "../known";

import { inner } from "./inner";
import { owaspMcp } from "./references";

const names = namesFor("");

/** The part of the bar that says where a container may go. */
export const egress = inner({
    settles: true,
    name: "bar-egress",
    description:
        "An inner container declares what it may reach; a server reaches it by a companion that lets through that alone.",
    remediation: `Set the label ${LABELS.egress} to none or a list of host:port; join ${INNER_NETWORKS.closed}, and with a list the link to the companion made from it.`,
    references: [owaspMcp(2), owaspMcp(9)],
    *check(subject) {
        const declared = labelOf(subject, LABELS.egress);
        if (declared === undefined) {
            yield { path: "labels", problem: `lacks ${LABELS.egress}` };
            return;
        }
        const targets = declared === "none" ? [] : declared.split(" ");
        if (egressIssues(targets).length > 0) {
            const problem = `${LABELS.egress} is no list of host:port that can be enforced`;
            yield { path: "labels", problem };
            return;
        }
        const part = subject.ancestors.at(-1);
        yield* guarded(
            () => expectNetworks(subject, networksFor(subject, part, targets)),
            () => (part === COMPONENTS.gateway ? gateway(subject) : []),
            () => (part === COMPONENTS.egress ? companion(subject, targets) : []),
        );
    },
});

/** The networks of a container by the part it plays. A server is called after its manifest, as its link is. */
function networksFor(
    subject: Subject,
    part: string | undefined,
    targets: readonly string[],
): string[] {
    if (part === COMPONENTS.egress) {
        return [INNER_NETWORKS.egress, names.link(labelOf(subject, LABELS.server) ?? "")];
    }
    // What the manager sees is let out of the closed network by a rule for those addresses alone.
    const alone = targets.length === 0 || part === COMPONENTS.manager;
    if (alone) return [INNER_NETWORKS.closed];
    return [INNER_NETWORKS.closed, names.link(subject.at("name").text() ?? "")];
}

function* expectNetworks(subject: Subject, expected: readonly string[]): Iterable<Finding> {
    const joined = subject.at("networksAdvanced").items();
    const unknown = joined.some((network) => network.at("name").unknown);
    const found = unknown
        ? subject
              .sourcesOf("networksAdvanced")
              .flatMap(({ type, props: { name } }) =>
                  type === TYPES.network && typeof name === "string" ? [name] : [],
              )
        : joined.map((network) => network.at("name").text() ?? "");
    const same = [...found].sort().join() === [...expected].sort().join();
    if (!same || joined.length !== expected.length) {
        const problem = `is not exactly ${expected.join(" and ")}, which fits the declared egress`;
        yield { path: "networksAdvanced", problem };
    }
}

/** The gateway is at the address from which the orchestrator lets it reach servers. */
function* gateway(subject: Subject): Iterable<Finding> {
    for (const network of subject.at("networksAdvanced").items().slice(0, 1)) {
        const address = network.at("ipv4Address");
        if (!address.given) yield { path: address.path, problem: "is missing" };
    }
}

/** A companion runs with the configuration that its list gives, under its server's name. */
function* companion(subject: Subject, targets: readonly string[]): Iterable<Finding> {
    const server = labelOf(subject, LABELS.server) ?? "";
    if (subject.at("name").text() !== names.companion(server)) {
        yield { path: "name", problem: `is not that of the server in ${LABELS.server}` };
    }
    if (targets.length === 0) {
        yield { path: "labels", problem: "declares nothing, and nothing needs no companion" };
        return;
    }
    const hosts = Object.fromEntries(
        subject
            .at("hosts")
            .items()
            .map((entry) => [entry.at("host").text() ?? "", entry.at("ip").text() ?? ""]),
    );
    const { companionEnvironment, companionHosts } = planEgress(targets, {
        companion: EGRESS_HOST,
        hosts,
    });
    if (Object.keys(companionHosts).length !== Object.keys(hosts).length) {
        yield { path: "hosts", problem: "names a host that is not declared" };
    }
    // An entry here is believed, whatever range it leads to.
    if (Object.keys(hosts).some((host) => host !== POSTGRES_HOST)) {
        yield { path: "hosts", problem: `leads a name other than ${POSTGRES_HOST} somewhere` };
    }
    const given = subject
        .at("envs")
        .items()
        .map((item) => item.text() ?? "")
        .filter((text) => text.startsWith("EGRESS_"));
    const wanted = Object.entries(companionEnvironment).map(([key, value]) => `${key}=${value}`);
    if (given.sort().join("\0") !== wanted.sort().join("\0")) {
        yield { path: "envs", problem: "is not the configuration that the declared list gives" };
    }
}
