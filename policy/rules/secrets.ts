import { looksSecret } from "../../config/manifest-rules";
import { holdsPrivateKey, holdsUrlPassword } from "../../config/predicates";
import {
    UNKNOWN,
    type Finding,
    type ResourceRule,
    type Rule,
    type StackRule,
    type Subject,
} from "../core/model";
import { each } from "../core/values";
import { TYPES } from "../known";

import { cis, owaspMcp } from "./references";

const secret = { scope: "resource", enforcement: "mandatory", severity: "critical" } as const;

const REMEDY = "Hand it over as a file: secrets of a manifest, or an upload.";

/** Whether a text is or has a secret by its looks. */
function isSecretText(text: string): boolean {
    return holdsUrlPassword(text) || holdsPrivateKey(text);
}

/** Whether the program marked the input at that path as secret; only the offline recorder knows. */
function marked({ record }: Subject, path: string): boolean {
    const paths = record.beyondPack?.secretPaths ?? [];
    return paths.some(
        (at) => at === path || path.startsWith(`${at}.`) || path.startsWith(`${at}[`),
    );
}

/**
 * Texts anywhere in an input. One that is not known yet is left out when it comes from other resources, since where
 * it may come from is `secret-source`'s; else it is undecided.
 */
function* textsOf(
    subject: Subject,
    key: string,
): Iterable<{ readonly path: string; readonly text: string } | Finding> {
    const walk = function* (
        value: unknown,
        path: string,
    ): Iterable<{ readonly path: string; readonly text: string } | Finding> {
        if (value === UNKNOWN) {
            if (subject.sourcesOf(key).length > 0) return;
            yield { path, problem: "is not known before up", undecided: true };
        } else if (typeof value === "string") yield { path, text: value };
        else if (Array.isArray(value)) {
            for (const [index, item] of value.entries())
                yield* walk(item, `${path}[${String(index)}]`);
        } else if (typeof value === "object" && value !== null) {
            for (const [name, item] of Object.entries(value)) yield* walk(item, `${path}.${name}`);
        }
    };
    yield* walk(subject.record.props[key], key);
}

function* plainTexts(subject: Subject, key: string): Iterable<Finding> {
    for (const found of textsOf(subject, key)) {
        if (!("text" in found)) yield found;
        else if (isSecretText(found.text) || marked(subject, found.path)) {
            yield { path: found.path, problem: "holds a secret" };
        }
    }
}

const environment: ResourceRule = {
    ...secret,
    settles: true,
    types: [TYPES.container],
    name: "secret-env",
    description: "No environment variable holds a secret: every inspection would show it.",
    remediation: REMEDY,
    references: [cis("4.10"), owaspMcp(1)],
    *check(subject) {
        for (const found of textsOf(subject, "envs")) {
            if (!("text" in found)) {
                yield found;
                continue;
            }
            const [, name = "", value = ""] = /^([^=]*)=?([\s\S]*)$/.exec(found.text) ?? [];
            const plain = looksSecret(name) && value !== "";
            if (plain || isSecretText(value) || marked(subject, found.path)) {
                yield { path: found.path, problem: "holds a secret" };
            }
        }
    },
};

const labels: ResourceRule = {
    ...secret,
    settles: true,
    types: [TYPES.container, TYPES.network, TYPES.volume],
    name: "secret-label",
    description: "No label holds a secret.",
    remediation: REMEDY,
    references: [owaspMcp(1)],
    *check(subject) {
        yield* plainTexts(subject, "labels");
        yield* each(subject.at("labels"), function* (label) {
            if (looksSecret(label.at("label").text() ?? "")) {
                yield { path: label.path, problem: "is named like a secret" };
            }
        });
    },
};

/** Inputs that have a rule of their own, or are the place for secrets. */
const ELSEWHERE = ["envs", "labels", "uploads"];

const argument: ResourceRule = {
    ...secret,
    settles: true,
    types: [
        ...[TYPES.container, TYPES.network, TYPES.volume, TYPES.image],
        ...[TYPES.consulNode, TYPES.consulService, "consul:index/keys:Keys"],
    ],
    name: "secret-argument",
    description: "No command, option, build argument or entry of a catalog holds a secret.",
    remediation: REMEDY,
    references: [cis("4.10"), owaspMcp(1)],
    *check(subject) {
        const keys = Object.keys(subject.record.props).filter((key) => !ELSEWHERE.includes(key));
        for (const key of keys.sort()) yield* plainTexts(subject, key);
        if (subject.record.type !== TYPES.image) return;
        const args = subject.at("build").at("buildArgs");
        for (const key of args.keys().filter(looksSecret)) {
            yield { path: args.at(key).path, problem: "is named like a secret" };
        }
    },
};

/** Where a private key, or what is made of one, may go. Everything else of these packages is shown to anyone. */
const KEY_PLACES: Readonly<Record<string, readonly string[]>> = {
    [TYPES.container]: ["uploads"],
    [TYPES.network]: [],
    [TYPES.volume]: [],
    [TYPES.image]: [],
    [TYPES.dockerProvider]: ["keyMaterial"],
    [TYPES.consulNode]: [],
    [TYPES.consulService]: [],
};

const source: StackRule = {
    ...secret,
    scope: "stack",
    name: "secret-source",
    description:
        "What is made of a private key goes into uploads and a provider's key, nowhere else.",
    remediation: REMEDY,
    references: [owaspMcp(1)],
    *check(graph) {
        const keys = new Set(graph.ofType(TYPES.privateKey).map(({ urn }) => urn));
        for (const { type, urn, sources = {} } of graph.all) {
            const places = KEY_PLACES[type];
            if (places === undefined) continue;
            for (const [path, from] of Object.entries(sources)) {
                if (places.includes(path) || !from.some((one) => keys.has(one))) continue;
                yield { urn, path, problem: "is made of a private key" };
            }
        }
    },
};

const output: StackRule = {
    ...secret,
    scope: "stack",
    name: "secret-output",
    description: "No output of the stack holds a secret.",
    remediation: "Do not export it; who needs it reads the state, or the file it is in.",
    references: [owaspMcp(1)],
    config: {
        undecided: {
            type: "string",
            enum: ["refuse", "tell"],
            description:
                "What to do with outputs that are not known yet. They are told, since every first preview has some: ./mcp check decides the same ones, and so does the end of up.",
            default: "tell",
        },
    },
    *check(graph) {
        for (const { urn, outputs = {}, beyondPack } of graph.ofType(TYPES.stack)) {
            const subject: Subject = {
                record: { urn, type: TYPES.stack, name: "", props: outputs, beyondPack },
                ancestors: [],
                at: () => {
                    throw new Error("outputs are read as a whole");
                },
                sourcesOf: () => [],
            };
            for (const key of Object.keys(outputs).sort()) {
                if (looksSecret(key)) yield { urn, path: key, problem: "is named like a secret" };
                for (const finding of plainTexts(subject, key)) yield { urn, ...finding };
            }
        }
    },
};

export const secretRules: readonly Rule[] = [environment, labels, argument, source, output];
