import { UNKNOWN } from "../../../policy/core/model";
import { TYPES } from "../../../policy/known";
import { part, props } from "../../support/policy/change";
import { describeRule, testCompleteness, type RuleCases } from "../../support/policy/cases";

const tables: readonly RuleCases[] = [
    {
        rule: "stack-one-privileged",
        on: "server",
        bad: {
            "two of them": props({ privileged: true }),
            "perhaps two": props({ privileged: UNKNOWN }),
        },
        missing: ["privileged", "passes"],
        otherType: ["privileged", "no", "violates"],
        unknown: ["privileged", "violates"],
    },
    {
        rule: "stack-unique-names",
        on: "database",
        bad: {
            "two containers": props({ name: "orchestrator" }),
            "two volumes": ["logs", props({ name: "orchestrator-data" })],
            "two nodes": ["service", part({ type: TYPES.consulNode, props: { name: "inner" } })],
            "two services": [
                "node",
                part({ type: TYPES.consulService, props: { name: "server", node: "inner" } }),
            ],
        },
        fine: {
            "on two daemons": props({ name: "server" }),
            "of two kinds": ["logs", props({ name: "orchestrator" })],
            "two ids of one service": [
                "node",
                part({
                    type: TYPES.consulService,
                    props: { name: "server", serviceId: "second", node: "inner" },
                }),
            ],
        },
        missing: ["name", "passes"],
        otherType: ["name", 1, "violates"],
        unknown: ["name", "undecided"],
    },
    {
        rule: "stack-unique-ports",
        on: "database",
        bad: {
            "the same port": props({ "ports[0].external": 12376 }),
            "of every address": props({
                "ports[0]": { internal: 1, external: 12376, ip: "0.0.0.0" },
            }),
            "of no address": props({ "ports[0]": { internal: 1, external: 12376 } }),
        },
        fine: {
            "another protocol": props({ "ports[0].external": 12376, "ports[0].protocol": "udp" }),
            "another address": props({ "ports[0].external": 12376, "ports[0].ip": "127.0.0.2" }),
            "another daemon": props({ "ports[0].external": 13001 }),
        },
        missing: ["ports", "passes"],
        otherType: ["ports[0].external", "12376", "violates"],
        unknown: ["ports[0].external", "undecided"],
    },
    {
        rule: "stack-unique-addresses",
        on: "database",
        bad: { "the same address": props({ "networksAdvanced[0].ipv4Address": "172.30.0.2" }) },
        missing: ["networksAdvanced[0].ipv4Address", "passes"],
        otherType: ["networksAdvanced[0].ipv4Address", 2, "violates"],
        unknown: ["networksAdvanced[0].ipv4Address", "undecided"],
    },
    {
        rule: "stack-networks-apart",
        on: "closed",
        bad: {
            "the reserved range": props({ "ipamConfigs[0].subnet": "172.30.5.0/24" }),
            "around the reserved range": props({ "ipamConfigs[0].subnet": "172.16.0.0/12" }),
            "a network of the host": [
                "internal",
                props({ "ipamConfigs[0].subnet": "10.90.0.0/20" }),
            ],
            "the pool of the inner daemon": [
                "orchestrator",
                props({ "command[0]": "--default-address-pool=base=172.30.0.0/16,size=24" }),
            ],
            "no subnet": props({ "ipamConfigs[0].subnet": "somewhere" }),
        },
        fine: { "taken from the pool": props({ "ipamConfigs[0].subnet": "10.90.7.0/24" }) },
        missing: ["ipamConfigs", "passes"],
        otherType: ["ipamConfigs", "10.90.1.0/24", "violates"],
        unknown: ["ipamConfigs[0].subnet", "undecided"],
        configured: {
            config: { reserved: ["10.99.0.0/16"] },
            change: props({ "ipamConfigs[0].subnet": "10.99.1.0/24" }),
            outcomes: ["passes", "violates"],
        },
    },
    {
        rule: "stack-limits-fit",
        on: "server",
        bad: {
            memory: props({ memory: 8192, memorySwap: 8192 }),
            CPUs: props({ cpuQuota: 500_000 }),
            "a smaller orchestrator": ["orchestrator", props({ memory: 128 })],
        },
        fine: { "a carrier, which never runs": ["carrier", props({ memory: 8192 })] },
        missing: ["memory", "passes"],
        otherType: ["memory", "256", "violates"],
        unknown: ["cpuQuota", "undecided"],
        configured: {
            config: { memoryReserveMb: 4000, cpuOvercommit: 2 },
            change: props({}),
            outcomes: ["passes", "violates"],
        },
    },
];

tables.forEach(describeRule);
testCompleteness(["stack"], tables);
