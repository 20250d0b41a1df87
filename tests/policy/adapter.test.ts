import * as policySdk from "@pulumi/policy";
import type { PolicyResource, ResourceValidationArgs, StackValidationArgs } from "@pulumi/policy";

import { policiesOf, schemaOf } from "../../policy/adapter";
import type { ResourceRecord } from "../../policy/core/model";
import { RULES } from "../../policy/rules";
import { goodStack } from "../support/policy/stack";

/** What the SDK hands properties over in; exported, and left out of its types. */
const { unknownCheckingProxy } = policySdk as unknown as {
    unknownCheckingProxy(this: void, props: object): Record<string, unknown>;
};

/** How the SDK writes a text that is not known yet. */
const UNKNOWN_TEXT = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

interface Said {
    readonly policy: string;
    readonly message: string;
    readonly urn?: string;
    readonly level?: string;
}

/** Runs the pack as the engine does: each resource's inputs, then all of them with their outputs. */
function run(
    inputs: readonly ResourceRecord[],
    outputsOf: (record: ResourceRecord) => Record<string, unknown> = ({ props }) => ({ ...props }),
    config: Record<string, object> = {},
): Said[] {
    const said: Said[] = [];
    const reporter = (policy: string, own?: string) => (message: unknown, urn?: string) => {
        if (typeof message === "string") said.push({ policy, message, urn: urn ?? own });
        else {
            const { enforcementLevel, ...rest } = message as Said & { enforcementLevel: string };
            said.push({ policy, message: rest.message, urn: rest.urn, level: enforcementLevel });
        }
    };
    const policies = policiesOf(RULES);
    const never = (): never => {
        throw new Error("not applicable");
    };
    const common = (name: string) => ({
        getConfig: () => config[name] ?? {},
        stackTags: new Map<string, string>(),
        notApplicable: never,
    });
    for (const record of inputs) {
        for (const policy of policies) {
            if (!("validateResource" in policy)) continue;
            const validate = policy.validateResource as (args: unknown, report: unknown) => void;
            const { __pulumiType } = validate as { __pulumiType?: string };
            if (__pulumiType !== undefined && __pulumiType !== record.type) continue;
            const args: Partial<ResourceValidationArgs> = {
                ...common(policy.name),
                ...pick(record),
                props: unknownCheckingProxy({ ...record.props }),
            } as never;
            validate(args, reporter(policy.name, record.urn));
        }
    }
    const resources = inputs.map((record) => ({
        ...pick(record),
        props: unknownCheckingProxy(outputsOf(record)),
        dependencies: [],
        propertyDependencies: {},
    })) as unknown as PolicyResource[];
    const byUrn = new Map(resources.map((resource) => [resource.urn, resource]));
    for (const [index, record] of inputs.entries()) {
        const resource = resources[index];
        if (resource === undefined) continue;
        const parent = byUrn.get(record.parent ?? "");
        if (parent) resource.parent = parent;
        for (const [key, from] of Object.entries(record.sources ?? {})) {
            resource.propertyDependencies[key] = from.flatMap((urn) => byUrn.get(urn) ?? []);
        }
    }
    for (const policy of policies) {
        if (!("validateStack" in policy)) continue;
        const { __pulumiType } = policy.validateStack as { __pulumiType?: string };
        if (__pulumiType !== undefined && !inputs.some(({ type }) => type === __pulumiType)) {
            continue;
        }
        const args = { ...common(policy.name), resources } as unknown as StackValidationArgs;
        void policy.validateStack(args, reporter(policy.name));
    }
    return said;
}

function pick({ urn, type, name, provider, protect = false }: ResourceRecord): object {
    return {
        ...{ urn, type, name },
        opts: { protect },
        ...(provider
            ? { provider: { ...provider, urn: `${provider.type}::${provider.name}` } }
            : {}),
    };
}

const stack = (): ResourceRecord[] => goodStack();

