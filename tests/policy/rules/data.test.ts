import { UNKNOWN } from "../../../policy/core/model";
import { all, part, props } from "../../support/policy/change";
import { describeRule, testCompleteness, type RuleCases } from "../../support/policy/cases";

/** The volume of a stack of that name. */
const inStack = (name: string) => (record: { urn: string }) =>
    part({ urn: record.urn.replace(":test:", `:${name}:`) })(record as never);

const tables: readonly RuleCases[] = [
    {
        rule: "data-protected",
        on: "logs",
        bad: {
            "a stack protected by its name": inStack("prod"),
            "a stack with one protected volume": ["data", part({ protect: true })],
        },
        fine: {
            protected: all(inStack("production"), part({ protect: true })),
            "a stack that is not": part({ protect: false }),
            "disposable ones": ["logs", part({ protect: true })],
        },
        missing: ["labels", "passes"],
        otherType: "labels are the ownership rule's",
        unknown: ["labels", "passes"],
        configured: {
            config: { stacks: ["test"] },
            change: part({ protect: false }),
            outcomes: ["passes", "violates"],
        },
    },
    {
        rule: "data-ownership",
        on: "server",
        bad: {
            "no part": props({ "labels[0].value": "" }),
            "not managed": props({ "labels[1].value": "false" }),
            "another system's": props({ "labels[2].value": "other" }),
            "another stack's": props({ "labels[3].value": "dev" }),
            "a network": ["closed", props({ labels: [] })],
            "a volume": ["logs", props({ labels: undefined })],
        },
        missing: ["labels", "violates"],
        otherType: ["labels", { "mcp.managed": "true" }, "violates"],
        unknown: ["labels[0].value", "undecided"],
    },
];

tables.forEach(describeRule);
testCompleteness(["data"], tables);

describeRule({
    rule: "data-protected",
    on: "logs",
    bad: {
        "another part than the disposable ones": all(
            inStack("prod"),
            props({ "labels[0].value": "volume-other" }),
        ),
    },
    missing: "above",
    otherType: "above",
    unknown: "above",
    configured: {
        config: { stacks: ["test"] },
        change: props({ labels: UNKNOWN }),
        outcomes: ["passes", "undecided"],
    },
});
