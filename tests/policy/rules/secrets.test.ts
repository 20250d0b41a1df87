import { UNKNOWN } from "../../../policy/core/model";
import { TYPES } from "../../../policy/known";
import { all, part, props } from "../../support/policy/change";
import { describeRule, testCompleteness, type RuleCases } from "../../support/policy/cases";

const KEY = `urn:pulumi:test::sutazai-mcp::mcp:host:Layer$${TYPES.privateKey}::leaf-key`;
const NETWORK = `urn:pulumi:test::sutazai-mcp::mcp:host:Layer$${TYPES.network}::internal`;
const DSN = "postgres://reader:secret@db/x";
const PEM = "-----BEGIN EC PRIVATE KEY-----\nMA==\n-----END EC PRIVATE KEY-----";

const tables: readonly RuleCases[] = [
    {
        rule: "secret-env",
        on: "server",
        bad: {
            "by its name": props({ "envs[2]": "API_TOKEN=x" }),
            "by its name, in small letters": props({ "envs[2]": "db_password=x" }),
            "a URL with a password": props({ "envs[2]": `TARGET=${DSN}` }),
            "a private key": props({ "envs[2]": `X=${PEM}` }),
            "the second of two": props({ "envs[2]": UNKNOWN, "envs[3]": "SECRET=x" }),
            "marked as one": part({ beyondPack: { secretPaths: ["envs[1]"] } }),
        },
        fine: {
            "the name of a file": props({ "envs[2]": "PASSWORD_FILE=/run/secrets/password" }),
            "an empty value": props({ "envs[2]": "TOKEN=" }),
            "unknown, from a network": all(
                props({ "envs[2]": UNKNOWN }),
                part({ sources: { envs: [NETWORK] } }),
            ),
        },
        missing: ["envs", "passes"],
        otherType: "every text in it is looked at, whatever holds it",
        unknown: ["envs[0]", "undecided"],
    },
    {
        rule: "secret-label",
        on: "server",
        bad: {
            "by its name": props({ "labels[5]": { label: "api-token", value: "x" } }),
            "by its value": props({ "labels[0].value": DSN }),
            "on a volume": ["logs", props({ "labels[4]": { label: "x", value: PEM } })],
            "marked as one": part({ beyondPack: { secretPaths: ["labels"] } }),
        },
        missing: ["labels", "passes"],
        otherType: ["labels", "x", "violates"],
        unknown: ["labels", "undecided"],
    },
    {
        rule: "secret-argument",
        on: "server",
        bad: {
            "in a command": props({ "command[2]": `--dsn=${DSN}` }),
            "in a health check": props({ "healthcheck.tests": ["CMD", "curl", "http://u:p@x/"] }),
            "in a driver's option": ["logs", props({ driverOpts: { o: `addr=${DSN}` } })],
            "in a build argument": ["image", props({ "build.buildArgs.NPM_TOKEN": "x" })],
            "in a build argument's value": ["image", props({ "build.buildArgs.X": DSN })],
            "in the catalog": ["service", props({ "tags[1]": DSN })],
            "marked as one": part({ beyondPack: { secretPaths: ["command[0]"] } }),
        },
        fine: { "in an upload": ["carrier", props({ "uploads[0].content": DSN })] },
        missing: ["command", "passes"],
        otherType: "every text in it is looked at, whatever holds it",
        unknown: ["command[1]", "undecided"],
    },
    {
        rule: "secret-source",
        on: "server",
        bad: {
            "an environment made of a key": part({ sources: { envs: [KEY] } }),
            "a label": ["logs", part({ sources: { labels: [KEY] } })],
            "a build": ["image", part({ sources: { build: [NETWORK, KEY] } })],
            "a provider's address": ["inner", part({ sources: { host: [KEY] } })],
            "the catalog": ["service", part({ sources: { tags: [KEY] } })],
        },
        fine: { "an upload": part({ sources: { uploads: [KEY] } }) },
        missing: "it looks at what inputs come from, not at values",
        otherType: "it looks at what inputs come from, not at values",
        unknown: ["envs", "passes"],
    },
    {
        rule: "secret-output",
        on: "sutazai-mcp-test",
        bad: {
            "by its name": part({ outputs: { adminPassword: "x" } }),
            "a URL with a password": part({ outputs: { where: { deep: [DSN] } } }),
            "a private key": part({ outputs: { pem: PEM } }),
            "marked as one": part({
                outputs: { x: "y" },
                beyondPack: { secretPaths: ["x"] },
            }),
        },
        missing: "outputs are looked at as they are",
        otherType: "outputs are looked at as they are",
        unknown: "below",
    },
];

tables.forEach(describeRule);
testCompleteness(["secret"], tables);

describeRule({
    rule: "secret-output",
    on: "sutazai-mcp-test",
    bad: {
        "an unknown one beside a bad one": part({ outputs: { a: UNKNOWN, token: "x" } }),
    },
    missing: "above",
    otherType: "above",
    unknown: "above",
    configured: {
        config: { undecided: "refuse" },
        change: part({ outputs: { a: UNKNOWN } }),
        outcomes: ["undecided", "undecided"],
    },
});