function changed(name: string, values: Record<string, unknown>): ResourceRecord[] {
    return stack().map((record) =>
        record.name === name ? { ...record, props: { ...record.props, ...values } } : record,
    );
}

test("says nothing of the good stack", () => {
    expect(run(stack())).toEqual([]);
});

test("a violation carries its policy, the resource and the sentence", () => {
    const [one, ...others] = run(changed("server", { user: "0:0" }));
    expect(others).toEqual([]);
    expect(one).toMatchObject({ policy: "bar-user", message: "user: is not 1001:1001" });
    expect(one?.urn).toMatch(/::server$/);
});

test("the whole stack is judged by the inputs, even where its end shows no properties", () => {
    // What the engine shows under a provider that is not configured yet.
    const said = run(changed("server", { memory: 8192, memorySwap: 8192 }), ({ type, props }) =>
        type.startsWith("docker:") ? {} : { ...props },
    );
    expect(said.map(({ policy }) => policy)).toEqual(["stack-limits-fit"]);
});

test("an unknown value that its origin settles is said nothing of", () => {
    expect(run(changed("server", { image: UNKNOWN_TEXT }))).toEqual([]);
    const network = { networksAdvanced: [{ name: UNKNOWN_TEXT }] };
    expect(run(changed("server", network))).toEqual([]);
});

test("an unknown value that nothing settles is a violation, once", () => {
    const said = run(changed("database", { image: UNKNOWN_TEXT }));
    const pinned = said.filter(({ policy }) => policy === "image-pinned");
    expect(pinned).toHaveLength(1);
    expect(pinned[0]?.message).toMatch(/^image: is not known before up/);
    expect(pinned[0]?.level).toBeUndefined();
});

test("a plainly unknown value is said at the first look, and not again", () => {
    const said = run(changed("server", { user: UNKNOWN_TEXT }));
    // What comes from nowhere that is known could be a secret as well.
    expect(said.map(({ policy }) => policy)).toEqual(["bar-user", "secret-argument"]);
});

test("told to, it only tells", () => {
    const config = { "bar-user": { undecided: "tell" } };
    const [one] = run(changed("server", { user: UNKNOWN_TEXT }), undefined, config);
    expect(one).toMatchObject({ policy: "bar-user", level: "advisory" });
    expect(run(changed("server", { user: "0" }), undefined, config)[0]?.level).toBeUndefined();
});

test("what is wrong beside something unknown is said once", () => {
    const volumes = [{ volumeName: UNKNOWN_TEXT }, { volumeName: "/etc" }];
    const said = run(changed("server", { volumes })).filter(
        ({ policy }) => policy === "privilege-no-host-paths",
    );
    expect(said.map(({ message }) => message.split(":")[0])).toEqual([
        "volumes[1].volumeName",
        "volumes[0].volumeName",
    ]);
});

describe("what policies say of themselves", () => {
    const policies = policiesOf(RULES);

    test.each(RULES.map((rule) => [rule.name, rule] as const))("%s", (name, rule) => {
        const policy = policies.find((one) => one.name === name);
        expect(name).toMatch(/^[a-z]+(-[a-z]+)+$/);
        expect(policy?.description).toMatch(/^[A-Z].*\.$/);
        expect(policy?.remediationSteps).toMatch(/^[A-Z].*\.$/);
        expect(["low", "medium", "high", "critical"]).toContain(policy?.severity);
        expect(policy?.enforcementLevel).toBe(rule.enforcement);
        for (const [key, field] of Object.entries(schemaOf(rule).properties)) {
            expect({ key, field }).toEqual({
                key,
                field: expect.objectContaining({
                    description: expect.stringMatching(/\.$/) as string,
                    default: expect.anything() as unknown,
                }) as unknown,
            });
        }
    });

    test("names are unique", () => {
        expect(new Set(policies.map(({ name }) => name)).size).toBe(policies.length);
    });
});
