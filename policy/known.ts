import { LABELS } from "../config/defaults";

import type { ResourceRecord, Subject } from "./core/model";

/** Types the rules know. A docker type that is not here is refused: no rule would look at it. */
export const TYPES = {
    container: "docker:index/container:Container",
    network: "docker:index/network:Network",
    volume: "docker:index/volume:Volume",
    image: "docker:index/remoteImage:RemoteImage",
    dockerProvider: "pulumi:providers:docker",
    consulProvider: "pulumi:providers:consul",
    consulNode: "consul:index/node:Node",
    consulService: "consul:index/service:Service",
    privateKey: "tls:index/privateKey:PrivateKey",
    certRequest: "tls:index/certRequest:CertRequest",
    selfSigned: "tls:index/selfSignedCert:SelfSignedCert",
    leaf: "tls:index/locallySignedCert:LocallySignedCert",
    stack: "pulumi:pulumi:Stack",
} as const;

/**
 * Types of our components that rules tell things apart by. Repeated here and held equal by a test: importing the
 * components would load every provider's SDK at the start of each preview.
 */
export const COMPONENTS = {
    hostLayer: "mcp:host:Layer",
    innerLayer: "mcp:inner:Layer",
    orchestrator: "mcp:host:Orchestrator",
    edge: "mcp:host:Edge",
    manager: "mcp:inner:Manager",
    gateway: "mcp:inner:Gateway",
    egress: "mcp:inner:Egress",
    serverSecrets: "mcp:inner:ServerSecrets",
    hostFiles: "mcp:host:Files",
} as const;

/** Names of the two docker providers, as index.ts gives them. */
export const PROVIDERS = { host: "host", inner: "inner" } as const;

/** OCI runtime that bounds processes; `INNER_RUNTIME` of config/defaults.ts. */
export const BOUNDING_RUNTIME = "mcp-runc";

/** On the inner daemon for certain. What is on no known daemon is judged by the rules of both. */
export function onInner({ provider }: ResourceRecord): boolean {
    return provider?.type === TYPES.dockerProvider && provider.name === PROVIDERS.inner;
}

/** On the host's daemon for certain. */
export function onHost({ provider }: ResourceRecord): boolean {
    return provider?.type === TYPES.dockerProvider && provider.name === PROVIDERS.host;
}

/** The privileged Docker-in-Docker container: on the host's daemon, right below its component. */
export function isOrchestrator(subject: Subject): boolean {
    const { record, ancestors } = subject;
    return (
        record.type === TYPES.container &&
        onHost(record) &&
        ancestors.at(-1) === COMPONENTS.orchestrator
    );
}

/** A container that is created and never started, without a network: nothing of it ever runs. */
export function neverRuns(subject: Subject): boolean {
    const is = (key: string, expected: unknown): boolean =>
        !subject.at(key).unknown && subject.record.props[key] === expected;
    return is("start", false) && is("mustRun", false) && is("networkMode", "none");
}

/** A label of a container, network or volume; `undefined` when there is none of that key. */
export function labelOf(subject: Subject, key: string): string | undefined {
    for (const label of subject.at("labels").items()) {
        if (label.at("label").text() === key) return label.at("value").text();
    }
    return undefined;
}

/** Part of the system a resource says it is. */
export function partOf(subject: Subject): string | undefined {
    return labelOf(subject, LABELS.component);
}

/** CPU limit of a container in cores; `undefined` when there is none. */
export function cpusOf(subject: Subject): number | undefined {
    const quota = subject.at("cpuQuota").number() ?? 0;
    // The kernel's period where none is given.
    const period = subject.at("cpuPeriod").number() ?? 100_000;
    if (quota > 0 && period > 0) return quota / period;
    const cores = Number(subject.at("cpus").text() ?? 0);
    return cores > 0 ? cores : undefined;
}

/** The package of a type: `docker` of `docker:index/container:Container`. */
export function packageOf(type: string): string {
    return type.split(":")[0] ?? "";
}
