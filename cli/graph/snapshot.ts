import { maskedProps, type GraphResource } from "../diff/from-graph";

import type { Ran } from "./program";
import { recordsOf } from "./records";

/** The resources of a program as they can be compared and handed on: without secrets. */
export function graphResources(stack: string, { recorder }: Ran): GraphResource[] {
    const records = recordsOf(stack, recorder);
    return recorder.all.flatMap(({ options, secrets }, index) => {
        const record = records[index];
        if (record === undefined) return [];
        const { urn, type, name, props, sources = {} } = record;
        const trigger = options.replacementTrigger;
        return [
            {
                ...{ urn, type, name, sources },
                props: maskedProps(props, secrets),
                ...(trigger === undefined ? {} : { trigger }),
            },
        ];
    });
}
