import { INNER_NETWORKS, LABELS, PORTS } from "../../config/defaults";
import { isLoopback } from "../../config/predicates";
import type { Finding, ResourceRule, Value } from "../core/model";
import { each, guarded } from "../core/values";
import { COMPONENTS, PROVIDERS, TYPES, labelOf, onHost, onInner } from "../known";

import { cis, owaspMcp } from "./references";

const MATERIALS = ["caMaterial", "certMaterial", "keyMaterial"] as const;

const loopbackOnly: ResourceRule = {
    scope: "resource",
    types: [TYPES.container],
    enforcement: "mandatory",
    severity: "critical",
    name: "expose-loopback-only",
    description: "Nothing but an edge with TLS publishes a port beyond loopback.",
    remediation:
        "Give the port an ip in 127.0.0.0/8; on the inner daemon, the orchestrator's own address.",
    references: [cis("5.14"), owaspMcp(7)],
    *check(subject) {
        const inside = onInner(subject.record);
        // The way in for clients from elsewhere, whose tokens nobody may read on the way.
        const edge =
            onHost(subject.record) &&
            subject.ancestors.at(-1) === COMPONENTS.edge &&
            ["own", "files"].includes(labelOf(subject, LABELS.tls) ?? "");
        yield* guarded(
            function* () {
                const all = subject.at("publishAllPorts");
                if (all.flag() === true) yield { path: all.path, problem: "is on" };
            },
            () =>
                each(subject.at("ports"), function* (port) {
                    const ip = port.at("ip");
                    const text = ip.text() ?? "";
                    // Inside, a port is published in the orchestrator's network namespace, never to all of it.
                    const fine = inside
                        ? /^[0-9.]+$/.test(text) && text !== "0.0.0.0"
                        : isLoopback(text);
                    if (!fine && !(edge && /^[0-9.]+$/.test(text))) {
                        yield { path: ip.path, problem: "is not an address the port may be on" };
                    }
                }),
        );
    },
};

const plainApi: ResourceRule = {
    scope: "resource",
    types: [TYPES.container],
    enforcement: "mandatory",
    severity: "critical",
    name: "expose-plain-api",
    description: "A Docker API without TLS is on loopback alone, and only when it was asked for.",
    remediation:
        "Use the TLS port; if it must be, set plainApi, which binds the plain one to loopback and to the host's side.",
    references: [owaspMcp(7)],
    *check(subject) {
        const { container, host } = PORTS.dockerPlain;
        const isPlain = (port: Value): boolean =>
            port.at("internal").number() === container || port.at("external").number() === host;
        yield* guarded(
            () =>
                each(subject.at("ports"), function* (port) {
                    if (!isPlain(port)) return;
                    const asked = subject
                        .at("envs")
                        .items()
                        .some((item) => /^MCP_PLAIN_API_FROM=./.test(item.text() ?? ""));
                    if (!asked) yield { path: port.path, problem: "was not asked for (plainApi)" };
                    if (!isLoopback(port.at("ip").text() ?? "")) {
                        yield { path: port.at("ip").path, problem: "is not loopback" };
                    }
                }),
            ...["command", "entrypoints"].map(
                (key) => () =>
                    each(subject.at(key), function* (word) {
                        const text = word.text() ?? "";
                        if (/tcp:\/\/|^--tls(verify)?=false$/.test(text)) {
                            yield { path: word.path, problem: "opens the API without TLS" };
                        }
                    }),
            ),
            () =>
                each(subject.at("envs"), function* (item) {
                    if (/^DOCKER_TLS_CERTDIR=$/.test(item.text() ?? "")) {
                        yield { path: item.path, problem: "turns TLS off" };
                    }
                }),
        );
    },
};

