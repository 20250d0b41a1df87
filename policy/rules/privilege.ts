import type { Finding, ResourceRule, Value } from "../core/model";
import { each, guarded } from "../core/values";
import { TYPES } from "../known";

import { cis, owaspMcp } from "./references";

/** What keeps a container from being its host: the same on either daemon. */
const container = {
    scope: "resource",
    types: [TYPES.container],
    enforcement: "mandatory",
    severity: "critical",
} as const;

const NAMESPACES = [
    ...["networkMode", "pidMode", "ipcMode", "utsMode", "usernsMode", "cgroupnsMode"],
] as const;

const privileged: ResourceRule = {
    ...container,
    name: "privilege-no-privileged",
    description: "Only the orchestrator is privileged.",
    remediation:
        "Remove privileged: true; what needs a daemon of its own belongs into the orchestrator.",
    references: [cis("5.5"), owaspMcp(2)],
    *check(subject) {
        const flag = subject.at("privileged");
        if (flag.flag() === true) yield { path: flag.path, problem: "is on" };
    },
};

const namespaces: ResourceRule = {
    ...container,
    name: "privilege-no-host-namespaces",
    description: "No container shares a namespace with its host or with another container.",
    remediation:
        "Remove the mode: network, pid, ipc, uts, userns and cgroupns are the container's own.",
    references: [cis("5.10"), cis("5.16"), cis("5.17"), cis("5.21"), cis("5.31")],
    *check(subject) {
        yield* guarded(
            ...NAMESPACES.map((key) => () => {
                const mode = subject.at(key);
                const shared = /^(host$|container:|ns:)/.test(mode.text() ?? "");
                return shared ? [{ path: mode.path, problem: "is not the container's own" }] : [];
            }),
        );
    },
};

const capabilities: ResourceRule = {
    ...container,
    name: "privilege-no-added-capabilities",
    description: "No container gets a capability added.",
    remediation: "Remove capabilities.adds.",
    references: [cis("5.4")],
    *check(subject) {
        yield* empty(subject.at("capabilities").at("adds"), "adds capabilities");
    },
};

const devices: ResourceRule = {
    ...container,
    name: "privilege-no-devices",
    description: "No container gets a device of its host.",
    remediation: "Remove devices, deviceRequests, deviceCgroupRules and gpus.",
    references: [cis("5.18")],
    *check(subject) {
        const lists = ["devices", "deviceRequests", "deviceCgroupRules"];
        yield* guarded(
            ...lists.map((key) => () => empty(subject.at(key), "hands in devices")),
            function* () {
                const gpus = subject.at("gpus");
                if ((gpus.text() ?? "") !== "") {
                    yield { path: gpus.path, problem: "hands in devices" };
                }
            },
        );
    },
};

const confinement: ResourceRule = {
    ...container,
    name: "privilege-keeps-confinement",
    description: "No container gives up the kernel's confinement.",
    remediation: "Remove the option: seccomp, AppArmor and SELinux keep their default profiles.",
    references: [cis("5.2"), cis("5.3"), cis("5.22")],
    *check(subject) {
        yield* each(subject.at("securityOpts"), function* (option) {
            const text = option.text() ?? "";
            if (/unconfined|^label[=:]disable|^no-new-privileges[=:]false/.test(text)) {
                yield { path: option.path, problem: "turns a protection off" };
            }
        });
    },
};

const hostPaths: ResourceRule = {
    ...container,
    settles: true,
    name: "privilege-no-host-paths",
    description: "No container mounts a path of its host, above all not a Docker socket.",
    remediation: "Mount a named volume; for the daemon's API use its TLS port with a certificate.",
    references: [cis("5.6"), cis("5.32"), owaspMcp(2)],
    *check(subject) {
        const named = function* (name: Value): Iterable<Finding> {
            if (name.unknown) {
                // A name that comes from volumes alone (or waits for a container) is the name of a volume.
                const key = /^[a-z]+/.exec(name.path)?.[0] ?? "";
                const from = subject.sourcesOf(key);
                const harmless: readonly string[] = [TYPES.volume, TYPES.container];
                if (from.length > 0 && from.every(({ type }) => harmless.includes(type))) return;
            }
            if (/^[~./\\]|docker\.sock/.test(name.text() ?? "")) {
                yield { path: name.path, problem: "is a path, not the name of a volume" };
            }
        };
        const socket = function* (target: Value): Iterable<Finding> {
            if (/docker\.sock/.test(target.text() ?? "")) {
                yield { path: target.path, problem: "is where a Docker socket is" };
            }
        };
        const unset = function* (value: Value, problem: string): Iterable<Finding> {
            if ((value.text() ?? "") !== "") yield { path: value.path, problem };
        };
        yield* each(subject.at("volumes"), (volume) =>
            guarded(
                () => unset(volume.at("hostPath"), "is a path of the host"),
                () => unset(volume.at("fromContainer"), "takes over another container's mounts"),
                () => named(volume.at("volumeName")),
                () => socket(volume.at("containerPath")),
            ),
        );
        yield* each(subject.at("mounts"), (mount) =>
            guarded(
                function* () {
                    const type = mount.at("type");
                    if (!["volume", "tmpfs"].includes(type.text() ?? "")) {
                        yield { path: type.path, problem: "is neither volume nor tmpfs" };
                    }
                },
                () => named(mount.at("source")),
                () => socket(mount.at("target")),
            ),
        );
    },
};

const bindVolumes: ResourceRule = {
    scope: "resource",
    types: [TYPES.volume],
    enforcement: "mandatory",
    severity: "critical",
    name: "privilege-no-bind-volumes",
    description: "No volume is a path, a share or a plugin in disguise.",
    remediation: "Use the local driver without driverOpts.",
    references: [cis("5.6"), cis("5.20")],
    *check(subject) {
        yield* guarded(
            function* () {
                const driver = subject.at("driver");
                if (!["local", ""].includes(driver.text() ?? "")) {
                    yield { path: driver.path, problem: "is not the local driver" };
                }
            },
            function* () {
                const options = subject.at("driverOpts");
                if (options.keys().length > 0) {
                    yield { path: options.path, problem: "has options, which can bind any path" };
                }
            },
        );
    },
};

function* empty(list: Value, problem: string): Iterable<Finding> {
    if (list.items().length > 0) yield { path: list.path, problem };
}

export const privilegeRules: readonly ResourceRule[] = [
    privileged,
    namespaces,
    capabilities,
    devices,
    confinement,
    hostPaths,
    bindVolumes,
];
