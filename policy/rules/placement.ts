import { PATHS } from "../../config/defaults";
import { lineage, subjectOf } from "../core/graph";
import type { ResourceRecord, ResourceRule, Rule, StackGraph, StackRule } from "../core/model";
import { inEach } from "../core/stack";
import { COMPONENTS, PROVIDERS, TYPES, isOrchestrator, onHost, onInner, packageOf } from "../known";

import { owaspMcp } from "./references";

const placement = { enforcement: "mandatory", severity: "critical" } as const;

const explicitProvider: ResourceRule = {
    ...placement,
    scope: "resource",
    types: "all",
    name: "place-explicit-provider",
    description: "Every docker and consul resource is on an explicit provider.",
    remediation: "Give it a parent that has the provider, or the provider itself.",
    references: [owaspMcp(9)],
    *check({ record: { type, provider } }) {
        if (!["docker", "consul"].includes(packageOf(type))) return;
        const explicit =
            provider?.type === `pulumi:providers:${packageOf(type)}` &&
            !/^default(_|$)/.test(provider.name);
        if (!explicit) {
            yield { path: "", problem: "is on no explicit provider: the environment would decide" };
        }
    },
};

const layer: ResourceRule = {
    ...placement,
    scope: "resource",
    types: "all",
    name: "place-layer",
    description: "A docker resource is below one of the two layers, and on that layer's provider.",
    remediation: "Make it a child of a component of the host layer or of the inner layer.",
    references: [owaspMcp(9)],
    *check({ record, ancestors }) {
        if (packageOf(record.type) !== "docker") return;
        const inside = ancestors.includes(COMPONENTS.innerLayer);
        const outside = ancestors.includes(COMPONENTS.hostLayer);
        if (inside === outside)
            yield { path: "", problem: "is below neither layer, or below both" };
        else if (inside && !onInner(record)) {
            yield { path: "", problem: `is below the inner layer, not on ${PROVIDERS.inner}` };
        } else if (outside && !onHost(record)) {
            yield { path: "", problem: `is below the host layer, not on ${PROVIDERS.host}` };
        }
    },
};

/** Packages whose resources the rules understand, or that cannot run or expose anything. */
const PACKAGES = ["pulumi", "mcp", "tls", "consul"];
const DOCKER: readonly string[] = [TYPES.container, TYPES.network, TYPES.volume, TYPES.image];

const knownTypes: ResourceRule = {
    ...placement,
    scope: "resource",
    types: "all",
    name: "place-known-types",
    description: "No resource is of a type that no rule looks at.",
    remediation:
        "Write rules for the type first, then add it to the setting, with the reason in the commit.",
    references: [owaspMcp(9)],
    config: {
        also: {
            type: "array",
            items: { type: "string" },
            description: "Further types that may be used.",
            default: [],
        },
    },
    *check({ record: { type } }, { also }) {
        if (PACKAGES.includes(packageOf(type)) || DOCKER.includes(type)) return;
        if (Array.isArray(also) && also.includes(type)) return;
        yield { path: "", problem: "is of a type that no rule looks at" };
    },
};

const deletedWith: StackRule = {
    ...placement,
    severity: "high",
    scope: "stack",
    name: "place-deleted-with",
    description: "What is on the inner daemon goes with the volume that holds that daemon's state.",
    remediation:
        "Make it a child of the inner layer, and hand that layer the orchestrator's data volume.",
    *check(graph) {
        const data = dataVolumes(graph);
        const inside = graph.all.filter(
            (record) => packageOf(record.type) === "docker" && !onHost(record),
        );
        yield* inEach(graph, inside, function* ({ record }) {
            const above = lineage(graph, record).find(({ type }) => type === COMPONENTS.innerLayer);
            const declared = above?.sources?.deletedWith ?? [];
            const [only] = declared;
            // Policies are not shown the option; where it can be seen it has to say the same as the input.
            const seen = record.beyondPack === undefined ? only : record.beyondPack.deletedWith;
            const right = only !== undefined && data.includes(only) && seen === only;
            if (declared.length !== 1 || !right) {
                yield { path: "", problem: "is not deleted with the orchestrator's data volume" };
            }
        });
    },
};

/** URNs of the volumes that an orchestrator keeps its daemon's state on. */
function dataVolumes(graph: StackGraph): string[] {
    const orchestrators = graph.ofType(TYPES.container).filter((record) => {
        return isOrchestrator(subjectOf(record, graph));
    });
    return orchestrators.flatMap((container) => {
        const mounted = subjectOf(container, graph)
            .at("volumes")
            .items()
            .filter((volume) => volume.at("containerPath").text() === PATHS.dockerData)
            .map((volume) => volume.at("volumeName"));
        const isThat = ({ urn, props }: ResourceRecord): boolean =>
            mounted.some((name) =>
                name.unknown
                    ? (container.sources?.volumes ?? []).includes(urn)
                    : name.text() === props.name,
            );
        return graph
            .ofType(TYPES.volume)
            .filter((volume) => onHost(volume) && isThat(volume))
            .map(({ urn }) => urn);
    });
}

export const placementRules: readonly Rule[] = [explicitProvider, layer, knownTypes, deletedWith];