const providerTls: ResourceRule = {
    scope: "resource",
    types: [TYPES.dockerProvider],
    enforcement: "mandatory",
    severity: "critical",
    name: "expose-provider-tls",
    description:
        "A Docker provider names its daemon, and speaks mutual TLS with one that is not local.",
    remediation:
        "Set host to unix:///… for the local daemon; for any other, caMaterial, certMaterial and keyMaterial.",
    references: [cis("2.7"), owaspMcp(7)],
    *check(subject) {
        const { name } = subject.record;
        // Nothing may use it: the rule on explicit providers sees to that.
        if (/^default(_|$)/.test(name)) return;
        const host = subject.at("host");
        const lacking = MATERIALS.filter((key) => !subject.at(key).given);
        if (!host.given) {
            yield { path: host.path, problem: "is missing, so the environment decides" };
            return;
        }
        if (host.unknown) {
            // Not the local socket, which is always known; it is enough that all material is there.
            for (const path of lacking) yield { path, problem: "is missing" };
            return;
        }
        const text = host.text() ?? "";
        const local = text.startsWith("unix://");
        if (!local && !text.startsWith("tcp://")) {
            yield { path: host.path, problem: "is neither a local socket nor TCP with TLS" };
        }
        if (local && name === PROVIDERS.inner) {
            yield { path: host.path, problem: "is a local socket, which is not the inner daemon" };
        }
        if (!local) for (const path of lacking) yield { path, problem: "is missing" };
    },
};

const consulProvider: ResourceRule = {
    scope: "resource",
    types: [TYPES.consulProvider],
    settles: true,
    enforcement: "mandatory",
    severity: "high",
    name: "expose-consul-provider",
    description:
        "A Consul provider names its agent, and speaks verified TLS with one that is not local.",
    remediation: "Set address to a loopback address, or scheme to https without insecureHttps.",
    references: [owaspMcp(7)],
    *check(subject) {
        if (/^default(_|$)/.test(subject.record.name)) return;
        const insecure = subject.at("insecureHttps");
        const address = subject.at("address");
        yield* guarded(
            function* () {
                if (insecure.flag() === true) yield { path: insecure.path, problem: "is on" };
            },
            function* () {
                if (!address.given) {
                    yield { path: address.path, problem: "is missing, so the environment decides" };
                    return;
                }
                if (subject.at("scheme").text() === "https") return;
                if (address.unknown) {
                    // Through a container of the host: where that one's ports may be is a rule of its own.
                    const from = subject.sourcesOf("address");
                    const own = from.every((r) => r.type === TYPES.container && onHost(r));
                    if (from.length > 0 && own) return;
                }
                const host = (address.text() ?? "").replace(/^http:\/\//, "").split(":")[0] ?? "";
                if (!isLoopback(host) && host !== "localhost") {
                    yield { path: address.path, problem: "is not loopback, and TLS is off" };
                }
            },
        );
    },
};

const networkIsolation: ResourceRule = {
    scope: "resource",
    types: [TYPES.network],
    enforcement: "mandatory",
    severity: "high",
    name: "expose-network-isolation",
    description: "The networks that promise no way out have none.",
    remediation:
        "Set internal on sutazai-dind-internal; turn address translation off on every inner network but mcp-egress, and traffic between containers off on all but a companion's.",
    references: [cis("2.2"), cis("5.30")],
    *check(subject) {
        const name = subject.at("name");
        const option = (key: string): Value =>
            subject.at("options").at(`com.docker.network.bridge.${key}`);
        const off = function* (key: string): Iterable<Finding> {
            const value = option(key);
            if (value.text() !== "false") yield { path: value.path, problem: "is not off" };
        };
        if (onHost(subject.record)) {
            const closed = (name.text() ?? "").endsWith("sutazai-dind-internal");
            if (closed && subject.at("internal").flag() !== true) {
                yield { path: "internal", problem: "is not on" };
            }
            return;
        }
        const link = subject.ancestors.at(-1) === COMPONENTS.egress;
        yield* guarded(
            () => (link ? [] : off("enable_icc")),
            () =>
                !link && name.text() === INNER_NETWORKS.egress ? [] : off("enable_ip_masquerade"),
        );
    },
};

export const exposureRules: readonly ResourceRule[] = [
    loopbackOnly,
    plainApi,
    providerTls,
    consulProvider,
    networkIsolation,
];
