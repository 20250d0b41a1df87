import type { PolicyNote, PreviewStep } from "../engine/types";

import type { Restart, ServerChange, StackDiff } from "./model";
import { orchestratorRestarts, restarts } from "./restarts";
import { serverChanges } from "./servers";

/** Facets whose change can change what tools a server offers. */
const BEHIND_TOOLS = ["image", "command", "environment"];

/**
 * A diff for a reviewer, as Markdown: servers, what restarts, policies, and the rest by name. Depends on what changes
 * alone, so that the same change gives the same text.
 */
export function markdown(diff: StackDiff): string {
    const { stack, from, steps } = diff;
    const servers = serverChanges(steps);
    const parts = [
        `## What changes in stack ${code(stack)}`,
        from,
        serverPart(servers),
        restartPart(restarts(steps), orchestratorRestarts(steps)),
        policyPart(diff),
        otherPart(steps),
    ];
    return `${parts.join("\n\n")}\n`;
}

function serverPart(servers: readonly ServerChange[]): string {
    if (servers.length === 0) return "### Servers\n\nNone is added, removed or changed.";
    const of = (kind: ServerChange["kind"]): string[] =>
        servers.filter((server) => server.kind === kind).map(({ name }) => name);
    const lines = (["added", "removed", "changed"] as const)
        .map((kind) => [kind, of(kind)] as const)
        .filter(([, names]) => names.length > 0)
        .map(([kind, names]) => `- ${kind}: ${names.map(code).join(", ")}`);
    const rows = servers.flatMap(({ name, facets }) =>
        facets.map((facet) => [
            code(name),
            facet.name,
            facet.before === undefined ? "" : code(facet.before),
            facet.after === undefined ? "" : code(facet.after),
        ]),
    );
    const tools = servers
        .filter(({ kind, facets }) => {
            return kind === "changed" && facets.some(({ name }) => BEHIND_TOOLS.includes(name));
        })
        .map(({ name }) => code(name));
    const note =
        tools.length === 0
            ? []
            : [
                  `Tools may differ, since what runs does: ${tools.join(", ")}. A preview runs no server.`,
              ];
    return [
        ["### Servers", ...lines]
            .join("\n\n")
            .replace(/\n\n- /g, "\n- ")
            .replace("\n- ", "\n\n- "),
        table(["server", "what", "before", "after"], rows),
        ...note,
    ].join("\n\n");
}

function restartPart(list: readonly Restart[], all: boolean): string {
    if (list.length === 0) return "### Restarts\n\nNothing restarts.";
    const lines = list.map(({ name, how, because }) => {
        return `- ${code(name)}: ${how}${because.length === 0 ? "" : ` (${because.join(", ")})`}`;
    });
    const note = all ? ["The orchestrator is made anew: every server restarts with it."] : [];
    return ["### Restarts", ...note, lines.join("\n")].join("\n\n");
}

function policyPart({ policies, rules }: StackDiff): string {
    const count = rules === undefined ? "" : ` of ${String(rules)} rules`;
    const hard = policies.filter(({ mandatory }) => mandatory);
    const head = `${plural(hard.length, "violation")}, ${plural(policies.length - hard.length, "advisory note")}${count}.`;
    if (policies.length === 0) return `### Policies\n\n${head}`;
    const order = (note: PolicyNote): string => {
        return `${note.mandatory ? "0" : "1"} ${note.policy} ${note.urn ?? ""} ${note.message}`;
    };
    const rows = [...policies]
        .sort((a, b) => (order(a) < order(b) ? -1 : 1))
        .map(({ policy, mandatory, urn, message }) => [
            code(policy),
            mandatory ? "**mandatory**" : "advisory",
            urn === undefined ? "" : code(urn.split("::").at(-1) ?? urn),
            cell(message.split("\n").at(-1) ?? message),
        ]);
    return [`### Policies`, head, table(["rule", "level", "resource", "what"], rows)].join("\n\n");
}

function otherPart(steps: readonly PreviewStep[]): string {
    const changing = steps.filter(({ operation }) => operation !== "same");
    const counts = ["create", "update", "replace", "delete"]
        .map(
            (word) =>
                [word, changing.filter(({ operation }) => operation === word).length] as const,
        )
        .filter(([, count]) => count > 0)
        .map(([word, count]) => `${String(count)} to ${word}`);
    const same = steps.length - changing.length;
    const head = [...counts, `${String(same)} the same`].join(", ");
    if (changing.length === 0) return `### All resources\n\n${head}.`;
    const lines = changing
        .map(({ operation, type, name, changed }) => {
            const reasons = changed.length === 0 ? "" : ` (${changed.join(", ")})`;
            return `- ${operation} ${code(`${shortType(type)} ${name}`)}${reasons}`;
        })
        .sort();
    return [
        "### All resources",
        `${head}.`,
        `<details><summary>By name</summary>\n\n${lines.join("\n")}\n\n</details>`,
    ].join("\n\n");
}

function shortType(type: string): string {
    return type.replace(/^([^:]+):index\/[^:]+:/, "$1 ");
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
    const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
    return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

/** Text in a code span; nothing in it can end the span, the cell or the line. */
function code(text: string): string {
    const flat = text
        .replace(/[`\r\n]/g, " ")
        .replace(/\|/g, "\\|")
        .trim();
    return flat === "" ? "" : `\`${flat}\``;
}

/** Text in a cell, which cannot mention people or draw pictures. */
function cell(text: string): string {
    return text
        .replace(/[\r\n]/g, " ")
        .replace(/[|<>@[\]!*_`\\]/g, (character) => `\\${character}`);
}

function plural(count: number, thing: string): string {
    return `${String(count)} ${thing}${count === 1 ? "" : "s"}`;
}
