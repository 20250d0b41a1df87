/** Reads a manifest that came through the API: the project's own format and rules, and a few more. */
import { parseManifest, type ServerManifest } from "../../../../config/manifest.ts";
import { INNER_VOLUMES } from "../../../../config/defaults.ts";
import { formatProblem } from "../../../../config/manifest-issue.ts";
import { ApiError } from "../api/errors.ts";

/** A checked manifest, and its text as `GET /containers/{name}/manifest` gives it back. */
export interface ReceivedManifest {
    readonly manifest: ServerManifest;
    readonly text: string;
}

/**
 * Largest manifest, in bytes. It is kept as a label, which every list of containers carries; Pulumi's own may be
 * larger.
 */
export const LARGEST_MANIFEST = 16 * 1024;

/** How the text is called in problems. */
const PLACE = "manifest";

/**
 * Checks a manifest, which may be YAML or the same as JSON.
 *
 * @param images names that `spec.build` may give
 * @throws ApiError 413 when it is too large, 422 with every problem
 */
export function readManifest(text: string, images: ReadonlySet<string>): ReceivedManifest {
    const bytes = Buffer.byteLength(text);
    if (bytes > LARGEST_MANIFEST) {
        throw new ApiError(413, "manifest-too-large", `the manifest has ${bytes} bytes`, {
            remedy: `keep it under ${LARGEST_MANIFEST} bytes, or put it into manifests/ and run ./mcp up`,
        });
    }
    const { manifest, problems } = parseManifest(PLACE, text);
    if (manifest === undefined || problems.length > 0) {
        throw new ApiError(422, "manifest-invalid", problems.map(formatProblem).join("\n"), {
            remedy: "correct it; the format is manifests/schema.json",
        });
    }
    const extra = extraProblem(manifest, images);
    if (extra) throw new ApiError(422, "manifest-invalid", extra.detail, { remedy: extra.remedy });
    return { manifest: { ...manifest, file: `manifests/${manifest.name}.yml` }, text };
}

/** What is allowed in a file and not through the API. */
function extraProblem(
    { egress, secrets, source, volumes }: ServerManifest,
    images: ReadonlySet<string>,
): { readonly detail: string; readonly remedy: string } | undefined {
    if (secrets.length > 0) {
        return {
            detail: "spec.secrets: secrets come from Pulumi's configuration, which the API does not have",
            remedy: "put the manifest into manifests/ and run ./mcp up",
        };
    }
    if (egress.length > 0) {
        return {
            detail: "spec.egress: a way out takes a companion container, which Pulumi makes and the API does not",
            remedy: "write egress: none, or put the manifest into manifests/ and run ./mcp up",
        };
    }
    if (source.kind === "build" && !images.has(source.image)) {
        return {
            detail: `spec.build: the image ${source.image} is not on this orchestrator`,
            remedy: `use one of ${[...images].sort().join(", ") || "the images by digest"}, or run ./mcp up with a manifest that names it`,
        };
    }
    const unknown = volumes.find((volume) => volume.source !== "shared");
    if (unknown) {
        return {
            detail: `spec.volumes: ${unknown.source} is no volume of this stack`,
            remedy: `use shared, which is ${INNER_VOLUMES.shared.name}`,
        };
    }
    return undefined;
}
