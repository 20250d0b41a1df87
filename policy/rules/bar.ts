import { SERVER_USER } from "../../config/defaults";
import type { Finding, ResourceRule, Subject } from "../core/model";
import { each, guarded } from "../core/values";
import { BOUNDING_RUNTIME, cpusOf } from "../known";

import { egress } from "./egress";
import { inner, onBoth } from "./inner";
import { cis, owaspMcp } from "./references";

/*
 * The bar: what every container on the inner daemon lives within, one rule each. Those on `onBoth` hold for the host's
 * containers as well.
 */

function* flagged(subject: Subject, key: string): Iterable<Finding> {
    if (subject.at(key).flag() !== true) yield { path: key, problem: "is not on" };
}

const user = inner({
    name: "bar-user",
    description: "An inner container runs as 1001:1001.",
    remediation: `Set user to ${SERVER_USER}.`,
    references: [cis("4.1")],
    *check(subject) {
        const value = subject.at("user");
        if (value.text() !== SERVER_USER) {
            yield { path: value.path, problem: `is not ${SERVER_USER}` };
        }
    },
});

const capDropAll: ResourceRule = {
    ...onBoth,
    name: "bar-cap-drop-all",
    description: "Every container drops all capabilities.",
    remediation: "Set capabilities.drops to [ALL].",
    references: [cis("5.4")],
    *check(subject) {
        const drops = subject.at("capabilities").at("drops");
        if (!drops.items().some((item) => item.text() === "ALL")) {
            yield { path: drops.path, problem: "does not drop ALL" };
        }
    },
};

const noNewPrivileges: ResourceRule = {
    ...onBoth,
    name: "bar-no-new-privileges",
    description: "No process of a container can gain privileges.",
    remediation: "Add no-new-privileges to securityOpts.",
    references: [cis("5.26")],
    *check(subject) {
        const options = subject.at("securityOpts");
        const set = options
            .items()
            .some((item) => /^no-new-privileges([=:]true)?$/.test(item.text() ?? ""));
        if (!set) yield { path: options.path, problem: "lacks no-new-privileges" };
    },
};

const readOnlyRoot = inner({
    name: "bar-read-only-root",
    description: "An inner container's root file system is read-only.",
    remediation: "Set readOnly, and mount a tmpfs or a volume where it writes.",
    references: [cis("5.13")],
    check: (subject) => flagged(subject, "readOnly"),
});

const memory: ResourceRule = {
    ...onBoth,
    name: "bar-memory",
    description: "Every container has a memory limit, and no swap beside it.",
    remediation: "Set memory, and memorySwap to the same number.",
    references: [cis("5.11")],
    *check(subject) {
        const limit = subject.at("memory");
        const withSwap = subject.at("memorySwap");
        yield* guarded(
            function* () {
                if ((limit.number() ?? 0) <= 0)
                    yield { path: limit.path, problem: "sets no limit" };
            },
            function* () {
                if (withSwap.number() !== limit.number()) {
                    yield { path: withSwap.path, problem: "is not equal to memory" };
                }
            },
        );
    },
};

const cpus: ResourceRule = {
    ...onBoth,
    name: "bar-cpus",
    description: "Every container has a CPU limit.",
    remediation: "Set cpuPeriod and cpuQuota, or cpus.",
    references: [cis("5.12")],
    *check(subject) {
        if (cpusOf(subject) === undefined) {
            yield { path: "cpuQuota", problem: "sets no limit, and cpus does not either" };
        }
    },
};

