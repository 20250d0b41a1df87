import type {
    Policies,
    PolicyComplianceFramework,
    PolicyConfigSchema,
    PolicyResource,
    ReportViolation,
    ResourceValidation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidation,
    StackValidationPolicy,
} from "@pulumi/policy";

import { graphOf } from "./core/graph";
import {
    UNKNOWN,
    type Enforcement,
    type ResourceRecord,
    type ResourceRule,
    type Rule,
    type RuleConfig,
    type StackGraph,
    type StackRule,
} from "./core/model";
import { UNDECIDED_SETTING, judgeResource, judgeStack, looksAt, type Verdict } from "./core/run";
import { TYPES } from "./known";

/**
 * The rules as policies of a pack.
 *
 * The engine shows a resource twice: its inputs before it is made, and at the end, with all others, what came of it.
 * The second look has what the first lacks (where inputs come from), and lacks what the first has: under a provider
 * that is not configured yet, as the inner one at the first preview, its properties are empty (measured,
 * docs/decisions/0010). So the inputs are kept from the first look, for the rules that look at the whole stack and for
 * those a value was unknown to.
 */
export function policiesOf(rules: readonly Rule[]): Policies {
    const inputs = new Map<string, ResourceRecord>();
    return rules.map((rule, index) =>
        rule.scope === "stack"
            ? stackPolicy(rule, inputs)
            : resourcePolicy(rule, inputs, index === 0),
    );
}

function resourcePolicy(
    rule: ResourceRule,
    inputs: Map<string, ResourceRecord>,
    first: boolean,
): ResourceValidationPolicy & Partial<StackValidationPolicy> {
    const open = new Set<string>();
    const validateResource: ResourceValidation & ForType = (args, report) => {
        const wanted = looksAt(rule, args.type);
        if (!wanted && !first) return;
        const record = recordOf(args);
        inputs.set(record.urn, record);
        if (!wanted) return;
        const verdicts = judgeResource(rule, record, args.getConfig());
        // Undecided now, settled at the end: the one thing that is put off.
        const putOff = rule.settles === true && verdicts.some(({ undecided }) => undecided);
        if (putOff) open.add(record.urn);
        else open.delete(record.urn);
        if (validateStack.__pulumiType !== undefined && putOff) delete validateStack.__pulumiType;
        say(
            rule,
            verdicts.filter(({ undecided }) => !undecided || !putOff),
            report,
        );
    };
    const validateStack: StackValidation & ForType = (args, report) => {
        const graph = stackOf(args.resources, inputs);
        const given = args.getConfig<RuleConfig>();
        for (const record of [...open].sort().flatMap((urn) => graph.byUrn(urn) ?? [])) {
            // What was wrong whatever the unknown turns out to be was said at the first look.
            const said = judgeResource(rule, record, given)
                .filter(({ undecided }) => !undecided)
                .map(({ message }) => message);
            const verdicts = judgeResource(rule, record, given, graph);
            say(
                rule,
                verdicts.filter(({ message }) => !said.includes(message)),
                report,
            );
        }
        open.clear();
        validateStack.__pulumiType = NOTHING_OPEN;
    };
    validateStack.__pulumiType = NOTHING_OPEN;
    // The one of all types sees every resource, to record it.
    if (rule.types !== "all" && rule.types.length === 1) {
        validateResource.__pulumiType = rule.types[0];
    }
    return {
        ...head(rule),
        validateResource,
        ...(rule.settles === true ? { validateStack } : {}),
    };
}

/**
 * How the SDK's own helpers say which type a function is for. A function for another type is not called, and the
 * resource is not unpacked for it: with fifty rules that is most of what a preview would spend on them.
 */
interface ForType {
    __pulumiType?: string;
}

/** The type of a function that has nothing to look at. */
const NOTHING_OPEN = "sutazai-mcp:policy:NothingOpen";

function stackPolicy(
    rule: StackRule,
    inputs: ReadonlyMap<string, ResourceRecord>,
): StackValidationPolicy {
    return {
        ...head(rule),
        validateStack: (args, report) => {
            const verdicts = judgeStack(rule, stackOf(args.resources, inputs), args.getConfig());
            say(rule, verdicts, report);
        },
    };
}

