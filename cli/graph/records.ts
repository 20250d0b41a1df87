import * as pulumi from "@pulumi/pulumi";

import { graphOf } from "../../policy/core/graph";
import type { ProviderReference, ResourceRecord, StackGraph } from "../../policy/core/model";
import { TYPES, packageOf } from "../../policy/known";

import { valueOf, type Recorded, type Recorder } from "./mocks";
import type { Ran } from "./program";

const PROJECT_NAME = "sutazai-mcp";

/** What a program registered, as the rules of the policy pack see it. */
export async function stackGraph(stack: string, { recorder, exports }: Ran): Promise<StackGraph> {
    const records = recordsOf(stack, recorder);
    return graphOf([...records, await stackRecord(stack, exports)]);
}

/** The resources of a program as plain records, with the URNs the engine would give them. */
export function recordsOf(stack: string, recorder: Recorder): ResourceRecord[] {
    const urns = new Map(recorder.all.map((one) => [one.key, urnOf(stack, recorder, one)]));
    const urn = (key: string): string => urns.get(key) ?? key;
    return recorder.all.map((one) => {
        const provider = providerOf(recorder, one);
        const deletedWith = [one, ...recorder.ancestors(one)]
            .map(({ options }) => options.deletedWith)
            .find((key) => key !== undefined);
        return {
            urn: urn(one.key),
            type: one.type,
            name: one.name,
            props: one.inputs,
            ...(provider === undefined ? {} : { provider }),
            ...(one.parent === undefined ? {} : { parent: urn(one.parent) }),
            protect: one.options.protect ?? false,
            sources: Object.fromEntries(
                Object.entries(one.sources).map(([key, from]) => [key, from.map(urn)]),
            ),
            beyondPack: {
                ...(deletedWith === undefined ? {} : { deletedWith: urn(deletedWith) }),
                secretPaths: one.secrets,
            },
        };
    });
}

function urnOf(stack: string, recorder: Recorder, one: Recorded): string {
    const above = recorder.ancestors(one).map(({ type }) => type);
    const types = [...above.reverse(), one.type].join("$");
    return `urn:pulumi:${stack}::${PROJECT_NAME}::${types}::${one.name}`;
}

function providerOf(recorder: Recorder, one: Recorded): ProviderReference | undefined {
    if (one.provider === undefined) return undefined;
    const ofThatName = recorder.all.filter(
        ({ type, name }) => type.startsWith("pulumi:providers:") && name === one.provider,
    );
    const fitting = `pulumi:providers:${packageOf(one.type)}`;
    const found = ofThatName.find(({ type }) => type === fitting) ?? ofThatName[0];
    return { type: found?.type ?? "", name: one.provider };
}

/** The stack itself, which mocks do not register: its outputs are the program's exports. */
async function stackRecord(
    stack: string,
    exports: Readonly<Record<string, unknown>>,
): Promise<ResourceRecord> {
    const outputs: Record<string, unknown> = {};
    const secretPaths: string[] = [];
    for (const key of Object.keys(exports).sort()) {
        const output: pulumi.Output<unknown> = pulumi.output(exports[key]);
        outputs[key] = await valueOf(output);
        if (await pulumi.isSecret(output)) secretPaths.push(key);
    }
    const name = `${PROJECT_NAME}-${stack}`;
    return {
        urn: `urn:pulumi:${stack}::${PROJECT_NAME}::${TYPES.stack}::${name}`,
        type: TYPES.stack,
        name,
        props: {},
        outputs,
        beyondPack: { secretPaths },
    };
}
