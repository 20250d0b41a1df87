import { namesRefusedServer } from "../../config/manifest-rules";
import { isContentTag, isPinnedImage } from "../../config/predicates";
import type { Finding, ResourceRule, Subject, Value } from "../core/model";
import { each, guarded } from "../core/values";
import { TYPES } from "../known";

import { knownEscapes } from "./escapes";
import { cis, owaspMcp } from "./references";

const image = {
    scope: "resource",
    types: [TYPES.container, TYPES.image],
    enforcement: "mandatory",
    severity: "high",
} as const;

/** The property that names the image of either type. */
function reference(subject: Subject): Value {
    return subject.at(subject.record.type === TYPES.container ? "image" : "name");
}

/** Whether a value that is not known yet can only be an image of this stack, which is judged by itself. */
function fromImages(subject: Subject, value: Value, key: string): boolean {
    if (!value.unknown) return false;
    const from = subject.sourcesOf(key);
    return from.length > 0 && from.every(({ type }) => type === TYPES.image);
}

const pinned: ResourceRule = {
    ...image,
    settles: true,
    name: "image-pinned",
    description:
        "An image is named by digest or content id; one that is built here, by a tag of its content.",
    remediation: "Write name@sha256:<digest>, or pass the imageId of a RemoteImage.",
    references: [cis("5.28"), owaspMcp(4)],
    *check(subject) {
        const value = reference(subject);
        if (subject.record.type === TYPES.container && fromImages(subject, value, "image")) return;
        const text = value.text() ?? "";
        const built = subject.record.type === TYPES.image && subject.at("build").given;
        if (!isPinnedImage(text) && !(built && isContentTag(text))) {
            yield { path: value.path, problem: "can mean another image tomorrow" };
        }
    },
};

const basePinned: ResourceRule = {
    ...image,
    types: [TYPES.image],
    settles: true,
    name: "image-base-pinned",
    description:
        "What an image is built on is named by digest, content id, or an image built here.",
    remediation: "Write the base with its digest in buildArgs.",
    references: [cis("4.2"), owaspMcp(4)],
    *check(subject) {
        const args = subject.at("build").at("buildArgs");
        yield* guarded(
            ...args
                .keys()
                .filter((key) => /(BASE|RUNTIME|IMAGE|FROM)$/.test(key))
                .map(
                    (key) =>
                        function* () {
                            const base = args.at(key);
                            if (fromImages(subject, base, "build")) return;
                            const text = base.text() ?? "";
                            if (!isPinnedImage(text) && !isContentTag(text)) {
                                yield {
                                    path: base.path,
                                    problem: "can mean another image tomorrow",
                                };
                            }
                        },
                ),
        );
    },
};

const noLatest: ResourceRule = {
    ...image,
    settles: true,
    name: "image-no-latest",
    description: "No image is called latest, or by no tag at all.",
    remediation: "Name a version, and its digest.",
    references: [cis("5.28"), owaspMcp(4)],
    *check(subject) {
        const value = reference(subject);
        if (subject.record.type === TYPES.container && fromImages(subject, value, "image")) return;
        const [name = "", digest] = (value.text() ?? "").split("@");
        const tag = /:([^/:]+)$/.exec(name)?.[1];
        if (tag === "latest") yield { path: value.path, problem: "is tagged latest" };
        if (tag === undefined && digest === undefined) {
            yield { path: value.path, problem: "has no tag" };
        }
    },
};

const denied: ResourceRule = {
    ...image,
    types: [TYPES.container, TYPES.image, "mcp:inner:Server"],
    settles: true,
    severity: "critical",
    name: "image-denied",
    description:
        "No server is known to be bad: @modelcontextprotocol/server-postgres lets clients write.",
    remediation: "Use build: dbhub, as in manifests/postgres-mcp.yml.",
    references: [owaspMcp(3), owaspMcp(4)],
    config: {
        also: {
            type: "array",
            items: { type: "string" },
            description:
                "Further regular expressions, over images and over each word of a command.",
            default: [],
        },
    },
    *check(subject, { also }) {
        const patterns = (Array.isArray(also) ? also : []).map((item) => new RegExp(String(item)));
        const bad = function* (value: Value): Iterable<Finding> {
            const text = value.text() ?? "";
            if (namesRefusedServer(text) || patterns.some((pattern) => pattern.test(text))) {
                yield { path: value.path, problem: "names a server that is refused" };
            }
        };
        const { type } = subject.record;
        if (type === TYPES.container) {
            const named = subject.at("image");
            yield* guarded(
                () => (fromImages(subject, named, "image") ? [] : bad(named)),
                ...["command", "entrypoints"].map((key) => () => each(subject.at(key), bad)),
                // A variable that comes from another resource names no package.
                () => each(subject.at("envs"), (item) => (item.unknown ? [] : bad(item))),
            );
            return;
        }
        if (type === TYPES.image) {
            const args = subject.at("build").at("buildArgs");
            yield* guarded(
                () => bad(subject.at("name")),
                ...args
                    .keys()
                    .map(
                        (key) => () =>
                            fromImages(subject, args.at(key), "build") ? [] : bad(args.at(key)),
                    ),
            );
            return;
        }
        const manifest = subject.at("manifest");
        yield* guarded(
            () => each(manifest.at("command"), bad),
            () => bad(manifest.at("source").at("ref")),
        );
    },
};

const escapes: ResourceRule = {
    ...image,
    enforcement: "advisory",
    settles: true,
    name: "image-dind-escapes",
    description: "The Docker-in-Docker image carries no known container escape.",
    remediation:
        "Use docker:28.5.2-dind or newer, by digest; docker:25.0.5-dind, the default of the replaced system, is affected.",
    references: [owaspMcp(4)],
    *check(subject) {
        const value = reference(subject);
        if (subject.record.type === TYPES.container && fromImages(subject, value, "image")) return;
        const problem = knownEscapes(value.text() ?? "");
        if (problem !== undefined) yield { path: value.path, problem };
    },
};

export const imageRules: readonly ResourceRule[] = [pinned, basePinned, noLatest, denied, escapes];
