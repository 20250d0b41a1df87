import { graphOf } from "../../policy/core/graph";
import type { ResourceRecord } from "../../policy/core/model";
import { judge } from "../../policy/core/run";
import { RULES } from "../../policy/rules";
import { goodStack } from "../support/policy/stack";

const CANARY = "canary-4f1d9b";
const NUMBER = 987654321;

/** Every text and number of the inputs and outputs replaced by a canary; keys stay. */
function poisoned(value: unknown): unknown {
    if (typeof value === "string") return CANARY;
    if (typeof value === "number") return NUMBER;
    if (Array.isArray(value)) return value.map(poisoned);
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, poisoned(part)]));
}

function poisonedRecord(record: ResourceRecord): ResourceRecord {
    return {
        ...record,
        props: poisoned(record.props) as ResourceRecord["props"],
        ...(record.outputs ? { outputs: poisoned(record.outputs) as ResourceRecord["props"] } : {}),
    };
}

/** Ways to hold a value that trips other rules than a bare one does. */
const DRESSED = [
    `postgres://u:${CANARY}@db/x`,
    `TOKEN=${CANARY}`,
    `/${CANARY}`,
    `${CANARY}:latest`,
    `docker:25.0.5-${CANARY}`,
    `-----BEGIN PRIVATE KEY-----${CANARY}`,
    `tcp://${CANARY}`,
];

test("no rule prints a value, whatever the values are", () => {
    const stack = goodStack();
    const messages = judge(RULES, graphOf(stack.map(poisonedRecord))).map(({ message }) => message);
    expect(messages.length).toBeGreaterThan(40);
    for (const record of stack) {
        for (const key of Object.keys(record.props)) {
            for (const text of DRESSED) {
                const changed = dressed(record, key, text);
                const others = stack.map((one) => (one === record ? changed : one));
                messages.push(...judge(RULES, graphOf(others)).map(({ message }) => message));
            }
        }
    }
    expect(
        messages.filter((text) => text.includes(CANARY) || text.includes(String(NUMBER))),
    ).toEqual([]);
}, 60_000);

/** The record with every text of one input replaced. */
function dressed(record: ResourceRecord, key: string, text: string): ResourceRecord {
    const put = (value: unknown): unknown => {
        if (typeof value === "string") return text;
        if (Array.isArray(value)) return value.map(put);
        if (typeof value !== "object" || value === null) return value;
        return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, put(part)]));
    };
    return { ...record, props: { ...record.props, [key]: put(record.props[key]) } };
}
