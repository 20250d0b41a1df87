import { UNKNOWN } from "../../../policy/core/model";
import { TYPES } from "../../../policy/known";
import { below, part, props } from "../../support/policy/change";
import { describeRule, testCompleteness, type RuleCases } from "../../support/policy/cases";

const SOCKET = "/var/run/docker.sock";

const tables: readonly RuleCases[] = [
    {
        rule: "privilege-no-privileged",
        on: "server",
        bad: {
            "a server": props({ privileged: true }),
            "another container of the host": ["database", props({ privileged: true })],
            "an orchestrator that is not below its component": [
                "orchestrator",
                below("mcp:host:Layer"),
            ],
            "an orchestrator on the inner daemon": [
                "orchestrator",
                part({ provider: { type: TYPES.dockerProvider, name: "inner" } }),
            ],
        },
        fine: { "said to be off": props({ privileged: false }) },
        missing: ["privileged", "passes"],
        otherType: ["privileged", "yes", "violates"],
        unknown: ["privileged", "undecided"],
    },
    {
        rule: "privilege-no-host-namespaces",
        on: "server",
        bad: {
            ...Object.fromEntries(
                ["networkMode", "pidMode", "ipcMode", "utsMode", "usernsMode", "cgroupnsMode"].map(
                    (key) => [`the host's ${key}`, props({ [key]: "host" })],
                ),
            ),
            "another container's network": props({ networkMode: "container:other" }),
            "a namespace by path": props({ networkMode: "ns:/proc/1/ns/net" }),
            "the orchestrator as well": ["orchestrator", props({ pidMode: "host" })],
        },
        fine: { "a bridge": props({ networkMode: "bridge", ipcMode: "private" }) },
        missing: ["networkMode", "passes"],
        otherType: ["pidMode", true, "violates"],
        unknown: ["ipcMode", "undecided"],
    },
    {
        rule: "privilege-no-added-capabilities",
        on: "server",
        bad: {
            "one of a server": props({ "capabilities.adds": ["NET_ADMIN"] }),
            "one of a host's container": [
                "database",
                props({ "capabilities.adds": ["SYS_PTRACE"] }),
            ],
        },
        fine: { "an empty list": props({ "capabilities.adds": [] }) },
        missing: ["capabilities", "passes"],
        otherType: ["capabilities.adds", "ALL", "violates"],
        unknown: ["capabilities.adds", "undecided"],
    },
    {
        rule: "privilege-no-devices",
        on: "server",
        bad: {
            devices: props({ devices: [{ hostPath: "/dev/kmsg" }] }),
            "device requests": props({ deviceRequests: [{ driver: "any" }] }),
            "device cgroup rules": props({ deviceCgroupRules: ["a *:* rwm"] }),
            gpus: props({ gpus: "all" }),
        },
        fine: { "empty lists": props({ devices: [], gpus: "" }) },
        missing: ["devices", "passes"],
        otherType: ["devices", { hostPath: "/dev/kmsg" }, "violates"],
        unknown: ["gpus", "undecided"],
    },
    {
        rule: "privilege-keeps-confinement",
        on: "server",
        bad: {
            seccomp: props({ "securityOpts[1]": "seccomp=unconfined" }),
            AppArmor: props({ "securityOpts[1]": "apparmor:unconfined" }),
            SELinux: props({ "securityOpts[1]": "label=disable" }),
            "new privileges": props({ "securityOpts[1]": "no-new-privileges=false" }),
            "masked paths": props({ "securityOpts[1]": "systempaths=unconfined" }),
        },
        missing: ["securityOpts", "passes"],
        otherType: ["securityOpts", "no-new-privileges", "violates"],
        unknown: ["securityOpts[0]", "undecided"],
    },
    {
        rule: "privilege-no-host-paths",
        on: "server",
        bad: {
            "a path of the host": props({ "volumes[0].hostPath": "/srv" }),
            "the socket": props({ "volumes[0].hostPath": SOCKET }),
            "a path for a name": props({ "volumes[0].volumeName": "/etc" }),
            "the socket inside": props({ "volumes[0].containerPath": SOCKET }),
            "another container's mounts": props({ "volumes[0].fromContainer": "orchestrator" }),
            "a bind mount": props({ mounts: [{ type: "bind", source: "/etc", target: "/x" }] }),
            "a path as a volume mount": props({
                mounts: [{ type: "volume", source: "/etc", target: "/x" }],
            }),
            "the orchestrator as well": ["orchestrator", props({ "volumes[0].hostPath": "/" })],
            "a bad one behind an unknown one": props({
                "volumes[1]": { volumeName: "/etc" },
                "volumes[0].volumeName": UNKNOWN,
            }),
        },
        fine: {
            "a volume mount": props({ mounts: [{ type: "volume", source: "data", target: "/x" }] }),
            "a name that comes from a volume": [
                "orchestrator",
                props({ "volumes[0].volumeName": UNKNOWN }),
            ],
        },
        missing: ["volumes", "passes"],
        otherType: ["volumes[0].hostPath", 1, "violates"],
        unknown: ["volumes[0].volumeName", "undecided"],
    },
    {
        rule: "privilege-no-bind-volumes",
        on: "logs",
        bad: {
            "a bound path": props({ driverOpts: { type: "none", o: "bind", device: "/" } }),
            "a plugin": props({ driver: "vieux/sshfs" }),
            "another folder of the orchestrator": [
                "shared",
                props({ "driverOpts.device": "/var/lib/docker" }),
            ],
            "the shared folder on the host": props({ driverOpts: { device: "/data/shared" } }),
        },
        fine: { "no driver said": props({ driver: undefined }) },
        missing: ["driver", "passes"],
        otherType: ["driverOpts", ["o=bind"], "violates"],
        unknown: ["driverOpts", "undecided"],
    },
];

tables.forEach(describeRule);
testCompleteness(["privilege"], tables);
