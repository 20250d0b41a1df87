import type { Rule } from "../core/model";

import { barRules } from "./bar";
import { certificateRules } from "./certificates";
import { dataRules } from "./data";
import { exposureRules } from "./exposure";
import { imageRules } from "./images";
import { placementRules } from "./placement";
import { privilegeRules } from "./privilege";
import { secretRules } from "./secrets";
import { stackRules } from "./stack";

/** Every rule. The first looks at all types: its run is what records each resource for the stack's rules. */
export const RULES: readonly Rule[] = [
    ...placementRules,
    ...privilegeRules,
    ...barRules,
    ...exposureRules,
    ...imageRules,
    ...certificateRules,
    ...secretRules,
    ...dataRules,
    ...stackRules,
];