const processes = inner({
    name: "bar-processes",
    description: "An inner container's processes are bounded.",
    remediation: `Run it with the runtime ${BOUNDING_RUNTIME} and MCP_PIDS_LIMIT, or set an nproc ulimit.`,
    references: [cis("5.29")],
    config: {
        most: {
            type: "integer",
            minimum: 1,
            description: "Highest bound.",
            default: 4096,
        },
    },
    *check(subject, config) {
        const fits = (bound: number): boolean => bound > 0 && bound <= Number(config.most);
        const byUlimit = subject
            .at("ulimits")
            .items()
            .some(
                (item) => item.at("name").text() === "nproc" && fits(item.at("hard").number() ?? 0),
            );
        if (byUlimit) return;
        if (subject.at("runtime").text() !== BOUNDING_RUNTIME) {
            yield { path: "runtime", problem: "is not the one that bounds processes" };
            return;
        }
        // The runtime bounds by 256 where nothing is said; 0 or no number would turn the bound off. Of several, it is
        // the daemon that decides which one counts.
        yield* each(subject.at("envs"), function* (item) {
            const stated = /^MCP_PIDS_LIMIT=(.*)$/s.exec(item.text() ?? "")?.[1];
            if (stated === undefined) return;
            if (!/^[0-9]{1,9}$/.test(stated) || !fits(Number(stated))) {
                yield { path: item.path, problem: "is no bound" };
            }
        });
    },
});

const init = inner({
    name: "bar-init",
    description: "An inner container has an init that reaps what its processes leave.",
    remediation: "Set init.",
    check: (subject) => flagged(subject, "init"),
});

const restart: ResourceRule = {
    ...onBoth,
    severity: "medium",
    name: "bar-restart",
    description: "Every container comes back by itself, and not after it was stopped by hand.",
    remediation: "Set restart to unless-stopped.",
    references: [cis("5.15")],
    config: {
        policies: {
            type: "array",
            items: { type: "string" },
            description: "Restart policies that will do.",
            default: ["unless-stopped"],
        },
    },
    *check(subject, { policies }) {
        const value = subject.at("restart");
        if (!Array.isArray(policies) || !policies.includes(value.text())) {
            yield { path: value.path, problem: "is none of the policies that will do" };
        }
    },
};

const logRotation: ResourceRule = {
    ...onBoth,
    severity: "medium",
    name: "bar-log-rotation",
    description: "Every container's log is rotated.",
    remediation: "Set logDriver to json-file or local, and logOpts max-size and max-file.",
    references: [owaspMcp(8)],
    *check(subject) {
        yield* guarded(
            function* () {
                const driver = subject.at("logDriver");
                if (!["json-file", "local"].includes(driver.text() ?? "")) {
                    yield { path: driver.path, problem: "is neither json-file nor local" };
                }
            },
            ...["max-size", "max-file"].map((key) => () => {
                const option = subject.at("logOpts").at(key);
                const set = /^[1-9][0-9]*[kmg]?$/.test(option.text() ?? "");
                return set ? [] : [{ path: option.path, problem: "sets no bound" }];
            }),
        );
    },
};

const health: ResourceRule = {
    ...onBoth,
    severity: "medium",
    name: "bar-health",
    description: "Every container has a health check.",
    remediation: "Set healthcheck.tests (CMD or CMD-SHELL first), with an interval and a timeout.",
    references: [cis("5.27")],
    *check(subject) {
        const check = subject.at("healthcheck");
        yield* guarded(
            function* () {
                const [form, program] = check.at("tests").items();
                const runs = /^CMD(-SHELL)?$/.test(form?.text() ?? "");
                if (!runs || (program?.text() ?? "") === "") {
                    yield { path: "healthcheck.tests", problem: "runs nothing" };
                }
            },
            ...["interval", "timeout"].map((key) => () => {
                const time = check.at(key);
                const set = /^(0?[0-9.]+(ms|[hms]))+$/.test(time.text() ?? "");
                return set ? [] : [{ path: time.path, problem: "is not set" }];
            }),
        );
    },
};

export const barRules: readonly ResourceRule[] = [
    user,
    capDropAll,
    noNewPrivileges,
    readOnlyRoot,
    memory,
    cpus,
    processes,
    init,
    restart,
    logRotation,
    health,
    egress,
];
