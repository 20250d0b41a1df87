import { UNKNOWN } from "../../../policy/core/model";
import { TYPES } from "../../../policy/known";
import { all, below, part, props } from "../../support/policy/change";
import { describeRule, testCompleteness, type RuleCases } from "../../support/policy/cases";

const plain = { internal: 2375, external: 12375, ip: "127.0.0.1", protocol: "tcp" };
const ICC = 'options."com.docker.network.bridge.enable_icc"';
const MASQUERADE = 'options."com.docker.network.bridge.enable_ip_masquerade"';

const tables: readonly RuleCases[] = [
    {
        rule: "expose-loopback-only",
        on: "database",
        bad: {
            "every address": props({ "ports[0].ip": "0.0.0.0" }),
            "an address of the machine": props({ "ports[0].ip": "192.168.1.10" }),
            "what only looks like loopback": props({ "ports[0].ip": "127.0.0.1.example.com" }),
            "all ports": props({ publishAllPorts: true }),
            "every address inside": ["server", props({ "ports[0].ip": "0.0.0.0" })],
            "no address inside": ["server", props({ "ports[0].ip": undefined })],
            "an edge on the inner daemon": [
                "server",
                all(below("mcp:inner:Layer", "mcp:host:Edge"), props({ "ports[0].ip": "0.0.0.0" })),
            ],
            "an edge without TLS": all(
                below("mcp:host:Layer", "mcp:host:Edge"),
                props({ "ports[0].ip": "0.0.0.0", labels: [{ label: "mcp.tls", value: "none" }] }),
            ),
            "the second port": props({
                "ports[1]": { internal: 1, external: 1, ip: "10.0.0.1", protocol: "tcp" },
            }),
        },
        fine: {
            "the edge's own, with TLS": all(
                below("mcp:host:Layer", "mcp:host:Edge"),
                props({ "ports[0].ip": "0.0.0.0", labels: [{ label: "mcp.tls", value: "own" }] }),
            ),
            "another address of loopback": props({ "ports[0].ip": "127.3.2.1" }),
        },
        missing: ["ports[0].ip", "violates"],
        otherType: ["ports", "5432:5432", "violates"],
        unknown: ["ports[0].ip", "undecided"],
    },
    {
        rule: "expose-plain-api",
        on: "orchestrator",
        bad: {
            "not asked for": props({ "ports[1]": plain }),
            "under another number": props({ "ports[1]": { ...plain, external: 4243 } }),
            "beyond loopback": props({
                "ports[1]": { ...plain, ip: "10.89.0.1" },
                "envs[1]": "MCP_PLAIN_API_FROM=10.89.0.1",
            }),
            "by a flag of the daemon": props({ "command[1]": "--host=tcp://0.0.0.0:2375" }),
            "by turning TLS off": props({ "command[1]": "--tls=false" }),
            "without certificates": props({ "envs[0]": "DOCKER_TLS_CERTDIR=" }),
        },
        fine: {
            "asked for": props({ "ports[1]": plain, "envs[1]": "MCP_PLAIN_API_FROM=10.89.0.1" }),
        },
        missing: ["ports", "passes"],
        otherType: ["ports[0].internal", "2375", "violates"],
        unknown: ["ports[0].internal", "undecided"],
    },
    {
        rule: "expose-provider-tls",
        on: "inner",
        bad: {
            "no authority": props({ caMaterial: undefined }),
            "no certificate": props({ certMaterial: undefined }),
            "no key": props({ keyMaterial: undefined }),
            "plain HTTP": props({ host: "http://127.0.0.1:2375" }),
            ssh: props({ host: "ssh://root@example.com" }),
            "the host's socket as the inner daemon": props({ host: "unix:///var/run/docker.sock" }),
            "the host's daemon over plain TCP": ["host", props({ host: "tcp://127.0.0.1:2375" })],
            "an unknown daemon without material": props({ host: UNKNOWN, keyMaterial: undefined }),
            "no daemon at all": ["host", props({ host: undefined })],
        },
        fine: {
            "unknown material": props({
                host: UNKNOWN,
                caMaterial: UNKNOWN,
                certMaterial: UNKNOWN,
                keyMaterial: UNKNOWN,
            }),
        },
        missing: ["host", "violates"],
        otherType: ["host", 2376, "violates"],
        unknown: ["host", "passes"],
    },
    {
        rule: "expose-consul-provider",
        on: "consul",
        bad: {
            "another machine": props({ address: "consul.example.com:8500" }),
            "unverified TLS": props({ scheme: "https", insecureHttps: true }),
            "an unknown agent of who knows where": all(
                props({ address: UNKNOWN }),
                part({ sources: { address: ["urn:pulumi:test::sutazai-mcp::x::y"] } }),
                props({ insecureHttps: true }),
            ),
        },
        fine: {
            "TLS elsewhere": props({ address: "consul.example.com:8501", scheme: "https" }),
            "through a container of the host": (record) => {
                const urn = `urn:pulumi:test::sutazai-mcp::mcp:host:Layer$mcp:host:Database$${TYPES.container}::database`;
                return part({ sources: { address: [urn] } })(props({ address: UNKNOWN })(record));
            },
        },
        missing: ["address", "violates"],
        otherType: ["address", 8500, "violates"],
        unknown: ["address", "undecided"],
    },
    {
        rule: "expose-network-isolation",
        on: "closed",
        bad: {
            "traffic between containers": props({ [ICC]: "true" }),
            "address translation": props({ [MASQUERADE]: "true" }),
            "no options at all": props({ options: undefined }),
            "a network of another name with translation": props({
                name: "mcp-other",
                [MASQUERADE]: undefined,
            }),
            "a companion's link with translation": ["link", props({ [MASQUERADE]: undefined })],
            "the database's network with a way out": ["internal", props({ internal: false })],
        },
        fine: {
            "translation on the network with a way out": props({
                name: "mcp-egress",
                [MASQUERADE]: undefined,
            }),
            "the host's main network": ["internal", props({ name: "main", internal: false })],
        },
        missing: [ICC, "violates"],
        otherType: [ICC, false, "violates"],
        unknown: [ICC, "undecided"],
    },
];

tables.forEach(describeRule);
testCompleteness(["expose"], tables);
