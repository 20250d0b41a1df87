import { TYPES } from "../../../policy/known";
import { below, part, props } from "../../support/policy/change";
import { describeRule, testCompleteness, type RuleCases } from "../../support/policy/cases";

const OTHER = `urn:pulumi:test::sutazai-mcp::mcp:host:Layer$${TYPES.volume}::logs`;
const none = "it looks at where a resource is, not at values";
const docker = (name: string) => part({ provider: { type: TYPES.dockerProvider, name } });

const tables: readonly RuleCases[] = [
    {
        rule: "place-explicit-provider",
        on: "server",
        bad: {
            none: part({ provider: undefined }),
            "the default one": docker("default_5_2_0"),
            "one of another package": part({
                provider: { type: "pulumi:providers:tls", name: "x" },
            }),
            "a volume": ["logs", part({ provider: undefined })],
            "an image": ["image", docker("default")],
            "a service of the catalog": ["service", part({ provider: undefined })],
            "a node of the catalog": [
                "node",
                part({ provider: { type: TYPES.consulProvider, name: "default_3_15_1" } }),
            ],
        },
        fine: { "what needs none": ["leaf", part({ provider: undefined })] },
        missing: none,
        otherType: none,
        unknown: none,
    },
    {
        rule: "place-layer",
        on: "server",
        bad: {
            "the wrong daemon": docker("host"),
            "the wrong daemon, from the host": ["database", docker("inner")],
            "below no layer": below("mcp:inner:Server"),
            "below both": below("mcp:host:Layer", "mcp:inner:Layer"),
            "a third daemon": docker("third"),
        },
        missing: none,
        otherType: none,
        unknown: none,
    },
    {
        rule: "place-known-types",
        on: "server",
        bad: {
            "a swarm service": part({ type: "docker:index/service:Service" }),
            "a plugin": part({ type: "docker:index/plugin:Plugin" }),
            "a command": part({ type: "command:local:Command" }),
            "another builder": part({ type: "docker-build:index:Image" }),
        },
        missing: none,
        otherType: none,
        unknown: none,
        configured: {
            config: { also: ["random:index/randomId:RandomId"] },
            change: part({ type: "random:index/randomId:RandomId" }),
            outcomes: ["violates", "passes"],
        },
    },
    {
        rule: "place-deleted-with",
        on: "inner-layer",
        bad: {
            nothing: part({ sources: {} }),
            "another volume": part({ sources: { deletedWith: [OTHER] } }),
            "not below the layer": ["server", part({ parent: undefined })],
            "the option says another": [
                "server",
                part({ beyondPack: { deletedWith: OTHER, secretPaths: [] } }),
            ],
            "the option says nothing": ["closed", part({ beyondPack: { secretPaths: [] } })],
            "the volume holds something else": [
                "orchestrator",
                props({ "volumes[0].containerPath": "/var/log" }),
            ],
        },
        missing: none,
        otherType: none,
        unknown: ["deletedWith", "passes"],
    },
];

tables.forEach(describeRule);
testCompleteness(["place"], tables);