function say(rule: Rule, verdicts: readonly Verdict[], report: ReportViolation): void {
    for (const { enforcement, message, urn } of verdicts) {
        if (enforcement === rule.enforcement) report(message, urn);
        else reportAt(enforcement, `${rule.description}\n${message}`, urn, report);
    }
}

/** Of a policy's violations one can have a level of its own: the SDK takes it, and leaves it out of its types. */
function reportAt(
    enforcementLevel: Enforcement,
    message: string,
    urn: string,
    report: ReportViolation,
): void {
    (report as unknown as (violation: object) => void)({ message, urn, enforcementLevel });
}

/** What a policy says of itself. */
function head(rule: Rule): Omit<ResourceValidationPolicy, "validateResource"> {
    const { name, description, severity, enforcement, remediation, references = [] } = rule;
    return {
        name,
        description,
        severity,
        enforcementLevel: enforcement,
        remediationSteps: remediation,
        configSchema: schemaOf(rule),
        ...(references[0] ? { framework: frameworkOf(references[0]) } : {}),
        tags: references.map((reference) => `${reference.name} ${reference.item}`),
    };
}

function frameworkOf(
    reference: NonNullable<Rule["references"]>[number],
): PolicyComplianceFramework {
    const { name, version, item } = reference;
    const specification =
        name === "CIS Docker Benchmark"
            ? "https://www.cisecurity.org/benchmark/docker"
            : "https://owasp.org/www-project-mcp-top-10/";
    return { name, version, reference: item, specification };
}

/** The settings of a rule; every mandatory one can be told to let a preview pass that it cannot decide. */
export function schemaOf(rule: Rule): PolicyConfigSchema {
    const own = rule.config ?? {};
    const undecided = {
        type: "string" as const,
        enum: ["refuse", "tell"],
        description:
            "What to do with a value that is not known before up: refuse it as a violation, or tell.",
        default: "refuse",
    };
    return {
        properties: {
            ...(rule.enforcement === "mandatory" ? { [UNDECIDED_SETTING]: undecided } : {}),
            ...own,
        },
    };
}

/** A resource as the engine shows it before it is made. */
function recordOf(args: ResourceValidationArgs): ResourceRecord {
    const { urn, type, name, opts, provider } = args;
    return {
        urn,
        type,
        name,
        props: plain(args.props),
        ...(provider ? { provider: { type: provider.type, name: provider.name } } : {}),
        ...(opts.parent === undefined ? {} : { parent: opts.parent }),
        protect: opts.protect,
    };
}

/** The stack as the engine shows it at the end, with the inputs from before. */
function stackOf(
    resources: readonly PolicyResource[],
    inputs: ReadonlyMap<string, ResourceRecord>,
): StackGraph {
    return graphOf(
        resources.map((resource) => {
            const { urn, type, name, opts, provider, parent } = resource;
            const seen = inputs.get(urn);
            const component = !type.includes("/");
            const outputs = component ? plain(resource.props) : {};
            return {
                urn,
                type,
                name,
                // The outputs of the stack are all it has; inputs of what was never shown before are among them.
                props: seen?.props ?? (type === TYPES.stack ? {} : plain(resource.props)),
                outputs,
                ...(provider ? { provider: { type: provider.type, name: provider.name } } : {}),
                ...(parent ? { parent: parent.urn } : {}),
                protect: opts.protect,
                sources: Object.fromEntries(
                    Object.entries(resource.propertyDependencies).map(([key, from]) => [
                        key,
                        from.map((one) => one.urn),
                    ]),
                ),
            };
        }),
    );
}

/** A mapping of the SDK's as plain data; reading what is not known yet throws there, and is `UNKNOWN` here. */
function plain(props: Readonly<Record<string, unknown>>): Record<string, unknown> {
    return Object.fromEntries(Object.keys(props).map((key) => [key, plainAt(props, key)]));
}

function plainAt(holder: object, key: string | number): unknown {
    let value: unknown;
    try {
        value = (holder as Record<string | number, unknown>)[key];
    } catch (error) {
        if (error instanceof Error && error.constructor.name === "UnknownValueError")
            return UNKNOWN;
        throw error;
    }
    if (typeof value !== "object" || value === null) return value;
    if (Array.isArray(value)) {
        return Array.from({ length: value.length }, (_, index) => plainAt(value, index));
    }
    return plain(value as Record<string, unknown>);
}
