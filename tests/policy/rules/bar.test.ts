import { planEgress } from "../../../config/egress/plan";
import { UNKNOWN } from "../../../policy/core/model";
import { part, props } from "../../support/policy/change";
import { describeRule, testCompleteness, type RuleCases } from "../../support/policy/cases";

/** What lets a public name through to a place of the companion's own choice. */
const INWARDS = Object.entries(
    planEgress(["*:443", "db.example.com:5432"], {
        companion: "egress",
        hosts: { "db.example.com": "172.30.0.10" },
    }).companionEnvironment,
).map(([key, value]) => `${key}=${value}`);

const tables: readonly RuleCases[] = [
    {
        rule: "bar-user",
        on: "server",
        bad: {
            root: props({ user: "0:0" }),
            "no group": props({ user: "1001" }),
            "root, on no known daemon": (record) => {
                return part({ provider: undefined })(props({ user: "0" })(record));
            },
        },
        fine: { "the host's own users": ["database", props({ user: "999:999" })] },
        missing: ["user", "violates"],
        otherType: ["user", 1001, "violates"],
        unknown: ["user", "undecided"],
    },
    {
        rule: "bar-cap-drop-all",
        on: "server",
        bad: {
            "some only": props({ "capabilities.drops": ["NET_RAW"] }),
            "a host's container": ["database", props({ capabilities: undefined })],
            "the carrier as well": ["carrier", props({ capabilities: undefined })],
        },
        missing: ["capabilities", "violates"],
        otherType: ["capabilities.drops", "ALL", "violates"],
        unknown: ["capabilities", "undecided"],
    },
    {
        rule: "bar-no-new-privileges",
        on: "server",
        bad: {
            "other options only": props({ securityOpts: ["label=type:x"] }),
            "turned off": props({ securityOpts: ["no-new-privileges:false"] }),
            "a host's container": ["database", props({ securityOpts: [] })],
        },
        fine: { "the long form": props({ securityOpts: ["no-new-privileges:true"] }) },
        missing: ["securityOpts", "violates"],
        otherType: ["securityOpts", "no-new-privileges", "violates"],
        unknown: ["securityOpts", "undecided"],
    },
    {
        rule: "bar-read-only-root",
        on: "server",
        bad: {
            writable: props({ readOnly: false }),
            "a carrier that starts": ["carrier", props({ start: true })],
            "a carrier on a network": ["carrier", props({ networkMode: "bridge" })],
            "a carrier that may start, for all that is known": [
                "carrier",
                props({ start: UNKNOWN }),
            ],
        },
        missing: ["readOnly", "violates"],
        otherType: ["readOnly", "true", "violates"],
        unknown: ["readOnly", "undecided"],
    },
    {
        rule: "bar-memory",
        on: "server",
        bad: {
            "no limit": props({ memory: 0, memorySwap: 0 }),
            "swap beside it": props({ memorySwap: 512 }),
            "swap without end": props({ memorySwap: -1 }),
            "the orchestrator": ["orchestrator", props({ memorySwap: undefined })],
            "a host's container": ["database", props({ memory: undefined })],
        },
        missing: ["memorySwap", "violates"],
        otherType: ["memory", "256", "violates"],
        unknown: ["memory", "undecided"],
    },
    {
        rule: "bar-cpus",
        on: "server",
        bad: {
            "no quota": props({ cpuQuota: 0 }),
            "no number": props({ cpuQuota: undefined, cpus: "all" }),
            "the orchestrator": ["orchestrator", props({ cpuQuota: undefined })],
        },
        fine: { "cpus instead": props({ cpuQuota: undefined, cpus: "0.5" }) },
        missing: ["cpuQuota", "violates"],
        otherType: ["cpuQuota", "50000", "violates"],
        unknown: ["cpuQuota", "undecided"],
    },
    {
        rule: "bar-processes",
        on: "server",
        bad: {
            "another runtime": props({ runtime: "runc" }),
            "turned off": props({ "envs[0]": "MCP_PIDS_LIMIT=0" }),
            "no number": props({ "envs[0]": "MCP_PIDS_LIMIT=many" }),
            "too many": props({ "envs[0]": "MCP_PIDS_LIMIT=100000" }),
            "an endless ulimit": props({
                runtime: "runc",
                ulimits: [{ name: "nproc", soft: 10, hard: -1 }],
            }),
        },
        fine: {
            "the runtime's own bound": props({ envs: [] }),
            "a ulimit": props({
                runtime: undefined,
                ulimits: [{ name: "nproc", soft: 256, hard: 256 }],
            }),
        },
        missing: ["runtime", "violates"],
        otherType: ["runtime", 1, "violates"],
        unknown: ["runtime", "undecided"],
        configured: {
            config: { most: 100 },
            change: props({ "envs[0]": "MCP_PIDS_LIMIT=256" }),
            outcomes: ["passes", "violates"],
        },
    },
    {
        rule: "bar-init",
        on: "server",
        bad: { off: props({ init: false }) },
        missing: ["init", "violates"],
        otherType: ["init", 1, "violates"],
        unknown: ["init", "undecided"],
    },
    {
        rule: "bar-restart",
        on: "server",
        bad: {
            never: props({ restart: "no" }),
            always: props({ restart: "always" }),
            "the orchestrator": ["orchestrator", props({ restart: "no" })],
        },
        missing: ["restart", "violates"],
        otherType: ["restart", true, "violates"],
        unknown: ["restart", "undecided"],
        configured: {
            config: { policies: ["on-failure"] },
            change: props({ restart: "on-failure" }),
            outcomes: ["violates", "passes"],
        },
    },
    {
        rule: "bar-log-rotation",
        on: "server",
        bad: {
            "another driver": props({ logDriver: "journald" }),
            "no size": props({ "logOpts.max-size": undefined }),
            "no count": props({ "logOpts.max-file": undefined }),
            "no bound": props({ "logOpts.max-size": "-1" }),
            "the orchestrator": ["orchestrator", props({ logOpts: undefined })],
        },
        fine: { "the local driver": props({ logDriver: "local" }) },
        missing: ["logDriver", "violates"],
        otherType: ["logOpts.max-file", 3, "violates"],
        unknown: ["logOpts", "undecided"],
    },
    {
        rule: "bar-health",
        on: "server",
        bad: {
            "turned off": props({ "healthcheck.tests": ["NONE"] }),
            "nothing to run": props({ "healthcheck.tests": ["CMD"] }),
            "a program without its form": props({ "healthcheck.tests": ["curl", "x"] }),
            "no interval": props({ "healthcheck.interval": undefined }),
            "no timeout": props({ "healthcheck.timeout": "soon" }),
            "a host's container": ["database", props({ healthcheck: undefined })],
        },
        missing: ["healthcheck", "violates"],
        otherType: ["healthcheck.tests", "curl", "violates"],
        unknown: ["healthcheck", "undecided"],
    },
    {
        rule: "bar-egress",
        on: "server",
        bad: {
            "nothing declared": props({ labels: [] }),
            "no list of targets": props({ "labels[4].value": "everything" }),
            "what cannot be enforced": props({
                "labels[4].value": "a.b:6000 c.d:6000",
                "networksAdvanced[1]": { name: "mcp-link-server" },
            }),
            "the network of companions": props({ "networksAdvanced[0].name": "mcp-egress" }),
            "a way out beside the link": props({
                "labels[4].value": "*:443",
                "networksAdvanced[1]": { name: "mcp-link-server" },
                "networksAdvanced[2]": { name: "mcp-egress" },
            }),
            "another server's link": props({
                "labels[4].value": "*:443",
                "networksAdvanced[1]": { name: "mcp-link-web" },
            }),
            "a link without a declaration": props({
                "networksAdvanced[1]": { name: "mcp-link-server" },
            }),
            "a companion that lets through more": [
                "companion",
                props({ "envs[1]": "EGRESS_SQUID_CONF=http_access allow all" }),
            ],
            "a companion that runs what nothing declares": [
                "companion",
                props({ "labels[4].value": "postgres:5432" }),
            ],
            "a companion of another server's link": [
                "companion",
                props({ "networksAdvanced[1].name": "mcp-link-server" }),
            ],
            "a companion under another server's name": [
                "companion",
                props({ name: "mcp-egress-server" }),
            ],
            "a companion on the servers' network": [
                "companion",
                props({ "networksAdvanced[0].name": "mcp-closed" }),
            ],
            "a companion that leads a public name inwards": [
                "companion",
                props({
                    "labels[4].value": "*:443 db.example.com:5432",
                    "hosts[0]": { host: "db.example.com", ip: "172.30.0.10" },
                    envs: ["MCP_PIDS_LIMIT=32", ...INWARDS],
                }),
            ],
            "a companion that knows more hosts": [
                "companion",
                props({ "hosts[1]": { host: "vault.corp", ip: "10.0.0.9" } }),
            ],
            "a companion without targets": ["companion", props({ "labels[4].value": "none" })],
            "a network of its own": props({ "networksAdvanced[0].name": "other" }),
            "a second network": props({ "networksAdvanced[1]": { name: "mcp-egress" } }),
            "declared, without a companion": props({ "labels[4].value": "a.b:443" }),
            "the default network": props({ networksAdvanced: [] }),
            "an unknown one that comes from the wrong network": (record) => {
                const unknown = props({
                    "networksAdvanced[0].name": UNKNOWN,
                    "labels[4].value": "*:443",
                });
                return unknown(record);
            },
        },
        fine: {
            declared: props({
                "labels[4].value": "*:443 postgres:5432",
                "networksAdvanced[1]": { name: "mcp-link-server" },
            }),
            "an unknown one that comes from the right network": props({
                "networksAdvanced[0].name": UNKNOWN,
            }),
        },
        missing: ["networksAdvanced", "violates"],
        otherType: ["networksAdvanced", "mcp-closed", "violates"],
        unknown: ["labels[4].value", "undecided"],
    },
];

tables.forEach(describeRule);
testCompleteness(["bar"], tables);
