import { readFileSync } from "node:fs";

import Ajv from "ajv";

import { schemaOf } from "../../policy/adapter";
import type { Rule } from "../../policy/core/model";
import type { PackConfig } from "../../policy/core/run";
import { CliError, messageOf } from "../errors";

const LEVELS = ["advisory", "mandatory", "remediate", "disabled"];

/**
 * Configuration of the rules from the file that `--policy-pack-config` takes too: by rule, a level or a mapping of
 * settings. What the engine would refuse is refused here.
 */
export function readPackConfig(file: string, rules: readonly Rule[]): PackConfig {
    let data: unknown;
    try {
        data = JSON.parse(readFileSync(file, "utf8"));
    } catch (error) {
        throw new CliError(`${file}: ${messageOf(error)}`, "give a JSON file of settings by rule");
    }
    const problems: string[] = [];
    const ajv = new Ajv({ allErrors: true, strict: false });
    const entries = Object.entries(data as Record<string, unknown>).map(([name, given]) => {
        const config = typeof given === "string" ? { enforcementLevel: given } : (given as object);
        const { enforcementLevel, ...settings } = config as Record<string, unknown>;
        const level = enforcementLevel === undefined || LEVELS.includes(enforcementLevel as string);
        const rule = rules.find((one) => one.name === name);
        if (!level) problems.push(`${name}: enforcementLevel is none of ${LEVELS.join(", ")}`);
        if (rule === undefined) {
            if (name !== "all") problems.push(`${name}: there is no such rule`);
        } else {
            const { properties } = schemaOf(rule);
            ajv.validate({ type: "object", properties, additionalProperties: false }, settings);
            for (const { instancePath, message = "" } of ajv.errors ?? []) {
                problems.push(`${name}${instancePath}: ${message}`);
            }
        }
        return [name, config as Record<string, unknown>] as const;
    });
    if (problems.length > 0) throw new CliError(`${file}:\n${problems.join("\n")}`);
    const given = new Map(entries);
    const all = given.get("all") ?? {};
    return Object.fromEntries(
        rules.map(({ name }) => [name, { ...all, ...(given.get(name) ?? {}) }]),
    );
}
