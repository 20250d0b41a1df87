import { createHash } from "node:crypto";

import { at } from "../../config/manifest-rules";
import { canonicalJson } from "../../config/manifest";
import { shown } from "../../config/errors";
import { formatMemory } from "../../config/units";
import type { PreviewStep } from "../engine/types";

import type { ServerChange, ServerFacts } from "./model";

const SERVER = "mcp:inner:Server";
const IMAGE = "docker:index/remoteImage:RemoteImage";

/** How a value that is only known at `up` is written. */
const LATER = "known at up";
const UNKNOWN_TEXT = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/** What of a removed server is worth a line: what others may have used. */
const LEFT_BEHIND = ["image", "egress", "port", "volumes"];

type Props = Readonly<Record<string, unknown>>;

/** Servers that are added, removed or changed, by name. */
export function serverChanges(steps: readonly PreviewStep[]): ServerChange[] {
    const images = {
        before: imageTags(steps.map(({ before }) => before)),
        after: imageTags(steps.map(({ after }) => after)),
    };
    function imageTags(sides: readonly (Props | undefined)[]): ReadonlyMap<string, string> {
        const tags = steps.flatMap(({ type }, index) => {
            const name = type === IMAGE ? at(sides[index], ["name"]) : undefined;
            const folder = typeof name === "string" ? /^mcp\/([^:]+):/.exec(name)?.[1] : undefined;
            return folder === undefined ? [] : [[folder, String(name)] as const];
        });
        return new Map(tags);
    }
    return steps
        .filter(({ type }) => type === SERVER)
        .flatMap(({ name, operation, before, after }) => {
            const old = operation === "create" ? undefined : facts(before, images.before);
            const fresh = operation === "delete" ? undefined : facts(after, images.after);
            return change(name, old, fresh) ?? [];
        })
        .sort((a, b) => (a.name < b.name ? -1 : 1));
}

function change(
    name: string,
    old: ServerFacts | undefined,
    fresh: ServerFacts | undefined,
): ServerChange | undefined {
    if (old === undefined && fresh === undefined) return undefined;
    const names = [...new Set([...Object.keys(old ?? {}), ...Object.keys(fresh ?? {})])];
    const facets = names
        .map((facet) => ({ name: facet, before: old?.[facet], after: fresh?.[facet] }))
        .filter(({ before, after }) => before !== after);
    const kind = old === undefined ? "added" : fresh === undefined ? "removed" : "changed";
    if (kind === "changed" && facets.length === 0) return undefined;
    const gone = facets.filter((facet) => LEFT_BEHIND.includes(facet.name));
    return { name, kind, facets: kind === "removed" ? gone : facets };
}

/**
 * What a reviewer asks of a server, from the manifest its component was made with. Values of the environment and words
 * of the command are never shown: they are told apart by a short hash.
 */
function facts(
    props: Props | undefined,
    images: ReadonlyMap<string, string>,
): ServerFacts | undefined {
    const manifest = at(props, ["manifest"]);
    if (manifest === undefined) return undefined;
    const get = (...path: string[]): unknown => at(manifest, path);
    const build = get("source", "image");
    const image =
        get("source", "kind") === "build"
            ? (images.get(String(build)) ?? `mcp/${text(build)}`)
            : text(get("source", "ref"));
    const memory = get("resources", "memoryMb");
    const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
    const entries: readonly (readonly [string, string])[] = [
        ["image", image],
        ["command", fingerprint(get("command"))],
        ["memory", typeof memory === "number" ? formatMemory(memory) : text(memory)],
        ["CPUs", text(get("resources", "cpus"))],
        ["processes", text(get("resources", "pids"))],
        ["egress", list(get("egress")).map(text).sort().join(", ") || "none"],
        ["port", text(get("port"))],
        ["port inside", text(get("transport", "containerPort"))],
        ["path", text(get("transport", "path"))],
        ["volumes", list(get("volumes")).map(volume).sort().join(", ") || "none"],
        [
            "secrets",
            list(get("secrets"))
                .map((one) => text(at(one, ["name"])))
                .sort()
                .join(", ") || "none",
        ],
        ["environment", variables(get("environment"))],
        ["health", fingerprint(get("health"))],
        ["stop grace", `${text(get("stopGraceSeconds"))}s`],
    ];
    return Object.fromEntries(entries);
}

function text(value: unknown): string {
    if (value === undefined) return "none";
    if (value === UNKNOWN_TEXT) return LATER;
    return typeof value === "string" ? shown(value).slice(1, -1) : shown(value);
}

function volume(value: unknown): string {
    const mode = at(value, ["readOnly"]) === true ? "read-only" : "writable";
    return `${text(at(value, ["source"]))} on ${text(at(value, ["path"]))} (${mode})`;
}

/** Names, each with a hash of its value: that one differs is shown, what it is is not. */
function variables(value: unknown): string {
    if (typeof value !== "object" || value === null) return "none";
    const names = Object.entries(value)
        .map(([name, content]) => `${name} ${fingerprint(content)}`)
        .sort();
    return names.join(", ") || "none";
}

function fingerprint(value: unknown): string {
    if (value === undefined || (Array.isArray(value) && value.length === 0))
        return "the image's own";
    const hash = createHash("sha256").update(canonicalJson(value)).digest("hex");
    return `#${hash.slice(0, 8)}`;
}
